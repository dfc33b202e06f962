"""The running `make dev`, driven from outside over HTTP only."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running.described import Described
from tests.running.driver import empty_submit_queue, new_key
from tests.running.gateway import Gateway

# Unlike anything else, so that they can be searched for.
KIE_API_KEY = "kie-key-of-these-tests"
KIE_WEBHOOK_HMAC_KEY = "webhook-key-of-these-tests"
# The only pages that may call the gateway.
NAMED_ORIGIN = "https://app.example.com"


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    times = "FirstPollSeconds=5 PollCapSeconds=2 DeadlineSeconds=90"
    yield from running(tmp_path_factory, f"{times} AllowedOrigins={NAMED_ORIGIN}")


@pytest.fixture(scope="session")
def patient_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that asks late, so that webhooks come first however busy the machine is."""
    yield from running(tmp_path_factory, "FirstPollSeconds=60 PollCapSeconds=2 DeadlineSeconds=240")


def running(folders: pytest.TempPathFactory, parameters: str) -> Iterator[Gateway]:
    keys = {"KIE_API_KEY": KIE_API_KEY, "KIE_WEBHOOK_HMAC_KEY": KIE_WEBHOOK_HMAC_KEY}
    gateway = Gateway(folders.mktemp("gateway"), parameters, keys)
    with gateway.started():
        yield gateway


@pytest.fixture
def empty_queue(gateway: Gateway) -> None:
    """Let what Kie.ai refused to an earlier test hold up nothing."""
    empty_submit_queue(gateway.http)


@pytest.fixture(scope="session")
def described(gateway: Gateway) -> Described:
    """Check answers by the document that the gateway itself hands out."""
    return Described(httpx.get(f"{gateway.url}/v1/openapi.json").json())


@pytest.fixture(scope="session")
def caller(gateway: Gateway, described: Described) -> Iterator[httpx.Client]:
    """Call with the local key."""
    with described.client(gateway.url, "kg_local_dev") as client:
        yield client


@pytest.fixture(scope="session")
def other_key(gateway: Gateway) -> str:
    """The key of another owner."""
    return new_key(gateway.http, "another")


@pytest.fixture(scope="session")
def stranger(gateway: Gateway, described: Described, other_key: str) -> Iterator[httpx.Client]:
    """Call with a key of another owner."""
    with described.client(gateway.url, other_key) as client:
        yield client


@pytest.fixture
def fresh_gateway(tmp_path: Path) -> Iterator[Gateway]:
    running = Gateway(tmp_path, "FirstPollSeconds=3 PollCapSeconds=2 DeadlineSeconds=90")
    with running.started():
        yield running
