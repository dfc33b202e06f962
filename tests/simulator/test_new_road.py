"""The models that had endpoints of their own, through createTask as all others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.models import models
from tests.simulator.support import WEB, Client, Receiver, eventually

PICTURE = "https://a.test/a.png"
FILM = "https://a.test/a.mp4"
JOBS = "/api/v1/jobs/createTask"
CLIP = {"prompt": "a kite", "duration": 5, "quality": "720p"}
# Inputs as the pages of autumn 2026 have them, and what is made of them.
CASES: dict[str, tuple[dict[str, Any], list[str], float]] = {
    "4o-image-api": (
        {"prompt": "a kite", "size": "3:2", "files_url": [PICTURE], "isEnhance": False},
        ["png"],
        6,
    ),
    "flux1-kontext": (
        {"prompt": "a kite", "input_image": PICTURE, "output_format": "png"},
        ["png"],
        5,
    ),
    "runway": ({**CLIP, "image_url": PICTURE, "quality": "1080p"}, ["mp4"], 30),
    "runway/gen4-aleph": ({"prompt": "a kite", "video_url": FILM}, ["mp4"], 110),
    "veo-3-1": (
        {"prompt": "a kite", "image_urls": [PICTURE], "resolution": "4k", "duration": 4},
        ["mp4"],
        180,
    ),
}


def start(kie: Client, model: str, given: dict[str, Any], url: str = "") -> str:
    return kie.start(JOBS, {"model": model, "input": given}, url)


def refused(kie: Client, model: str, given: dict[str, Any]) -> tuple[int, str]:
    return kie.refusal(JOBS, {"model": model, "input": given})


@pytest.mark.parametrize("model", CASES)
def test_what_is_asked_for_is_made_billed_and_told_as_of_any_model(
    kie: Client, post: Receiver, name: str, model: str
) -> None:
    given, endings, credits_taken = CASES[model]
    task_id = start(kie, model, given, post.at(name))
    record = kie.finished(task_id)
    assert (record["model"], record["state"]) == (model, "success")
    assert record["creditsConsumed"] == credits_taken
    links = json.loads(record["resultJson"])["resultUrls"]
    assert [link.rsplit(".", 1)[1] for link in links] == endings
    assert all(WEB.get(link).status_code == 200 for link in links)
    [webhook] = post.under(name)
    assert (webhook["code"], webhook["data"]["taskId"]) == (200, task_id)
    assert json.loads(webhook["data"]["resultJson"])["resultUrls"] == links


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        ("4o-image-api", {"prompt": "x"}, "size cannot be empty"),
        ("4o-image-api", {"size": "1:1"}, "prompt cannot be empty"),
        ("4o-image-api", {"prompt": "x", "size": "16:9"}, "size is not within"),
        ("4o-image-api", {"size": "1:1", "files_url": [PICTURE] * 6}, "files_url is not within"),
        ("flux1-kontext", {}, "prompt cannot be empty"),
        (
            "flux1-kontext",
            {"prompt": "x", "input_image": PICTURE, "safety_tolerance": 5},
            "safety_tolerance",
        ),
        ("runway", CLIP, "aspect_ratio cannot be empty"),
        (
            "runway",
            {**CLIP, "image_url": PICTURE, "duration": 10, "quality": "1080p"},
            "cannot have 1080p",
        ),
        ("runway", {**CLIP, "duration": "5", "image_url": PICTURE}, "duration must be"),
        ("runway/gen4-aleph", {"prompt": "x"}, "video_url cannot be empty"),
        ("veo-3-1", {"prompt": "x", "image_urls": [PICTURE] * 3}, "image_urls is not supported"),
        ("veo-3-1", {"prompt": "x", "generation_type": "REFERENCE_2_VIDEO"}, "REFERENCE_2_VIDEO"),
        ("veo-3-1", {"prompt": "x", "duration": 5}, "duration is not within"),
        ("veo/extend", {"prompt": "x", "task_id": "nobody"}, "record is null"),
        ("veo/get-1080p-video", {"taskId": "nobody"}, "record is null"),
        ("veo/get-4k-video", {}, "task_id cannot be empty"),
        ("runway/extend-ai-video", {**CLIP, "task_id": "nobody"}, "record is null"),
        ("V6", {"prompt": "x"}, "model name you specified is not supported"),
        ("ai-music-api/generate", {"model": "V6", "prompt": "", "instrumental": True}, "prompt"),
        ("ai-music-api/separate-vocals", {"type": "split_stem"}, "task_id cannot be empty"),
    ],
)
def test_what_the_pages_call_wrong_is_refused(
    kie: Client, model: str, given: dict[str, Any], words: str
) -> None:
    code, message = refused(kie, model, given)
    assert code == 422
    assert words in message


def film(kie: Client, prompt: str = "a kite") -> str:
    task_id = start(kie, "veo-3-1", {"prompt": prompt})
    kie.finished(task_id)
    return task_id


@pytest.mark.parametrize(
    ("model", "field", "more"),
    [
        ("veo/get-1080p-video", "taskId", {"index": "0"}),
        ("veo/get-4k-video", "task_id", {"index": 0}),
        ("veo/extend", "task_id", {"prompt": "higher"}),
    ],
)
def test_a_film_is_made_larger_or_longer_under_an_id_of_its_own(
    kie: Client, model: str, field: str, more: dict[str, Any]
) -> None:
    parent = film(kie)
    task_id = start(kie, model, {field: parent, **more})
    assert task_id != parent
    [link] = kie.links(task_id)
    assert WEB.get(link).headers["content-type"] == "video/mp4"


def test_a_film_of_the_old_endpoint_can_be_made_larger_on_the_new_road(kie: Client) -> None:
    parent = kie.start("/api/v1/veo/generate", {"prompt": "a kite"})
    kie.watch("/api/v1/veo/record-info", parent, "successFlag", {1})
    assert kie.links(start(kie, "veo/get-1080p-video", {"taskId": parent}))


def test_a_film_that_was_made_larger_can_not_be_extended(kie: Client) -> None:
    parent = film(kie)
    start(kie, "veo/get-1080p-video", {"taskId": parent})
    code, words = refused(kie, "veo/extend", {"task_id": parent, "prompt": "x"})
    assert (code, words[:30]) == (422, "A video that was upgraded to 1")


def test_a_runway_clip_is_extended(kie: Client) -> None:
    parent = start(kie, "runway", {**CLIP, "aspect_ratio": "1:1"})
    kie.finished(parent)
    given = {"task_id": parent, "prompt": "higher", "quality": "1080p"}
    task_id = start(kie, "runway/extend-ai-video", given)
    assert kie.finished(task_id)["creditsConsumed"] == 30


def test_progress_of_an_upgrade_may_come_as_a_code(kie: Client) -> None:
    parent = film(kie, "a kite [then upgrade 400] [then slow 0.3]")
    task_id = start(kie, "veo/get-1080p-video", {"taskId": parent})
    answer = kie.poll(task_id)
    assert (answer["code"], answer["data"]) == (400, None)
    assert answer["msg"].startswith("1080P is processing")
    eventually(lambda: kie.poll(task_id)["code"] == 200)
    assert kie.links(task_id)


def test_the_old_endpoint_ignores_what_only_the_new_road_knows(kie: Client) -> None:
    """What makes a field of the wrong road dear: the film is made without its picture."""
    body = {"prompt": "a kite", "image_urls": [PICTURE], "resolution": "720p"}
    task_id = kie.start("/api/v1/veo/generate", body)
    [record] = kie.watch("/api/v1/veo/record-info", task_id, "successFlag", {1})[-1:]
    assert record["response"]["resultUrls"]


@pytest.mark.parametrize("road", ["old", "new"])
def test_the_last_song_may_get_its_audio_late(kie: Client, road: str) -> None:
    prompt = "of kites [audio late 0.3]"
    if road == "old":
        given = {"prompt": prompt, "customMode": False, "instrumental": False, "model": "V5"}
        task_id = kie.start("/api/v1/generate", given, "http://127.0.0.1:1/hook")
        ask, key = "/api/v1/generate/record-info", "status"

        def tracks(record: Any) -> Any:
            return [one["audioUrl"] for one in record["response"]["sunoData"]]
    else:
        given = {"prompt": prompt, "model": "V6", "instrumental": False}
        task_id = start(kie, "ai-music-api/generate", given)
        ask, key = "/api/v1/jobs/recordInfo", "state"

        def tracks(record: Any) -> Any:
            return [one["audio_url"] for one in json.loads(record["resultJson"])["data"]]

    done = kie.watch(ask, task_id, key, {"SUCCESS", "success"})[-1]
    first, second = tracks(done)
    assert first
    assert not second
    eventually(lambda: all(tracks(kie.ask(ask, task_id))))


def test_every_moved_model_is_in_the_table() -> None:
    moved = {*CASES, "veo/extend", "veo/get-1080p-video", "veo/get-4k-video"}
    assert {*moved, "runway/extend-ai-video"} <= set(models())
