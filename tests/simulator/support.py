"""A receiver of webhooks, and a client as anybody writes one for Kie.ai."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

HMAC_KEY = "hmac-key-for-tests"
# For files and for callers without a key; loading certificates would take most of the time.
WEB = httpx.Client(verify=False, timeout=20)
MODEL = "google/nano-banana"


@dataclass
class Webhook:
    """One POST as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Writes down what it is sent; `answers` are the statuses to come, then 200."""

    webhooks: list[Webhook] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delay_seconds: float = 0.0

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._receive(self)

            def log_message(self, *_: Any) -> None:
                return

        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/callbacks/kie/task_1/tok3n"

    def at(self, name: str) -> str:
        """Name an address whose webhooks are told from others by `under`."""
        return f"{self.url}/{name}"

    def under(self, name: str, count: int = 1) -> list[Any]:
        """Wait for the webhooks at an address; gives their bodies."""
        eventually(lambda: len(self._at(name)) >= count)
        return [one.json for one in self._at(name)]

    def _at(self, name: str) -> list[Webhook]:
        return [one for one in self.webhooks if one.path.endswith(f"/{name}")]

    def wait(self, count: int = 1, seconds: float = 5.0) -> list[Webhook]:
        eventually(lambda: len(self.webhooks) >= count, seconds)
        return self.webhooks

    def _receive(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._lock:
            self.webhooks.append(Webhook(request.path, headers, body, time.time()))
            status = self.answers.pop(0) if self.answers else 200
        time.sleep(self.delay_seconds)
        try:
            request.send_response(status)
            request.send_header("Content-Length", "0")
            request.end_headers()
        except OSError:
            return


class Client:
    """What a user of Kie.ai has written, more or less."""

    def __init__(self, base_url: str, key: str = "any") -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=20, verify=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, prompt: str, url: str = "", model: str = MODEL, **given: Any) -> httpx.Response:
        body = {"model": model, "input": {"prompt": prompt, **given}}
        body |= {"callBackUrl": url} if url else {}
        return self.http.post("/api/v1/jobs/createTask", json=body)

    def create(self, prompt: str = "a red kite", url: str = "", **given: Any) -> str:
        answer = self.post(prompt, url, **given).json()
        assert answer["code"] == 200, answer
        return str(answer["data"]["taskId"])

    def start(self, path: str, body: dict[str, Any], url: str = "") -> str:
        """Create a task of a family; gives its id."""
        answer = self.http.post(path, json=body | ({"callBackUrl": url} if url else {})).json()
        assert answer["code"] == 200, answer
        return str(answer["data"]["taskId"])

    def refusal(self, path: str, body: dict[str, Any]) -> tuple[int, str]:
        """Try to create a task; gives code and words."""
        answer = self.http.post(path, json=body).json()
        assert answer["data"] is None
        return answer["code"], answer["msg"]

    def ask(self, path: str, task_id: str) -> Any:
        """Ask how a task stands; gives `data`."""
        answer = self.http.get(path, params={"taskId": task_id}).json()
        assert answer["code"] == 200, answer
        return answer["data"]

    def watch(self, path: str, task_id: str, key: str, ends: set[Any]) -> list[Any]:
        """Ask until a field has one of its last values; gives all records that were told."""
        told: list[Any] = []

        def has_ended() -> bool:
            told.append(self.ask(path, task_id))
            return told[-1][key] in ends

        eventually(has_ended)
        return told

    def poll(self, task_id: str) -> Any:
        return self.http.get("/api/v1/jobs/recordInfo", params={"taskId": task_id}).json()

    def record(self, task_id: str) -> Any:
        return self.poll(task_id)["data"]

    def finished(self, task_id: str) -> Any:
        """Ask until the task has ended."""
        eventually(lambda: self.record(task_id)["state"] in {"success", "fail"})
        return self.record(task_id)

    def links(self, task_id: str) -> list[str]:
        links: list[str] = json.loads(self.finished(task_id)["resultJson"])["resultUrls"]
        return links

    def credits(self) -> float:
        return float(self.http.get("/api/v1/chat/credit").json()["data"])

    def sim(self, name: str) -> Any:
        return self.http.get(f"/sim/{name}").json()


def eventually(is_true: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
