"""An HTTP server for one machine: fast answers, no name look-ups, nothing printed."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LoopbackServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; port 0 takes any free one."""

    daemon_threads = True
    # Connections that arrive in a burst must not be refused.
    request_queue_size = 512

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the network for our name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def stop(self) -> None:
        """Stop serving and close; must have been serving."""
        stopping = threading.Thread(target=self.shutdown)
        stopping.start()
        # The serving thread looks for the request to stop when a connection comes, or every 0.5 s.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.server_port), 1).close()
        stopping.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: the other side hung up, or its process was ended."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Keeps connections, and sends head and body in one segment: two cost 40 ms (Nagle)."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Let the body come at once: S3 clients ask first, and give up waiting only after 1 s."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing: what matters has a line of its own."""
