"""Files that are not what they should be, and links that lead elsewhere."""

from __future__ import annotations

import io
import subprocess
import time
from types import SimpleNamespace
from typing import Any

import httpx
import imageio_ffmpeg  # type: ignore[import-untyped]
import pytest
from PIL import Image

from simulator.render import h264
from simulator.render.film import film
from simulator.render.picture import draw
from tests.simulator.support import WEB, Client, eventually


def get(url: str, *, follow: bool = False) -> httpx.Response:
    return WEB.get(url, follow_redirects=follow)


def link(kie: Client, dial: str, **given: Any) -> str:
    return kie.links(kie.create(f"x {dial}", **given))[0]


def size(url: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(get(url).content)).size


def test_a_file_of_another_type(kie: Client) -> None:
    response = get(link(kie, "[file wrong type]"))
    assert response.headers["Content-Type"] == "image/png"
    assert response.content.startswith(b"\xff\xd8")


def test_half_a_file_that_looks_whole(kie: Client) -> None:
    response = get(link(kie, "[file cut]"))
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(response.content)).load()


def test_a_page_instead_of_a_file(kie: Client) -> None:
    response = get(link(kie, "[file html]"))
    assert (response.status_code, response.headers["Content-Type"][:9]) == (200, "text/html")


def test_a_file_without_its_length(kie: Client) -> None:
    response = get(link(kie, "[file no length]"))
    assert "Content-Length" not in response.headers
    assert Image.open(io.BytesIO(response.content)).size == (1024, 1024)


def test_thumbnails(kie: Client) -> None:
    assert size(link(kie, "[file small]", aspect_ratio="16:9")) == (360, 360)
    late = link(kie, "[preview for 0.5]", aspect_ratio="16:9")
    assert size(late) == (360, 360)
    eventually(lambda: size(late) == (1368, 768))


def test_thumbnails_after_pictures(kie: Client) -> None:
    early = link(kie, "[preview after 1]", aspect_ratio="16:9")
    assert size(early) == (1368, 768)
    eventually(lambda: size(early) == (360, 360))
    both = kie.links(kie.create("x [results 2] [preview last]"))
    assert [size(one) for one in both] == [(1024, 1024), (360, 360)]


def test_the_first_links_lead_to_thumbnails(kie: Client) -> None:
    task_id = kie.create("x [preview first 2]")
    sizes = []
    for _ in range(3):
        [shown] = kie.links(task_id)
        sizes.append(size(shown))
    assert sizes == [(360, 360), (360, 360), (1024, 1024)]
    one = kie.create("x [preview first]")
    assert [size(kie.links(one)[0]) for _ in range(2)] == [(360, 360), (1024, 1024)]


def test_statuses(kie: Client) -> None:
    url = link(kie, "[file 503 x2]")
    assert [get(url).status_code for _ in range(3)] == [503, 503, 200]
    assert [get(link(kie, "[file 403]")).status_code] == [403]


def test_a_file_that_is_too_large(kie: Client) -> None:
    response = get(link(kie, "[file large 2]"))
    assert len(response.content) == int(response.headers["Content-Length"]) > 2_000_000


def test_redirects(kie: Client) -> None:
    url = link(kie, "[file redirect]")
    assert get(url).status_code == 302
    assert get(url, follow=True).status_code == 200
    assert (
        get(link(kie, "[file redirect inside]")).headers["Location"].startswith("http://169.254.")
    )
    with pytest.raises(httpx.TooManyRedirects):
        get(link(kie, "[file redirect loop]"), follow=True)


def test_a_link_expires_and_another_can_be_had(kie: Client) -> None:
    url = link(kie, "[file expires 0.3]")
    assert get(url).status_code == 200
    eventually(lambda: get(url).status_code == 403)
    answer = kie.http.post("/api/v1/common/download-url", json={"url": url}).json()
    assert answer["code"] == 200
    assert get(answer["data"]).status_code == 200
    forged = answer["data"].replace("Signature=", "Signature=0")
    assert get(forged).status_code == 403


