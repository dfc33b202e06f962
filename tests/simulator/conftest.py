from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from simulator.server import KieSimulator
from tests.simulator.support import HMAC_KEY, Client, Receiver


@pytest.fixture
def sim() -> Iterator[KieSimulator]:
    options = {"create_limit": 0, "retry_pauses_seconds": (0.1, 0.15, 0.2)}
    with KieSimulator(port=0, seconds=0.1, webhook_hmac_key=HMAC_KEY, **options) as running:
        yield running


@pytest.fixture
def client(sim: KieSimulator) -> Iterator[Client]:
    with Client(sim.base_url) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def server() -> Iterator[KieSimulator]:
    """A simulator that many tests share; their tasks do not meet."""
    options = {"create_limit": 0, "retry_pauses_seconds": (0.05, 0.05), "credits": 1e9}
    with KieSimulator(port=0, seconds=0.03, webhook_hmac_key=HMAC_KEY, **options) as running:
        yield running


@pytest.fixture(scope="session")
def kie(server: KieSimulator) -> Iterator[Client]:
    with Client(server.base_url) as made:
        yield made


@pytest.fixture(scope="session")
def post() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Tells a test's webhooks from those of others."""
    return hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
