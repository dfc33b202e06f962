"""Uploads: three ways in, one way out, and errors that are real HTTP statuses."""

from __future__ import annotations

import base64
import re
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from simulator.server import KieSimulator
from tests.simulator.support import WEB, Client

BASE64 = "/api/file-base64-upload"
STREAM = "/api/file-stream-upload"
URL = "/api/file-url-upload"
TEXT = base64.b64encode(b"hello kite").decode()
KEYS = {
    *("success", "fileName", "filePath", "downloadUrl", "fileSize", "mimeType", "uploadedAt"),
}


def get(url: str) -> httpx.Response:
    return WEB.get(url)


def sent(kie: Client, **more: Any) -> httpx.Response:
    return kie.http.post(BASE64, json={"base64Data": TEXT, "uploadPath": "docs", **more})


def data(response: httpx.Response) -> Any:
    body = response.json()
    assert (response.status_code, body["success"], body["code"]) == (200, True, 200), body
    assert set(body["data"]) == KEYS
    return body["data"]


def test_base64_keeps_the_name(kie: Client) -> None:
    made = data(sent(kie, fileName="kite.txt"))
    assert made["filePath"] == "kieai/100001/docs/kite.txt"
    assert (made["fileSize"], made["mimeType"]) == (10, "text/plain")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["uploadedAt"])
    response = get(made["downloadUrl"])
    assert (response.content, response.headers["Content-Type"][:10]) == (
        b"hello kite",
        "text/plain",
    )


def test_a_data_url_names_its_type(kie: Client) -> None:
    made = data(sent(kie, base64Data=f"data:image/png;base64,{TEXT}"))
    assert re.fullmatch(r"\d{13}-[0-9a-f]{8}\.png", made["fileName"])


def test_a_form_is_sent_as_a_stream(kie: Client) -> None:
    files = {"file": ("a kite.JPG", b"x" * 100_000, "image/jpeg")}
    made = data(kie.http.post(STREAM, data={"uploadPath": "images/in"}, files=files))
    assert made["fileName"].endswith(".jpg")
    assert get(made["downloadUrl"]).headers["Content-Length"] == "100000"


def test_a_file_is_fetched_from_its_url(kie: Client) -> None:
    link = kie.links(kie.create())[0]
    made = data(kie.http.post(URL, json={"fileUrl": link, "uploadPath": "images"}))
    assert made["mimeType"] == "image/png"
    assert get(made["downloadUrl"]).content == get(link).content


def test_the_same_name_is_another_file(kie: Client) -> None:
    first = data(sent(kie, fileName="same.txt"))["downloadUrl"]
    other = base64.b64encode(b"other").decode()
    assert data(sent(kie, fileName="same.txt", base64Data=other))["downloadUrl"] == first
    assert get(first).content == b"other"


def test_a_file_is_kept_for_a_day(kie: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = data(sent(kie, fileName="day.txt"))["downloadUrl"]
    statuses = []
    for hours in (23.9, 24.1):
        later = time.time() + hours * 3600
        clock = SimpleNamespace(time=lambda later=later: later)
        monkeypatch.setattr("simulator.store.time", clock)
        statuses.append(get(url).status_code)
    assert statuses == [200, 404]


def test_the_type_follows_the_name(kie: Client) -> None:
    made = data(sent(kie, fileName="kite.png"))
    assert get(made["downloadUrl"]).headers["Content-Type"] == "image/png"


def test_an_upload_is_an_input_and_has_a_link_of_its_own(kie: Client) -> None:
    url = data(sent(kie, fileName="in.png"))["downloadUrl"]
    task_id = kie.create(model="google/nano-banana-edit", image_urls=[url])
    assert kie.links(task_id)
    answer = kie.http.post("/api/v1/common/download-url", json={"url": url}).json()
    assert get(answer["data"]).content == b"hello kite"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (BASE64, {"base64Data": TEXT}, 400, "Missing required parameter: uploadPath"),
        (BASE64, {"uploadPath": "x"}, 400, "Missing required parameter: base64Data"),
        (BASE64, {"uploadPath": "x", "base64Data": "%%%"}, 400, "Base64 decoding failed"),
        (URL, {"uploadPath": "x"}, 400, "Missing required parameter: fileUrl"),
        (URL, {"uploadPath": "x", "fileUrl": "http://127.0.0.1:1/x"}, 400, "Failed to download"),
        (URL, {"uploadPath": "x", "fileUrl": "no url"}, 400, "Failed to download"),
        (STREAM, {"uploadPath": "x"}, 400, "Missing required parameter: uploadPath"),
    ],
)
def test_uploads_that_are_refused(
    kie: Client, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    response = kie.http.post(path, json=body)
    answer = response.json()
    assert (response.status_code, answer["success"], answer["code"]) == (status, False, status)
    assert words in answer["msg"]
    assert "data" not in answer


def test_a_form_without_a_file(kie: Client) -> None:
    response = kie.http.post(STREAM, data={"uploadPath": "x"}, files={"other": b"x"})
    assert response.status_code == 400
    assert response.json()["msg"] == "Missing required parameter: file"


def test_other_methods_and_keys(kie: Client) -> None:
    assert kie.http.get(BASE64).status_code == 405
    with KieSimulator(port=0, api_key="right") as sim:
        response = WEB.post(f"{sim.base_url}{URL}", json={}, headers={"Authorization": "x"})
    assert (response.status_code, response.json()["code"]) == (401, 401)


def test_uploads_that_misbehave(kie: Client) -> None:
    assert sent(kie, uploadPath="a [upload 500]").status_code == 500
    statuses = [sent(kie, fileName="b [upload 429 x2].png").status_code for _ in range(3)]
    assert statuses == [429, 429, 200]
    body = {"fileUrl": "http://127.0.0.1:1/a.png?%5Bupload+drop%5D", "uploadPath": "x"}
    body["fileUrl"] = body["fileUrl"].replace("+", "%20")
    with pytest.raises(httpx.RemoteProtocolError):
        kie.http.post(URL, json=body)
    started = time.monotonic()
    sent(kie, uploadPath="a [upload slow 0.3]")
    assert time.monotonic() - started >= 0.3


def test_the_answer_of_the_quick_start(kie: Client) -> None:
    made = sent(kie, uploadPath="a [upload quickstart]", fileName="k.txt").json()["data"]
    assert set(made) == {
        *("fileId", "fileName", "originalName", "fileSize", "mimeType", "uploadPath"),
        *("fileUrl", "downloadUrl", "uploadTime", "expiresAt"),
    }
    assert get(made["downloadUrl"]).content == b"hello kite"
