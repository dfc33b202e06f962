"""A receiver of webhooks, which answers as it is told and verifies what it gets."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Said:
    """An answer; `wait_seconds` before it."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0


@dataclass(frozen=True)
class Got:
    """A webhook as it came, and what was answered."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    answered: int

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def was_taken(self) -> bool:
        return 200 <= self.answered < 300

    def is_verified_by(self, secret: str) -> bool:
        """Whether the library verifies it now; it refuses what is older than five minutes."""
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True

    def is_signed_by(self, secret: str) -> bool:
        """Whether the library takes the signature, whatever the time."""
        told = self.headers["webhook-signature"].split(" ")
        at = int(self.headers["webhook-timestamp"])
        moment = datetime.fromtimestamp(at, UTC)
        own = Webhook(secret).sign(self.headers["webhook-id"], moment, self.body.decode())
        return own in told


class Receiver:
    """
    Answers webhooks.

    Attributes:
        answer: Says what is answered, by path and event.
        got: Everything that came, in order.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str, dict[str, Any]], Said] = lambda _, __: Said()
        self.got: list[Got] = []
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = receiver.answer(self.path, json.loads(body))
                receiver._closing.wait(said.wait_seconds)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body, said.status))
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 100

            def handle_error(self, *_: object) -> None:
                """Whoever is not waited for any more hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.place}"

    def taken(self, path: str = "") -> list[Got]:
        """List what came through, in order."""
        return [one for one in self.got if one.was_taken and one.path.startswith(path)]

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
