"""HTTP/1.1 connections that stay open, written in one piece, and droppable on purpose."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIApplication

# An application sets this in its environ to have the connection closed without an answer.
DROP = "simulator.drop"


@runtime_checkable
class _Closable(Protocol):
    def close(self) -> None: ...


class Server(ThreadedWSGIServer):
    """
    Serves each connection in a thread of its own.

    Args:
        listener: A bound socket; the server's own way of binding ends the process if the port
            is taken.

    """

    def __init__(self, listener: socket.socket, app: WSGIApplication) -> None:
        host, port = listener.getsockname()[:2]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(host, port, app, Connection, fd=listener.fileno())
        listener.close()

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def close_connections(self) -> None:
        """Hang up on everybody, as the end of a process does."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Connection(WSGIRequestHandler):
    """Answers one request after the other; werkzeug's own handler closes after the first."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        cast("Server", self.server).opened(self.connection)

    def finish(self) -> None:
        cast("Server", self.server).closed(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        # The body is read to its end, so that the next request starts where this one stops.
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
            started[:] = [(status, headers)]

        chunks = cast("Server", self.server).app(environ, start_response)
        try:
            if environ.get(DROP):
                self.close_connection = True
            else:
                self._send(*started[0], chunks)
        finally:
            if isinstance(chunks, _Closable):
                chunks.close()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Leave requests out: their paths may hold tokens, and our own lines tell more."""

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return cast("bytes", environ["wsgi.input"].read())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        promised = next((int(v) for n, v in headers if n.lower() == "content-length"), None)
        lines = [f"HTTP/1.1 {status}", f"Date: {self.date_time_string()}", "Server: kie"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += ["Connection: close"] if self.close_connection else []
        sent, waiting = 0, "\r\n".join([*lines, "", ""]).encode("latin-1")
        for chunk in chunks:
            sent += len(chunk)
            self.wfile.write(waiting + chunk)
            waiting = b""
        if waiting:
            self.wfile.write(waiting)
        # A body that ends early is told by hanging up: nobody could find the next answer.
        if self.command != "HEAD" and sent != promised:
            self.close_connection = True