def test_an_exchanged_link_works_for_twenty_minutes(
    kie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = kie.http.post("/api/v1/common/download-url", json={"url": link(kie, "")}).json()
    statuses = []
    for minutes in (19.9, 20.1):
        later = time.time() + minutes * 60
        clock = SimpleNamespace(time=lambda later=later: later)
        monkeypatch.setattr("simulator.download.time", clock)
        statuses.append(get(answer["data"]).status_code)
    assert statuses == [200, 403]


def test_links_to_strangers_or_to_nothing_are_not_exchanged(kie: Client) -> None:
    gone = link(kie, "[file gone]")
    for url in ("https://a.test/a.png", f"{kie.http.base_url}/files/x/0-1.png", gone, ""):
        answer = kie.http.post("/api/v1/common/download-url", json={"url": url}).json()
        assert answer == {"code": 422, "msg": "url is wrong", "data": None}


def test_a_link_is_exchanged_where_its_family_does_it(kie: Client) -> None:
    path = "/api/v1/gpt4o-image/download-url"
    task_id = kie.start("/api/v1/gpt4o-image/generate", {"prompt": "x", "size": "1:1"})
    ask = "/api/v1/gpt4o-image/record-info"
    [url] = kie.watch(ask, task_id, "successFlag", {1})[-1]["response"]["resultUrls"]
    answer = kie.http.post(path, json={"taskId": task_id, "url": url}).json()
    assert get(answer["data"]).status_code == 200
    other = kie.create()
    for body, words in (
        ({"taskId": "nobody", "url": url}, "record is null"),
        ({"taskId": other, "url": url}, "record is null"),
        ({"taskId": task_id, "url": kie.links(other)[0]}, "url is wrong"),
    ):
        assert kie.refusal(path, body) == (422, words)


def test_files_lie_where_clients_guess(kie: Client) -> None:
    task_id = kie.create("x [guess]")
    assert get(f"{kie.http.base_url}/s/{task_id}_0.png").status_code == 404
    kie.finished(task_id)
    assert get(f"{kie.http.base_url}/s/{task_id}_0.png").status_code == 200
    assert get(f"{kie.http.base_url}/s/{task_id}_1.png").status_code == 404
    assert get(f"{kie.http.base_url}/s/{kie.create('x [slow 0]')}_0.png").status_code == 404
    clip = kie.create("x [guess]", model="bytedance/seedance-2")
    second = kie.finished(clip)["completeTime"] // 1000
    assert get(f"{kie.http.base_url}/v/{clip}_{second}.mp4").content[4:8] == b"ftyp"
    assert get(f"{kie.http.base_url}/v/{clip}_{second + 1}.mp4").status_code == 404


@pytest.mark.parametrize(
    ("given", "width", "height"),
    [
        ({"duration": 3}, 1280, 720),
        ({"duration": 2, "resolution": "480p", "aspect_ratio": "1:1"}, 480, 480),
        ({"duration": 2, "quality": "1080p", "aspectRatio": "9:16"}, 1080, 1920),
    ],
)
def test_films_are_h264_that_a_decoder_takes(
    tmp_path: Any, given: dict[str, Any], width: int, height: int
) -> None:
    words, name = "a red kite over the lake " * 9, "task #0"
    path = tmp_path / "film.mp4"
    path.write_bytes(film(words, name, given))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", path]
    done = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=True)
    assert done.stderr == b""
    size = width * height * 3 // 2
    frames = [done.stdout[start : start + size] for start in range(0, len(done.stdout), size)]
    assert len(frames) == given["duration"]
    drawn = draw(words, name, (width, height)).convert("YCbCr").getchannel("Y").tobytes()
    below_the_bar = slice(width * (height // 5), width * height)
    assert {frame[below_the_bar] for frame in frames} == {drawn[below_the_bar]}
    end_of_bar = width * (max(height // 40, 4) + 4) + width - 2
    assert [frame[end_of_bar] > 250 for frame in frames] == [False] * (len(frames) - 1) + [True]


def test_no_bits_look_like_the_start_of_a_unit() -> None:
    assert h264._unit(0x65, b"\0\0\0\0\1\0\0\3\0\0\4") == (b"\x65\0\0\3\0\0\3\1\0\0\3\3\0\0\4")


def test_a_file_is_kept_for_fourteen_days(kie: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = link(kie, "")
    statuses = []
    for days in (13.9, 14.1):
        later = time.time() + days * 86_400
        clock = SimpleNamespace(time=lambda later=later: later)
        monkeypatch.setattr("simulator.download.time", clock)
        statuses.append(get(url).status_code)
    assert statuses == [200, 404]
