"""The files: real ones, and broken ones on request."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image

from simulator.server import KieSimulator
from tests.simulator.support import WEB, Client


def get(url: str) -> httpx.Response:
    return WEB.get(url)


def picture(url: str) -> Image.Image:
    return Image.open(io.BytesIO(get(url).content))


def test_a_result_is_a_png_of_a_megapixel(kie: Client) -> None:
    url = kie.links(kie.create())[0]
    response = get(url)
    assert response.headers["Content-Type"] == "image/png"
    assert int(response.headers["Content-Length"]) == len(response.content)
    image = picture(url)
    assert (image.format, image.size) == ("PNG", (1024, 1024))


def test_a_result_is_the_same_each_time(kie: Client) -> None:
    one, other = kie.links(kie.create())[0], kie.links(kie.create())[0]
    assert get(one).content == get(one).content != get(other).content


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"aspect_ratio": "16:9"}, (1368, 768)),
        ({"aspect_ratio": "2:3", "resolution": "2K"}, (1672, 2512)),
        ({"image_size": "portrait_16_9", "model": "bytedance/seedream"}, (768, 1368)),
        ({"aspect_ratio": "auto", "resolution": "strange"}, (1024, 1024)),
    ],
)
def test_the_size_follows_the_input(
    kie: Client, given: dict[str, Any], size: tuple[int, int]
) -> None:
    assert picture(kie.links(kie.create(**given))[0]).size == size


@pytest.mark.parametrize("name", ["num_images", "max_images", "n"])
def test_as_many_pictures_as_asked(kie: Client, name: str) -> None:
    links = kie.links(kie.create("x", "", **{name: "3" if name == "num_images" else 3}))
    assert len({get(link).content for link in links}) == 3


def test_a_jpeg_where_one_is_asked_for(kie: Client) -> None:
    url = kie.links(kie.create(output_format="jpeg"))[0]
    assert picture(url).format == "JPEG"
    assert get(url).headers["Content-Type"] == "image/jpeg"


def test_a_film_is_an_mp4(kie: Client) -> None:
    model = "bytedance/v1-pro-text-to-video"
    response = get(kie.links(kie.create(model=model, duration="5"))[0])
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.content[4:8] == b"ftyp"


def test_speech_is_an_mp3(kie: Client) -> None:
    body = {"model": "elevenlabs/text-to-speech-turbo-2-5", "input": {"text": "hello"}}
    answer = kie.http.post("/api/v1/jobs/createTask", json=body).json()
    response = get(kie.links(answer["data"]["taskId"])[0])
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert response.content.startswith(b"ID3")
    assert response.content.count(b"\xff\xfb") >= 41


def test_a_head_has_the_length_and_no_body(kie: Client) -> None:
    url = kie.links(kie.create())[0]
    head = WEB.head(url)
    assert int(head.headers["Content-Length"]) == len(WEB.get(url).content)
    assert head.content == b""


def test_there_is_no_file_before_its_time_nor_beyond_the_last(kie: Client) -> None:
    task_id = kie.create("x [slow 0.4]")
    guessed = f"{kie.http.base_url}/files/{task_id}/0-1.png"
    assert get(guessed).status_code == 404
    assert kie.links(task_id) == [guessed]
    assert get(guessed).status_code == 200
    for name in ("1-1.png", "0-2.png", "x.png"):
        assert get(guessed.replace("0-1.png", name)).status_code == 404


def test_links_start_with_the_base_url_given() -> None:
    options = {"base_url": "https://files.kite.test/", "seconds": 0}
    with KieSimulator(port=0, **options) as sim, Client(sim.base_url) as client:
        assert client.links(client.create())[0].startswith("https://files.kite.test/files/")


def test_file_gone(kie: Client) -> None:
    task_id = kie.create("x [file gone]")
    for _ in range(2):
        assert get(kie.links(task_id)[0]).status_code == 404


def test_file_gone_once(kie: Client) -> None:
    task_id = kie.create("x [file gone once]")
    first = kie.links(task_id)[0]
    assert kie.links(task_id)[0] == first
    assert get(first).status_code == 404
    second = kie.links(task_id)[0]
    assert get(second).status_code == 200
    assert get(first).status_code == 404


def test_file_empty(kie: Client) -> None:
    response = get(kie.links(kie.create("x [file empty]"))[0])
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == "0"


def test_file_short(kie: Client) -> None:
    url = kie.links(kie.create("x [file short]"))[0]
    with pytest.raises(httpx.RemoteProtocolError):
        get(url)


def test_file_slow(kie: Client) -> None:
    url = kie.links(kie.create("x [file slow 0.5]"))[0]
    started = time.monotonic()
    content = get(url).content
    assert time.monotonic() - started >= 0.5
    assert Image.open(io.BytesIO(content)).size == (1024, 1024)
