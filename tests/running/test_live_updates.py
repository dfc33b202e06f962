"""The examples in docs/live-updates.md, in a real browser, on the running gateway."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.loopback import LoopbackHandler, LoopbackServer
from tests.running.chromium import Chromium, Tab, chromium
from tests.running.driver import create, new_key
from tests.running.gateway import Gateway

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = {
    block.splitlines()[0].removeprefix("// "): block
    for page in ("live-updates.md", "browser.md")
    for block in re.findall(
        r"^```js\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL
    )
}
# What a page does with the examples; `window` has what came of it.
HTML = """<!doctype html><script type="module">
import { follow } from "./follow.js";
import { live } from "./live.js";

window.heard = [];
window.ready = window.ended = 0;
const note = (event) => window.heard.push(event);
window.follow = (wish) => {
  follow(wish, () => window.ready++, note).then(() => window.ended++);
};
window.live = (ids) => {
  live(ids, note).then(() => window.ended++);
};
window.loaded = true;
</script>"""


class Site(LoopbackServer):
    """
    A web page, and the route of its server that adds somebody's key.

    Attributes:
        ttl_seconds: How long the tokens are good that it asks for.
        gives_tokens: Cleared, tokens are waited for.
        is_asked: Set when a token is waited for.
        paths: What the page has asked for.
    """

    ttl_seconds = 600

    def __init__(self, gateway: Gateway, key: str) -> None:
        super().__init__(0, _SiteHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.gives_tokens = threading.Event()
        self.gives_tokens.set()
        self.is_asked = threading.Event()
        self.paths: list[str] = []
        self.http = httpx.Client(
            base_url=gateway.url, headers={"Authorization": f"Bearer {key}"}, timeout=40
        )

    def forward(self, method: str, path: str, body: bytes) -> httpx.Response:
        self.paths.append(path)
        if path.endswith("/realtime/tokens"):
            body = json.dumps({"ttl_seconds": self.ttl_seconds, **json.loads(body)}).encode()
            if not self.gives_tokens.is_set():
                self.is_asked.set()
            assert self.gives_tokens.wait(60)
        headers = {"Content-Type": "application/json"}
        return self.http.request(method, path, content=body, headers=headers)


class _SiteHandler(LoopbackHandler):
    server: Site

    def __getattr__(self, name: str) -> Any:
        if name in {"do_GET", "do_POST"}:
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body, name = self.rfile.read(length), self.path.removeprefix("/")
        if name in EXAMPLES:
            self._send(200, "text/javascript", EXAMPLES[name].encode())
        elif name.startswith("api/kie/"):
            path = self.path.removeprefix("/api/kie")
            answer = self.server.forward(self.command, path, body)
            self._send(answer.status_code, "application/json", answer.content)
        else:
            self._send(200, "text/html", HTML.encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


@contextmanager
def site(gateway: Gateway, owner: str) -> Iterator[Site]:
    made = Site(gateway, new_key(gateway.http, owner))
    serving = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        with made.http:
            yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def alice(gateway: Gateway) -> Iterator[Site]:
    with site(gateway, "alice") as made:
        yield made


@pytest.fixture(scope="module")
def bob(gateway: Gateway) -> Iterator[Site]:
    with site(gateway, "bob") as made:
        yield made


def opened(tab: Tab, url: str) -> Tab:
    tab.open(url).until("window.loaded")
    return tab


def following(tab: Tab, url: str, wish: str = "{}") -> Tab:
    """Open a page, and have it follow something."""
    opened(tab, url).run(f"follow({wish})")
    tab.until("window.ready")
    return tab


def canceled(tab: Tab, count: int) -> list[str]:
    """Wait for so many events of canceled tasks, and give the tasks' ids."""
    told = "window.heard.filter((event) => event.type === 'task.canceled')"
    tab.until(f"{told}.length >= {count}")
    ids: list[str] = tab.run(f"{told}.map((event) => event.data.id)")
    return ids


def task_of(owner: Site, prompt: str = "a kite [slow 60]") -> dict[str, Any]:
    return create(owner.http, prompt)


def cancel(owner: Site, task: dict[str, Any]) -> dict[str, Any]:
    owner.http.post(f"/v1/tasks/{task['id']}/cancel").raise_for_status()
    shown: dict[str, Any] = owner.http.get(f"/v1/tasks/{task['id']}").raise_for_status().json()
    return shown


def test_every_example_of_the_page_is_run() -> None:
    text = (DOCS / "live-updates.md").read_text()
    names = re.findall(r"^```js\n// (\S+)", text, re.MULTILINE)
    assert names == ["follow.js", "live.js"]
    assert text.count("```js\n") == len(names)


def test_each_tab_sees_what_its_token_opens(browser: Chromium, alice: Site, bob: Site) -> None:
    one, other, theirs = task_of(alice), task_of(alice), task_of(bob)
    with browser.tab() as all_tab, browser.tab() as one_tab, browser.tab() as their_tab:
        following(all_tab, alice.url)
        following(one_tab, alice.url, f"{{tasks: ['{one['id']}']}}")
        following(their_tab, bob.url)
        cancel(alice, other)
        # Of different tasks the order is anybody's.
        assert canceled(all_tab, 1) == [other["id"]]
        cancel(bob, theirs)
        shown = cancel(alice, one)
        assert canceled(all_tab, 2) == [other["id"], one["id"]]
        assert canceled(one_tab, 1) == [one["id"]]
        assert canceled(their_tab, 1) == [theirs["id"]]
        event = one_tab.run("window.heard.at(-1)")
        assert event.keys() == {"id", "type", "timestamp", "data"}
        assert event["data"] == shown


def test_a_connection_ends_with_its_token(browser: Chromium, alice: Site) -> None:
    with browser.tab() as tab:
        following(tab, alice.url, "{ttl_seconds: 2}")
        tab.until("window.ended")


def test_after_a_gap_a_read_tells_what_was_missed(
    browser: Chromium, alice: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token ends, and while the page waits for another one, the task does."""
    monkeypatch.setattr(alice, "ttl_seconds", 2)
    task = task_of(alice, "a kite [slow 60]")
    with browser.tab() as tab:
        opened(tab, alice.url).run(f"live(['{task['id']}'])")
        tab.until("window.heard.length")
        alice.gives_tokens.clear()
        assert alice.is_asked.wait(60)
        cancel(alice, task)
        assert "canceled" not in tab.run("window.heard.map((task) => task.status)")
        alice.gives_tokens.set()
        tab.until("window.ended")
        assert tab.run("window.heard.at(-1).status") == "canceled"


def test_a_page_shows_a_task_from_the_queue_to_its_picture_without_asking(
    browser: Chromium, alice: Site
) -> None:
    """Nothing is asked for once the page is connected; the picture is a permalink."""
    with browser.tab() as tab:
        following(tab, alice.url)
        asked = len(alice.paths)
        task = task_of(alice, "a kite [slow 2]")
        own = f"window.heard.filter((one) => one.data.id === '{task['id']}')"
        done = f"{own}.find((one) => one.type === 'task.succeeded')"
        tab.until(done)
        types = tab.run(f"{own}.map((one) => one.type)")
        assert types == ["task.running", "task.storing", "task.succeeded"]
        tab.run(
            f"const picture = document.body.appendChild(new Image()); picture.id = 'shown';"
            f" picture.src = {done}.data.outputs[0].permalink"
        )
        tab.until("document.getElementById('shown').naturalWidth > 0")
        assert len(alice.paths) == asked
