"""What holds for every test."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import clients, network
from tests.scheduling import Scheduling, rank

# A test says the same each time; a busy machine is no reason to fail.
settings.register_profile(
    "steady",
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("steady"), max_examples=20)
settings.load_profile("steady")
clients.share()
network.guard()
# Commands under test answer as they do to a person, whichever `make` has started the tests.
for passed_on in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "COVERAGE"):
    os.environ.pop(passed_on, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest begin first; within a folder, everything stays in its order."""
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Hand out by file, but for those that share more than that."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None
