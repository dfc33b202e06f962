"""
The WebSocket of an Event API.

https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html. Where that
page is silent, it is as AWS's own client expects it:
https://github.com/aws-amplify/amplify-js/tree/main/packages/api-graphql/src/Providers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.sync.server import serve

from dev import appsync_channels as channels
from dev.appsync_api import BAD_REQUEST, UNAUTHORIZED, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection
    from websockets.typing import Subprotocol

    from dev.appsync_api import EventApi
    from dev.appsync_channels import Channel

PROTOCOL = "aws-appsync-event-ws"
PATH = "/event/realtime"
KEEP_ALIVE_SECONDS = 60.0
CONNECTION_TIMEOUT_MS = 300_000
# Written nowhere: clients report that connections last up to a day, such as
# https://github.com/aws-amplify/amplify-js/pull/14569.
LONGEST_CONNECTION_SECONDS = 24 * 3600
# https://docs.aws.amazon.com/general/latest/gr/appsync.html
MOST_SUBSCRIPTIONS = 100
_HEADER = "header-"
_ID = re.compile(r"[A-Za-z0-9_+-]{1,128}")


class RealtimeServer:
    """
    Listens on loopback from the moment it is made; answers once it is started.

    Args:
        clock: The time, in unix seconds, by which connections get too old.

    """

    def __init__(self, api: EventApi, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._open: set[ServerConnection] = set()
        self._server = serve(
            self._handle,
            "127.0.0.1",
            0,
            process_request=_refuse_other_paths,
            select_subprotocol=_select_protocol,
            # As browsers have it of AppSync.
            compression=None,
        )
        self.port = int(self._server.socket.getsockname()[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                connection.socket.close()

    def _handle(self, websocket: ServerConnection) -> None:
        self._open.add(websocket)
        connection = Connection(self._api, websocket, self._clock)
        try:
            connection.run()
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._api.leave(connection)
            self._open.discard(websocket)


class Connection:
    """One connection, with its subscriptions by their ids."""

    def __init__(
        self, api: EventApi, websocket: ServerConnection, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._websocket = websocket
        self._clock = clock
        self._is_initialised = False
        self._subscriptions: dict[str, Channel] = {}

    def run(self) -> None:
        """Answer until either side ends it."""
        try:
            self._api.connect(_header_of(self._websocket))
        except Refused as refused:
            self._send(type="connection_error", errors=refused.told)
            return
        self._api.join(self)
        ends_at, next_sign = self._clock() + LONGEST_CONNECTION_SECONDS, time.monotonic()
        while self._clock() < ends_at:
            if self._is_initialised and time.monotonic() >= next_sign:
                self._send(type="ka")
                next_sign = time.monotonic() + KEEP_ALIVE_SECONDS
            with suppress(TimeoutError):
                self._answer(self._websocket.recv(timeout=1.0))

    def deliver(self, channel: Channel, events: list[str]) -> None:
        """Send events to those of its subscriptions that cover the channel."""
        for subscription_id, subscribed in list(self._subscriptions.items()):
            if channels.covers(subscribed, channel):
                for event in events:
                    # Whoever has gone is told nothing.
                    with suppress(ConnectionClosed, OSError):
                        self._send(type="data", id=subscription_id, event=event)

    def _answer(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
            kind, own_id = message["type"], message.get("id")
        except (ValueError, KeyError, TypeError, AttributeError):
            message, kind, own_id = {}, "unknown", None
        if kind == "connection_init":
            self._is_initialised = True
            self._send(type="connection_ack", connectionTimeoutMs=CONNECTION_TIMEOUT_MS)
            return
        answers = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "publish": self._publish,
        }
        if not self._is_initialised or kind not in answers:
            words = f"{kind} not supported through the realtime channel"
            self._send(type="error", errors=Refused("UnsupportedOperation", words).told)
            return
        try:
            answers[kind](own_id, message)
        except Refused as refused:
            self._send(type=f"{kind}_error", id=own_id, errors=refused.told)

    def _subscribe(self, own_id: Any, message: Mapping[str, Any]) -> None:
        if not isinstance(own_id, str) or not _ID.fullmatch(own_id):
            raise Refused(BAD_REQUEST, "the id must be 1 to 128 letters, digits, _, + and -")
        if own_id in self._subscriptions:
            raise Refused("DuplicatedOperationError", f"the id {own_id} is in use")
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            words = f"a connection has up to {MOST_SUBSCRIPTIONS} subscriptions"
            raise Refused("MaxSubscriptionsReachedError", words)
        headers = message.get("authorization")
        if not isinstance(headers, dict):
            raise Refused(UNAUTHORIZED, "You are not authorized to make this call.")
        channel = self._api.check_subscription(message.get("channel"), headers)
        # Acknowledged before anything arrives on it.
        self._send(type="subscribe_success", id=own_id)
        self._subscriptions[own_id] = channel

    def _unsubscribe(self, own_id: Any, _: Mapping[str, Any]) -> None:
        if self._subscriptions.pop(own_id, None) is None:
            raise Refused("UnknownOperationError", f"Unknown operation id {own_id}")
        self._send(type="unsubscribe_success", id=own_id)

    def _publish(self, _: Any, message: Mapping[str, Any]) -> None:
        self._api.check_publication(message.get("channel"), "AWS_LAMBDA")
        raise Refused("UnsupportedOperation", "on this machine, publish over HTTP")

    def _send(self, **message: Any) -> None:
        self._websocket.send(json.dumps(message, separators=(",", ":")))


def _refuse_other_paths(connection: ServerConnection, request: Request) -> Response | None:
    if request.path.partition("?")[0] == PATH:
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, "")


def _select_protocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    for one in offered:
        if one == PROTOCOL:
            return one
    raise NegotiationError(f"the subprotocol {PROTOCOL} must be offered")


def _header_of(websocket: ServerConnection) -> dict[str, Any]:
    """Read the authorization from the subprotocol that carries it. Raises Refused."""
    request = websocket.request
    offered = request.headers.get("Sec-WebSocket-Protocol", "") if request is not None else ""
    for one in (part.strip() for part in offered.split(",")):
        if one.startswith(_HEADER):
            text = one.removeprefix(_HEADER)
            try:
                found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", True))
            except (binascii.Error, ValueError):
                break
            if isinstance(found, dict):
                return found
    raise Refused(UNAUTHORIZED, "You are not authorized to make this call.")
