"""Answers HTTP requests by a WSGI application, many over one connection."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import InternalServerError
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECE_BYTES = 1024 * 1024
# Status codes whose answers end with their headers.
_WITHOUT_BODY = ("1", "204", "304")


class KeepAliveHandler(MotoRequestHandler):
    """
    Keeps connections open, as AWS does: to make a new one takes longer than most calls.

    werkzeug itself ends each connection after one answer.
    """

    protocol_version = "HTTP/1.1"
    # In two segments, Nagle's algorithm costs each answer 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Let the body come at once: S3 clients ask first, and give up waiting only after 1 s."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            del self.headers["Expect"]
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        if not environ.get("wsgi.input_terminated"):
            # Nobody reads on into the next request.
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"] = _Body(environ["wsgi.input"], length)
        body = environ["wsgi.input"]
        try:
            self._run(self.server.app, environ, body)
        except OSError as error:
            self.connection_dropped(error, environ)
            self.close_connection = True
        except Exception:  # noqa: BLE001 - whatever it is, the client waits for an answer
            self.log_error("%s", traceback.format_exc())
            self._run(InternalServerError(), environ, body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a person reads the functions' lines."""

    def _run(self, application: Any, environ: dict[str, Any], body: Any) -> None:
        start: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            start[:] = [status, headers]

        parts = application(environ, start_response)
        try:
            # A client that is still sending does not look for an answer.
            while body.read(_PIECE_BYTES):
                pass
            status, headers = start
            self._answer(status, headers, parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _answer(self, status: str, headers: list[tuple[str, str]], parts: Iterable[bytes]) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        is_bounded = any(name.lower() == "content-length" for name, _ in headers)
        if not (is_bounded or self.command == "HEAD" or code.startswith(_WITHOUT_BODY)):
            self.send_header("Connection", "close")
        self.end_headers()
        for part in parts:
            self.wfile.write(part)
        self.wfile.flush()


class _Body(LimitedStream):
    """Ends where its request ends; one that breaks off is short, and that is for S3 to tell."""

    def on_disconnect(self, error: Exception | None = None) -> Any:  # noqa: ARG002 - werkzeug's
        return b""
