"""A browser shows files by their permalinks, on a page of an origin that may not call the API."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from tests.running.driver import settle
from tests.running.gateway import Gateway

PAGE = Path(__file__).with_name("permalinks.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A browser takes two seconds for all of it; on a busy machine more.
PATIENCE_SECONDS = 60
WISHES = {
    "picture": ("google/nano-banana", {"prompt": "a kite [slow 0]"}),
    "video": ("veo3_fast", {"prompt": "a kite in the wind [slow 0]"}),
}


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("Chromium is missing, and no page was shown with permalinks")
    if found is None:
        pytest.skip("there is no Chromium to show a page with permalinks")
    return found


@pytest.fixture(scope="module")
def files(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Have a picture and a video made."""
    created = {
        name: gateway.http.post("/v1/tasks", json={"model": model, "input": wish}).json()["id"]
        for name, (model, wish) in WISHES.items()
    }
    return {name: settle(gateway.http, task_id)["outputs"][0] for name, task_id in created.items()}


@pytest.fixture(scope="module")
def told(
    browser: str,
    gateway: Gateway,
    files: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Open the page, and give what it reports."""
    links = {name: file["permalink"] for name, file in files.items()}
    with served({**links, "gateway": gateway.url}) as (url, reports):
        running = subprocess.Popen(
            [
                browser,
                "--headless=new",
                # Which needs rights that containers do not have.
                "--no-sandbox",
                "--disable-gpu",
                "--mute-audio",
                "--no-first-run",
                f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
                # So that it stays open.
                "--remote-debugging-port=0",
                url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found: dict[str, Any] = reports.get(timeout=PATIENCE_SECONDS)
        except Empty:
            pytest.fail("the page reported nothing")
        finally:
            running.terminate()
            running.wait(10)
    return found


@contextmanager
def served(links: dict[str, str]) -> Iterator[tuple[str, SimpleQueue[dict[str, Any]]]]:
    """Serve the page on a port of its own; what it reports is put into a queue."""
    reports: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/links":
                self._answer(json.dumps(links).encode(), "application/json")
            else:
                self._answer(PAGE.read_bytes(), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"", "text/plain")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", reports
        server.shutdown()


def test_a_picture_is_shown(told: dict[str, Any], files: dict[str, dict[str, Any]]) -> None:
    picture = files["picture"]
    assert told["img"] == [picture["width"], picture["height"]]
    assert told["thumbnail"] == 320
    # Untainted: the page may read what it has drawn.
    assert told["canvas"] == 4


def test_a_video_is_played_and_sought_in(
    told: dict[str, Any], files: dict[str, dict[str, Any]]
) -> None:
    width, seconds, at = told["film"]
    assert (width, seconds) == (
        files["video"]["width"],
        pytest.approx(files["video"]["duration_seconds"], abs=0.1),
    )
    assert at == pytest.approx(seconds / 2, abs=0.1)


def test_a_script_reads_files_whole_and_in_part(
    told: dict[str, Any], files: dict[str, dict[str, Any]]
) -> None:
    assert told["fetched"] == files["picture"]["sha256"]
    size = files["video"]["bytes"]
    assert told["part"] == [206, f"bytes 4-7/{size}", b"ftyp".hex()]
    assert (told["head"], told["headAgain"]) == (200, 200)


def test_the_page_reads_why_a_link_is_dead(told: dict[str, Any]) -> None:
    assert told["dead"] == [404, "file_not_found"]


def test_the_page_may_not_call_the_api(told: dict[str, Any]) -> None:
    assert told["call"] == [403, "origin_not_allowed"]


def test_no_log_shows_a_permalinks_signature(
    told: dict[str, Any], gateway: Gateway, files: dict[str, dict[str, Any]]
) -> None:
    assert told
    log = gateway.log.read_text()
    assert "GET /files/task_" in log
    for file in files.values():
        assert file["permalink"].rpartition("/")[2] not in log
