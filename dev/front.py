"""The HTTP server in front: sockets and bytes in, requests for the HTTP API out."""

from __future__ import annotations

import errno
import json
import threading
import time
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from dev.dials import DialError, positions
from dev.events import Request, Response
from dev.gateway import MAX_BODY_BYTES, HttpApi, message
from dev.logs import TASK_ID
from dev.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.dials import Dials
    from dev.event_bus import Events
    from dev.logs import Log

_BODILESS = frozenset((204, 304))
_DISCARDED_BYTES = 8 * MAX_BODY_BYTES


class PortInUseError(Exception):
    """The port is taken by another program."""


class _TooLargeError(Exception):
    pass


class Front(LoopbackServer):
    """
    Listens on loopback from the moment it is made; answers once `serve` is called.

    Args:
        port: 0 for any free one.
        processes: Gives the body of `GET /_dev/processes`.
        dials: What `GET /_dev/dials` tells and `POST /_dev/dials` turns.
        events: What `GET /_dev/events` lists; with `?since=`, what came after that number.

    """

    def __init__(self, port: int, log: Log) -> None:
        try:
            super().__init__(port, _Handler)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                raise PortInUseError(port) from exc
            raise
        self.log = log
        self.url = f"http://127.0.0.1:{self.server_port}"

    def serve(
        self, api: HttpApi, processes: Callable[[], bytes], dials: Dials, events: Events
    ) -> None:
        self.api, self.processes, self.dials, self.events = api, processes, dials, events
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(LoopbackHandler):
    server: Front

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        started = time.monotonic()
        request = self._request(b"")
        try:
            request = self._request(self._body())
            answer = self._own(request) or self.server.api.answer(request)
        except _TooLargeError:
            self.close_connection = True
            answer = message(413, "Request Entity Too Large", request)
        self._send(answer)
        self._log(request, answer, started)

    def _request(self, body: bytes) -> Request:
        target = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(target.path),
            query=target.query,
            headers=tuple(self.headers.items()),
            body=body,
            source_ip=str(self.client_address[0]),
            request_id=str(uuid.uuid4()),
            received=datetime.now(UTC),
            protocol=self.request_version,
        )

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self._discard(min(length, _DISCARDED_BYTES))
            raise _TooLargeError
        return self.rfile.read(length)

    def _discard(self, length: int) -> None:
        # An answer sent while the caller still writes would be lost with the connection.
        while length > 0 and (part := self.rfile.read(min(length, 65536))):
            length -= len(part)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(body) + size > MAX_BODY_BYTES:
                raise _TooLargeError
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _own(self, request: Request) -> Response | None:
        """Answer what belongs to the harness; a tunnel shows itself by what it forwards."""
        if not request.path.startswith("/_dev/") or request.header("x-forwarded-for"):
            return None
        host = (request.header("host") or "").rpartition(":")[0]
        if host not in {"127.0.0.1", "localhost"}:
            return None
        if request.path == "/_dev/dials":
            return dials_answer(self.server.dials, request)
        if request.path == "/_dev/events":
            return events_answer(self.server.events, request)
        if request.path != "/_dev/processes":
            return None
        return Response(200, self.server.processes(), (("content-type", "application/json"),))

    def _send(self, answer: Response) -> None:
        self.send_response_only(answer.status, _reason(answer.status))
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            # A line break in a value would let a function's input write headers.
            self.send_header(name, value.replace("\r", "").replace("\n", ""))
        if answer.status not in _BODILESS:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and answer.status not in _BODILESS:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _log(self, request: Request, answer: Response, started: float) -> None:
        path, task = _shown(self.server.api, request), TASK_ID.search(request.path)
        ms = int((time.monotonic() - started) * 1000)
        text = f"{request.method} {path} {answer.status} {ms} ms"
        self.server.log.line("http", text, task_id=task[0] if task else "-")


def dials_answer(dials: Dials, request: Request) -> Response:
    """Turn dials, or tell their positions."""
    status, problem = 200, None
    if request.method in {"POST", "PUT"}:
        try:
            for name, value in dict(json.loads(request.body or b"{}")).items():
                dials.set(name, value)
        except (DialError, TypeError, ValueError) as exc:
            status, problem = 400, str(exc)
    body = {"message": problem} if problem else positions(dials)
    return _json(status, body)


def events_answer(events: Events, request: Request) -> Response:
    """List what the event buses have got."""
    since = parse_qs(request.query).get("since", ["0"])[0]
    if not since.isdecimal():
        body: Any = {"message": f"since={since} is not the number of an event"}
        return _json(400, body)
    return _json(200, {"events": [asdict(one) for one in events.since(int(since))]})


def _json(status: int, body: Any) -> Response:
    return Response(status, json.dumps(body).encode(), (("content-type", "application/json"),))


def _shown(api: HttpApi, request: Request) -> str:
    """Return the path as it may be shown: whatever a route calls a token is left out."""
    match = api.find(request.method, request.path)
    path = request.path
    if match and (token := match.parameters.get("token")):
        path = path.replace(token, "***")
    return ascii(path)[1:-1]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
