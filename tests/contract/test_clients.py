"""AWS clients against a service that takes connections and says nothing."""

import socket
import time
from collections.abc import Iterator

import pytest

from kie_gateway.aws.submit_queue_table import SubmitQueueTable
from kie_gateway.core.deadline import AWS_CALL_SECONDS
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.submit_queue import Rate
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.clock import utc_now


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        yield server


def connections(server: socket.socket) -> int:
    """Count those that wait to be taken."""
    server.settimeout(0.1)
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except TimeoutError:
            return count
        count += 1


def look(left: float) -> float:
    """Read the line with so many seconds left; returns those that are left afterwards."""
    ends_at = time.monotonic() + left
    clients = Clients(lambda: ends_at - time.monotonic())
    line = SubmitQueueTable(clients.dynamodb, "t", Rate(), utc_now)
    # Making a client takes its time, too.
    ends_at = time.monotonic() + left
    with pytest.raises(BackendUnavailableError):
        line.state()
    return ends_at - time.monotonic()


def test_a_call_that_is_not_answered_ends_before_the_invocation(silence: socket.socket) -> None:
    assert look(AWS_CALL_SECONDS + 0.5) > 0
    assert connections(silence) == 1


def test_a_call_that_could_not_end_in_time_is_not_sent(silence: socket.socket) -> None:
    assert look(AWS_CALL_SECONDS - 0.1) > AWS_CALL_SECONDS - 0.5
    assert connections(silence) == 0
