"""The Market: what it accepts, what it makes, and the shapes in which it tells of it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from simulator.inputs import fields
from simulator.models import models
from tests.simulator.support import WEB, Client, Receiver

APRIL = {
    *("taskId", "model", "state", "param", "resultJson", "failCode", "failMsg", "costTime"),
    *("completeTime", "createTime"),
}
SEPTEMBER = APRIL | {"creditsConsumed", "operationType", "successFlag", "paramJson"}
PICTURE = "https://a.test/a.png"


def get(url: str) -> httpx.Response:
    return WEB.get(url)


def made(kie: Client, model: str, given: dict[str, Any]) -> Any:
    body = {"model": model, "input": {"prompt": "a kite", **given}}
    return kie.http.post("/api/v1/jobs/createTask", json=body).json()


def result(kie: Client, dial: str) -> Any:
    """Give `resultJson` as it stands."""
    return kie.finished(kie.create(f"x {dial}"))["resultJson"]


@pytest.mark.parametrize(
    ("model", "given", "code", "words"),
    [
        ("google/nano-banana-edit", {}, 500, "image_urls is required"),
        ("google/nano-banana-edit", {"image_urls": []}, 500, "image_urls is required"),
        ("google/nano-banana-edit", {"image_urls": PICTURE}, 500, "image_urls is not within"),
        ("google/nano-banana-edit", {"image_urls": ["a.png"]}, 500, "image_urls is not within"),
        ("google/nano-banana-edit", {"image_urls": ["data:x"]}, 500, "image_urls is not within"),
        ("google/nano-banana-edit", {"image_urls": [PICTURE] * 11}, 500, "image_urls is not"),
        ("google/nano-banana", {"aspect_ratio": "7:5"}, 500, "not within the range of allowed"),
        ("google/nano-banana", {"output_format": "PNG"}, 500, "not within the range of allowed"),
        ("z-image", {"aspect_ratio": "1:1", "prompt": "x" * 1001}, 500, "cannot exceed 1000"),
        ("z-image", {}, 500, "aspect_ratio is required"),
        ("kling-3.0/video", {"aspect_ratio": "1:1", "duration": "5", "mode": "pro"}, 422,
         "multi_shots cannot be empty"),
        ("kling/v2-1-pro", {"image_url": PICTURE, "duration": 5}, 500, "duration is not within"),
        ("wan/2-7-text-to-video", {"duration": "5"}, 500, "duration is not within"),
        ("wan/2-7-text-to-video", {"duration": 16}, 500, "duration is not within"),
        ("wan/2-7-text-to-video", {"prompt_extend": "true"}, 500, "prompt_extend"),
        ("wan/2-7-text-to-video", {"duration": True}, 500, "duration is not within"),
        ("wan/2-7-text-to-video", {"seed": True}, 500, "seed is not within"),
        ("wan/2-7-text-to-video", {"resolution": "720P"}, 500, "resolution is not within"),
        ("omnihuman-1-5", {"audio_url": PICTURE, "image_url": PICTURE, "prompt": "x" * 301}, 422,
         "prompt must be <= 300 characters"),
        ("flux-2/pro-text-to-image", {"aspect_ratio": "1:1"}, 422, "resolution cannot be empty"),
        ("seedream/5-lite-text-to-image", {"aspect_ratio": "1:1", "prompt": "x", "quality": "high"},
         500, "cannot be below 3"),
        ("ai-music-api/generate", {"model": "V5", "duration": 60}, 422, "duration"),
    ],
)  # fmt: skip
def test_inputs_that_are_refused(
    kie: Client, model: str, given: dict[str, Any], code: int, words: str
) -> None:
    answer = made(kie, model, given)
    assert answer["code"] == code
    assert words in answer["msg"]


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("google/nano-banana", {"nobody_knows": 1, "seed": None}),
        ("kling-3.0/video", {"aspect_ratio": "1:1", "duration": 5, "mode": "4K",
                             "multi_shots": False, "sound": False}),
        ("wan/2-7-text-to-video", {"duration": 5, "prompt_extend": False}),
        ("elevenlabs/text-to-dialogue-v3", {"dialogue": [{"text": "x", "voice": "y"}],
                                            "stability": 0.5}),
        ("pixverse-v6/extend", {"prompt": "a long kite", "duration": 3, "quality": "540p",
                                "taskId": "x"}),
    ],
)  # fmt: skip
def test_inputs_that_are_accepted(kie: Client, model: str, given: dict[str, Any]) -> None:
    assert made(kie, model, given)["code"] == 200


def test_the_table_can_be_read() -> None:
    for model in models().values():
        assert fields(model.fields), model.name
        assert model.credits >= 0
    assert len(models()) > 165


def test_a_file_that_was_never_uploaded_can_not_be_used(kie: Client) -> None:
    url = f"{kie.http.base_url}/kieai/100001/x/nobody.png"
    answer = kie.post("x", model="google/nano-banana-edit", image_urls=[url]).json()
    assert (answer["code"], answer["msg"][:16]) == (500, "Server exception")


def test_fields_of_april(kie: Client) -> None:
    record = kie.finished(kie.create("x [fields april]"))
    assert set(record) == APRIL


def test_fields_of_the_documentation(kie: Client) -> None:
    task_id = kie.create("x [fields docs]")
    kie.finished(task_id)
    answer = kie.poll(task_id)
    assert set(answer) == {"code", "message", "data"}
    record = answer["data"]
    assert set(record) == APRIL | {"updateTime", "creditsConsumed"}
    assert record["failCode"] == record["failMsg"] == ""
    assert json.loads(record["param"])["input"]["prompt"] == "x [fields docs]"


@pytest.mark.parametrize(
    ("dial", "pattern"),
    [
        ("ms", r"\d{13}"),
        ("s", r"\d{10}"),
        ("iso", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("string", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ],
)
def test_times_in_four_ways(
    kie: Client, post: Receiver, name: str, dial: str, pattern: str
) -> None:
    record = kie.finished(kie.create(f"x [times {dial}]", post.at(name)))
    [webhook] = post.under(name)
    for told in (record, webhook["data"]):
        for key in ("createTime", "completeTime"):
            assert re.fullmatch(pattern, str(told[key]))


def test_credits_in_four_ways(kie: Client, post: Receiver, name: str) -> None:
    expected: dict[str, dict[str, Any]] = {
        "string": {"creditsConsumed": "4.00"},
        "snake": {"credits_consumed": 4},
        "none": {},
        "old": {"consumeCredits": 4},
    }
    for dial, found in expected.items():
        record = kie.finished(kie.create(f"x [credits {dial}]", post.at(f"{name}{dial}")))
        [webhook] = post.under(f"{name}{dial}")
        for told in (record, webhook["data"]):
            shown = {key: told[key] for key in told if "credits" in key.lower()}
            assert shown.pop("remainedCredits", None) is None or dial == "old"
            assert shown == found


def test_results_without_encoding(kie: Client) -> None:
    found = result(kie, "[result object]")
    assert isinstance(found, dict)
    assert get(found["resultUrls"][0]).status_code == 200


def test_results_of_other_shapes(kie: Client) -> None:
    def links(dial: str) -> Any:
        return json.loads(result(kie, dial))

    assert links("[result string]")["resultUrls"].startswith("http")
    assert list(links("[result objects]")["resultUrls"][0]) == ["resultUrl"]
    assert list(links("[result snake]")) == ["result_urls"]
    assert list(links("[result nested]")["data"]) == ["resultUrls"]
    assert list(links("[result nested] [result snake]")["data"]) == ["result_urls"]
    assert list(links("[result key videoUrl]")) == ["videoUrl"]
    assert get(links("[result key videoUrl]")["videoUrl"]).status_code == 200
    assert links("[result hosts]")["resultUrls"][0].startswith("https://files.elsewhere.invalid/")


def test_odd_results_stand_alone(kie: Client) -> None:
    for dial in ("[result object]", "[result objects]", "[result snake]", "[result double]"):
        assert "response" not in kie.finished(kie.create(f"x {dial}"))


def test_a_success_without_a_result(kie: Client, post: Receiver, name: str) -> None:
    record = kie.finished(kie.create("x [result empty]", post.at(name)))
    assert (record["state"], record["resultJson"]) == ("success", "")
    assert post.under(name)[0]["data"]["resultJson"] == ""


def test_a_result_that_is_late(kie: Client) -> None:
    task_id = kie.create("x [result empty 0.4]")
    assert kie.finished(task_id)["resultJson"] == ""
    told = kie.watch("/api/v1/jobs/recordInfo", task_id, "state", {"success"})
    while not told[-1]["resultJson"]:
        told.append(kie.record(task_id))
    assert json.loads(told[-1]["resultJson"])["resultUrls"]


@pytest.mark.parametrize("word", ["completed", "succeeded", "wait_failed"])
def test_other_words_for_the_end(kie: Client, word: str) -> None:
    fail = "[fail]" if "fail" in word else ""
    task_id = kie.create(f"x [state {word}] {fail}")
    path = "/api/v1/jobs/recordInfo"
    assert kie.watch(path, task_id, "state", {word})[-1]["state"] == word


def test_a_flag_as_a_string(kie: Client) -> None:
    assert kie.finished(kie.create("x [flag string]"))["successFlag"] == "1"


def test_a_request_that_can_not_be_read(kie: Client, post: Receiver, name: str) -> None:
    record = kie.finished(kie.create("x [param broken]", post.at(name)))
    for text in (record["param"], record["paramJson"], post.under(name)[0]["data"]["param"]):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(text)


def test_progress_in_three_ways(kie: Client) -> None:
    for dial, last in {"percent": 100, "share": 1.0, "text": "1.00"}.items():
        task_id = kie.create(f"x [progress {dial}] [slow 0.2]")
        assert type(kie.record(task_id)["progress"]) is type(last)
        assert kie.finished(task_id)["progress"] == last


def test_a_task_is_stuck(kie: Client, post: Receiver, name: str) -> None:
    path = "/api/v1/jobs/recordInfo"
    task_id = kie.create("x [flag stuck] [slow 0]", post.at(name))
    record = kie.watch(path, task_id, "successFlag", {0})[-1]
    while not record["completeTime"]:
        record = kie.record(task_id)
    assert (record["state"], record["successFlag"]) == ("generating", 0)
    assert json.loads(record["resultJson"]) == {"resultUrls": None}
    assert "response" not in record
    assert post._at(name) == []


@pytest.mark.parametrize(
    ("dial", "state"), [("never", "waiting"), ("never generating", "generating")]
)
def test_a_task_that_never_ends(kie: Client, dial: str, state: str) -> None:
    task_id = kie.create(f"x [{dial}]")
    record = kie.record(task_id)
    assert (record["state"], record["completeTime"]) == (state, None)


def test_other_courses(kie: Client) -> None:
    path = "/api/v1/jobs/recordInfo"

    def states(dial: str) -> set[str]:
        task_id = kie.create(f"x {dial} [slow 0.2]")
        return {record["state"] for record in kie.watch(path, task_id, "state", {"success"})}

    assert states("[waiting]") == {"waiting", "success"}
    assert "queuing" in states("[queuing]")


@pytest.mark.parametrize(
    ("dial", "found"),
    [
        ("[fail]", ""),
        ("[fail] [fail result null]", None),
        ("[fail] [fail result braces]", "{}"),
        ("[fail] [fail result absent]", "absent"),
    ],
)
def test_results_of_a_failure(kie: Client, dial: str, found: Any) -> None:
    record = kie.finished(kie.create(f"x {dial}"))
    assert record.get("resultJson", "absent") == found


@pytest.mark.parametrize(
    ("dial", "code", "words"),
    [
        ("[fail GENERATION_FAILED It did not work]", "GENERATION_FAILED", "It did not work"),
        ("[fail internal]", None, "Internal Error"),
        ("[fail audio]", "500", "The Google model was unable to generate audio for this request"),
        ("[fail download]", "451", "Failed to download the input image"),
        ("[fail refunded]", "531", "Generation failed, credits refunded"),
    ],
)
def test_failures_by_name(kie: Client, dial: str, code: str | None, words: str) -> None:
    record = kie.finished(kie.create(f"x {dial}"))
    assert (record["state"], record["failCode"], record["failMsg"]) == ("fail", code, words)


def test_a_bare_failure(kie: Client, post: Receiver, name: str) -> None:
    record = kie.finished(kie.create("x [fail GENERATION_FAILED] [fail bare]", post.at(name)))
    assert record["resultJson"] is record["completeTime"] is record["costTime"] is None
    assert set(post.under(name)[0]["data"]) == {
        *("taskId", "model", "state", "param", "failCode", "failMsg"),
    }


def test_the_first_and_last_frames(kie: Client) -> None:
    task_id = kie.create(model="bytedance/seedance-2", return_last_frame=True, duration=4)
    found = json.loads(kie.finished(task_id)["resultJson"])
    assert set(found) == {"resultUrls", "firstFrameUrl", "lastFrameUrl"}
    assert get(found["resultUrls"][0]).headers["Content-Type"] == "video/mp4"
    frames = [*found["firstFrameUrl"], *found["lastFrameUrl"]]
    assert [get(link).headers["Content-Type"] for link in frames] == ["image/jpeg"] * 2


def test_what_is_found_in_a_picture(kie: Client) -> None:
    model = "omnihuman-1-5/subject-detection"
    record = kie.finished(kie.create(model=model, image_url=PICTURE))
    found = json.loads(record["resultJson"])["resultObject"]
    assert (found["subject_status"], len(found["mask_urls"])) == (1, 2)
    assert "response" not in record
    model = "omnihuman-1-5/human-identification"
    record = kie.finished(kie.create(model=model, image_url=PICTURE))
    assert json.loads(record["resultJson"]) == {"resultObject": {"subject_status": 1}}


@pytest.mark.parametrize(
    ("model", "given", "count"),
    [
        ("grok-imagine/text-to-image", {}, 2),
        ("wan/2-7-image", {}, 4),
        ("wan/2-7-image", {"n": 1}, 1),
        ("seedream/5-pro-layer-decomposition", {"image_url": PICTURE}, 3),
    ],
)
def test_models_that_make_several(
    kie: Client, model: str, given: dict[str, Any], count: int
) -> None:
    assert len(kie.links(kie.create(model=model, **given))) == count


def test_as_many_as_a_dial_wants(kie: Client) -> None:
    assert len(kie.links(kie.create("x [results 6]"))) == 6


def test_music_through_the_market(kie: Client) -> None:
    given = {"model": "V6", "custom_mode": True, "duration": 38, "title": "Kite"}
    body = {"model": "ai-music-api/generate", "input": {"prompt": "a kite", **given}}
    task_id = kie.start("/api/v1/jobs/createTask", body)
    record = kie.finished(task_id)
    found = json.loads(record["resultJson"])
    assert (set(found), found["code"]) == ({"code", "data"}, 200)
    assert [track["duration"] for track in found["data"]] == [38, 39.2]
    assert {frozenset(track) for track in found["data"]} == {
        frozenset({"id", "audio_url", "duration", "title"})
    }
    assert get(found["data"][0]["audio_url"]).content.startswith(b"ID3")


@pytest.mark.parametrize("model", [name for name in models() if name.startswith("ai-music-api/")])
def test_every_kind_of_music_through_the_market(kie: Client, model: str) -> None:
    given = {"model": "V5", "prompt": "a kite", "task_id": "x", "audio_id": "a", "content": "pop"}
    given |= {"tags": "calm", "title": "Kite", "full_lyrics": "la", "upload_url": PICTURE}
    more = {"infill_start_s": 1, "infill_end_s": 2, "upload_url_list": [PICTURE] * 2}
    body = {"model": model, "input": {**given, **more}}
    record = kie.finished(kie.start("/api/v1/jobs/createTask", body))
    assert json.loads(record["resultJson"])["code"] == 200


def test_an_id_as_in_the_documentation(kie: Client) -> None:
    task_id = kie.create("x [id docs]")
    assert re.fullmatch(r"task_google_\d{13}[0-9a-f]{4}", task_id)
    assert kie.links(task_id)


def test_september_is_the_rule(kie: Client) -> None:
    assert set(kie.finished(kie.create())) == SEPTEMBER | {"response"}
