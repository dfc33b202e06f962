"""A client of AppSync Events, as a test needs it: it says what it is told to, and hears all."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

PROTOCOL = "aws-appsync-event-ws"
PATIENCE_SECONDS = 20.0


def header(authorization: Any) -> str:
    """Write the subprotocol that carries an authorization."""
    text = json.dumps(authorization).encode()
    return f"header-{base64.urlsafe_b64encode(text).rstrip(b'=').decode()}"


class LiveClient:
    """One connection; keep-alives are counted, and not heard."""

    def __init__(self, websocket: ClientConnection, authorization: dict[str, str]) -> None:
        self.websocket = websocket
        self.authorization = authorization
        self.keep_alives = 0

    def send(self, **message: Any) -> None:
        self.websocket.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        """Wait for the next message. Raises TimeoutError, ConnectionClosed."""
        while True:
            message: dict[str, Any] = json.loads(self.websocket.recv(timeout=PATIENCE_SECONDS))
            if message["type"] != "ka":
                return message
            self.keep_alives += 1

    def ask(self, **message: Any) -> dict[str, Any]:
        self.send(**message)
        return self.hear()

    def start(self) -> dict[str, Any]:
        return self.ask(type="connection_init")

    def subscribe(
        self, channel: Any, own_id: Any = "1", authorization: Any = None
    ) -> dict[str, Any]:
        chosen = self.authorization if authorization is None else authorization
        return self.ask(type="subscribe", id=own_id, channel=channel, authorization=chosen)

    def follow(self, channels: list[str]) -> None:
        """Start, and subscribe to all of these channels."""
        assert self.start()["type"] == "connection_ack"
        for number, channel in enumerate(channels):
            assert self.subscribe(channel, str(number))["type"] == "subscribe_success"

    def events(self, count: int) -> list[Any]:
        """Wait for so many events."""
        messages = [self.hear() for _ in range(count)]
        assert {message["type"] for message in messages} == {"data"}
        return [json.loads(message["event"]) for message in messages]

    def is_closed(self) -> bool:
        """Tell whether the other side ends the connection."""
        try:
            self.hear()
        except ConnectionClosed:
            return True
        return False


@contextmanager
def live_client(url: str, host: str, token: str) -> Iterator[LiveClient]:
    """Connect; whoever is not let in hears so as the first message."""
    authorization = {"host": host, "Authorization": token}
    offered = [Subprotocol(PROTOCOL), Subprotocol(header(authorization))]
    with connect(url, subprotocols=offered) as websocket:
        yield LiveClient(websocket, authorization)
