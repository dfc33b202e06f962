"""The life of a task in each family: created, asked about, told of, and its files."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.simulator.support import WEB, Client, Receiver, eventually

TIMES = {
    "ms": r"\d{13}",
    "iso": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "iso ms": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "string": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
}
FILM = "https://a.test/in.mp4"
FLAG_KEYS = {
    *("taskId", "paramJson", "completeTime", "response", "successFlag"),
    *("errorCode", "errorMessage", "createTime"),
}
TOOL_KEYS = {
    *("taskId", "musicId", "callbackUrl", "musicIndex", "completeTime", "response"),
    *("successFlag", "createTime", "errorCode", "errorMessage"),
}


@dataclass(frozen=True)
class Case:
    """A family, or one of its operations, as the documentation shows it."""

    create: str
    ask: str
    body: dict[str, Any]
    keys: set[str]
    result: str
    result_keys: set[str]
    webhook_keys: set[str]
    types: list[str]
    id_key: str = "taskId"
    flag: str = "successFlag"
    running: tuple[Any, ...] = (0,)
    done: Any = 1
    failed: Any = 3
    times: str = "ms"
    failure_code: int = 500
    failure_data: Any = field(default_factory=dict)


SONG = {"prompt": "a kite", "customMode": False, "instrumental": True, "model": "V5"}
TRACK = {"taskId": "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", "audioId": "a-track"}
CASES = {
    "gpt4o": Case(
        "/api/v1/gpt4o-image/generate",
        "/api/v1/gpt4o-image/record-info",
        {"prompt": "a kite", "size": "3:2", "nVariants": 2},
        FLAG_KEYS | {"status", "progress"},
        "response",
        {"resultUrls"},
        {"taskId", "info"},
        ["image/png", "image/png"],
        failure_data={"info": None},
    ),
    "flux": Case(
        "/api/v1/flux/kontext/generate",
        "/api/v1/flux/kontext/record-info",
        {"prompt": "a kite", "aspectRatio": "16:9", "outputFormat": "jpeg"},
        FLAG_KEYS,
        "response",
        {"originImageUrl", "resultImageUrl"},
        {"taskId", "info"},
        ["image/jpeg", "image/jpeg"],
        times="iso",
        failure_data={"info": {"originImageUrl": "", "resultImageUrl": ""}},
    ),
    "veo": Case(
        "/api/v1/veo/generate",
        "/api/v1/veo/record-info",
        {"prompt": "a kite", "aspect_ratio": "9:16", "duration": 4},
        FLAG_KEYS | {"fallbackFlag"},
        "response",
        {"taskId", "resultUrls", "originUrls", "fullResultUrls", "resolution"},
        {"taskId", "promptJson", "info", "fallbackFlag"},
        ["video/mp4", "video/mp4"],
        times="string",
        failure_data={"fallbackFlag": False},
    ),
    "runway": Case(
        "/api/v1/runway/generate",
        "/api/v1/runway/record-detail",
        {"prompt": "a kite", "duration": 5, "quality": "720p", "aspectRatio": "16:9"},
        {
            *("taskId", "parentTaskId", "generateParam", "state", "generateTime", "videoInfo"),
            *("failCode", "failMsg", "expireFlag"),
        },
        "videoInfo",
        {"videoId", "taskId", "videoUrl", "imageUrl"},
        {"task_id", "video_id", "video_url", "image_url"},
        ["video/mp4", "image/png"],
        id_key="task_id",
        flag="state",
        running=("wait", "generating"),
        done="success",
        failed="fail",
        failure_data={"video_id": "", "video_url": "", "image_url": ""},
    ),
    "aleph": Case(
        "/api/v1/aleph/generate",
        "/api/v1/aleph/record-info",
        {"prompt": "make it dusk", "videoUrl": FILM},
        FLAG_KEYS,
        "response",
        {"taskId", "resultVideoUrl", "resultImageUrl"},
        {"result_video_url", "result_image_url"},
        ["video/mp4", "image/png"],
        times="iso",
        failure_data=None,
    ),
    "luma": Case(
        "/api/v1/modify/generate",
        "/api/v1/modify/record-info",
        {"prompt": "make it dusk", "videoUrl": FILM},
        FLAG_KEYS,
        "response",
        {"taskId", "resultUrls"},
        {"taskId", "info"},
        ["video/mp4"],
    ),
    "midjourney": Case(
        "/api/v1/mj/generate",
        "/api/v1/mj/record-info",
        {"taskType": "mj_txt2img", "prompt": "a kite", "aspectRatio": "16:9"},
        FLAG_KEYS - {"response"} | {"taskType", "resultInfoJson"},
        "resultInfoJson",
        {"resultUrls"},
        {"taskId", "promptJson", "resultUrls"},
        ["image/jpeg"] * 4,
        times="string",
    ),
    "lyrics": Case(
        "/api/v1/lyrics",
        "/api/v1/lyrics/record-info",
        {"prompt": "a kite"},
        {"taskId", "param", "response", "status", "type", "errorCode", "errorMessage"},
        "response",
        {"taskId", "data"},
        {"callbackType", "task_id", "data"},
        [],
        id_key="task_id",
        flag="status",
        running=("PENDING",),
        done="SUCCESS",
        failed="GENERATE_LYRICS_FAILED",
        failure_data={"callbackType": "complete", "data": None},
    ),
    "wav": Case(
        "/api/v1/wav/generate",
        "/api/v1/wav/record-info",
        TRACK,
        TOOL_KEYS,
        "response",
        {"audioWavUrl"},
        {"audioWavUrl", "task_id"},
        ["audio/wav"],
        id_key="task_id",
        running=("PENDING",),
        done="SUCCESS",
        failed="GENERATE_WAV_FAILED",
        times="string",
        failure_data={"audioWavUrl": None},
    ),
    "mp4": Case(
        "/api/v1/mp4/generate",
        "/api/v1/mp4/record-info",
        {**TRACK, "author": "me"},
        TOOL_KEYS,
        "response",
        {"videoUrl"},
        {"task_id", "video_url"},
        ["video/mp4"],
        id_key="task_id",
        running=("PENDING",),
        done="SUCCESS",
        failed="GENERATE_MP4_FAILED",
        times="string",
        failure_data={"video_url": None},
    ),
    "vocal": Case(
        "/api/v1/vocal-removal/generate",
        "/api/v1/vocal-removal/record-info",
        TRACK,
        TOOL_KEYS,
        "response",
        {
            *("id", "originUrl", "originData", "instrumentalUrl", "vocalUrl", "drumsUrl"),
            *("backingVocalsUrl", "bassUrl", "guitarUrl", "pianoUrl", "keyboardUrl", "brassUrl"),
            *("percussionUrl", "stringsUrl", "synthUrl", "fxUrl", "woodwindsUrl"),
        },
        {"task_id", "vocal_separation_info"},
        ["audio/mpeg", "audio/mpeg"],
        id_key="task_id",
        running=("PENDING",),
        done="SUCCESS",
        failed="GENERATE_AUDIO_FAILED",
        failure_data={"vocal_separation_info": None},
    ),
    "midi": Case(
        "/api/v1/midi/generate",
        "/api/v1/midi/record-info",
        TRACK,
        FLAG_KEYS - {"response", "paramJson"}
        | {"recordTaskId", "audioId", "callbackUrl", "midiData"},
        "midiData",
        {"state", "instruments"},
        {"taskId", "state", "instruments"},
        [],
    ),
    "cover": Case(
        "/api/v1/suno/cover/generate",
        "/api/v1/suno/cover/record-info",
        {"taskId": TRACK["taskId"]},
        FLAG_KEYS - {"paramJson"} | {"parentTaskId", "callbackUrl"},
        "response",
        {"images"},
        {"taskId", "images"},
        ["image/png", "image/png"],
        times="iso ms",
        failure_code=501,
        failure_data={"images": None},
    ),
}
ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def with_dial(case: Case, dial: str) -> dict[str, Any]:
    """Tools have no prompt; any text will do, also one that nobody asked for."""
    return {**case.body, "prompt": f"{case.body.get('prompt', '')} {dial}"}


def links_in(value: Any) -> list[str]:
    found = re.findall(r"http://127[^\"' ]+/files/[^\"', \]}]+", repr(value))
    return list(dict.fromkeys(found))


def get(url: str) -> httpx.Response:
    return WEB.get(url)


@ALL
def test_a_task_runs_and_succeeds(kie: Client, post: Receiver, name: str, case: Case) -> None:
    body = with_dial(case, "[slow 0.2]")
    task_id = kie.start(case.create, body, post.at(name))
    told = kie.watch(case.ask, task_id, case.flag, {case.done})
    first, last = told[0], told[-1]
    assert set(first) == set(last) == case.keys
    assert first[case.flag] in case.running
    assert not first[case.result]
    assert not first.get("completeTime")
    assert last["taskId"] == task_id
    assert set(last[case.result]) == case.result_keys
    if "createTime" in case.keys:
        for key in ("createTime", "completeTime"):
            assert re.fullmatch(TIMES[case.times], str(last[key]))
    [webhook] = post.under(name)
    assert webhook["code"] == 200
    assert set(webhook["data"]) == case.webhook_keys
    holder = webhook if "taskId" in webhook else webhook["data"]
    assert holder[case.id_key] == task_id
    files = [get(link) for link in links_in(last[case.result])]
    assert [file.headers["Content-Type"] for file in files] == case.types
    assert {file.status_code for file in files} <= {200}
    assert set(links_in(webhook)) == set(links_in(last[case.result]))


@ALL
def test_a_task_fails(kie: Client, post: Receiver, name: str, case: Case) -> None:
    before = kie.credits()
    task_id = kie.start(case.create, with_dial(case, "[fail]"), post.at(name))
    record = kie.watch(case.ask, task_id, case.flag, {case.failed})[-1]
    assert set(record) == case.keys
    assert not record[case.result]
    code, message = ("failCode", "failMsg") if "failCode" in record else ("errorCode", None)
    assert record[code] == 500
    assert record[message or "errorMessage"] == "Internal Error"
    [webhook] = post.under(name)
    assert (webhook["code"], webhook["msg"]) == (case.failure_code, "Internal Error")
    if case.failure_data is None:
        assert webhook["data"] is None
    else:
        assert {k: webhook["data"].get(k) for k in case.failure_data} == case.failure_data
    assert kie.credits() == before


@ALL
def test_a_failure_where_the_work_is_handed_on(kie: Client, case: Case) -> None:
    body = with_dial(case, "[fail create 400 not so]")
    task_id = kie.start(case.create, body, "http://127.0.0.1:1/x")
    early = {2, "CREATE_TASK_FAILED", "fail"}
    record = kie.watch(case.ask, task_id, case.flag, early)[-1]
    assert record.get("errorCode", record.get("failCode")) == 400


@ALL
def test_an_answer_to_the_creation_with_the_result(kie: Client, case: Case) -> None:
    body = with_dial(case, "[immediate]") | {"callBackUrl": "http://127.0.0.1:1/x"}
    data = kie.http.post(case.create, json=body).json()["data"]
    assert set(data) == case.keys
    assert data[case.flag] == case.done
    assert set(data[case.result]) == case.result_keys


@ALL
def test_the_state_stays_behind_for_ever(
    kie: Client, post: Receiver, name: str, case: Case
) -> None:
    body = with_dial(case, "[history only] [slow 0]")
    task_id = kie.start(case.create, body, post.at(name))
    records = [kie.ask(case.ask, task_id) for _ in range(3)]
    assert {record[case.flag] for record in records} <= set(case.running)
    assert not records[-1][case.result]
    assert post._at(name) == []


@ALL
def test_an_unknown_task(kie: Client, case: Case) -> None:
    answer = kie.http.get(case.ask, params={"taskId": "0" * 32}).json()
    assert answer["data"] is None
    assert (answer["code"], answer["msg"]) in {(200, "success"), (422, "The record does not exist")}
    nameless = kie.http.get(case.ask).json()
    assert nameless["code"] == 422


@ALL
def test_a_task_is_asked_about_in_its_own_place_only(kie: Client, case: Case) -> None:
    task_id = kie.start(case.create, with_dial(case, ""), "http://127.0.0.1:1/x")
    for other in CASES.values():
        answer = kie.http.get(other.ask, params={"taskId": task_id}).json()
        assert (answer["data"] is not None) == (other.ask == case.ask)


STUCK = {key: case for key, case in CASES.items() if "completeTime" in case.keys}


@pytest.mark.parametrize("case", STUCK.values(), ids=STUCK)
def test_all_is_done_but_the_flag(kie: Client, case: Case) -> None:
    body = with_dial(case, "[flag stuck]")
    task_id = kie.start(case.create, body, "http://127.0.0.1:1/x")
    eventually(lambda: kie.ask(case.ask, task_id)["completeTime"])
    record = kie.ask(case.ask, task_id)
    assert record[case.flag] in case.running
    assert not any(links_in(record))


GPT4O = CASES["gpt4o"]


@pytest.mark.parametrize(
    ("dial", "shape"),
    [
        ("[result text] [result snake]", r'\{"result_urls":\["http.+"\]\}'),
        ("[result double]", r'"\{\\"resultUrls\\":\[\\"http.+\\"\]\}"'),
        ("[result string]", r"\{'resultUrls': 'http.+'\}"),
        ("[result null]", r"\{'resultUrls': None\}"),
        ("[result key imageUrl]", r"\{'imageUrl': 'http.+'\}"),
        ("[result nested]", r"\{'data': \{'resultUrls': \[.+\]\}\}"),
        ("[result empty]", "None"),
        ("[fail internal]", "None"),
    ],
)
def test_results_of_other_shapes_in_a_family(kie: Client, dial: str, shape: str) -> None:
    body = {"prompt": f"x {dial}", "size": "1:1"}
    task_id = kie.start(GPT4O.create, body)
    record = kie.watch(GPT4O.ask, task_id, "successFlag", {1, 3})[-1]
    assert re.fullmatch(shape, str(record["response"]))


def test_a_refusal_in_disguise(kie: Client) -> None:
    task_id = kie.start(GPT4O.create, {"prompt": "x [fail internal]", "size": "1:1"})
    record = kie.watch(GPT4O.ask, task_id, "successFlag", {3})[-1]
    assert (record["errorCode"], record["errorMessage"]) == (None, "Internal Error")


def test_the_link_of_flux_at_the_top(kie: Client) -> None:
    case = CASES["flux"]
    task_id = kie.start(case.create, {"prompt": "x [result top]"})
    record = kie.watch(case.ask, task_id, "successFlag", {1})[-1]
    assert set(record) == {"taskId", "successFlag", "resultImageUrl"}


def test_the_origin_of_flux_dies_after_ten_minutes(
    kie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["flux"]
    task_id = kie.start(case.create, case.body)
    response = kie.watch(case.ask, task_id, "successFlag", {1})[-1]["response"]
    later = time.time() + 601
    monkeypatch.setattr(
        "simulator.files.time", SimpleNamespace(time=lambda: later, sleep=time.sleep)
    )
    assert get(response["originImageUrl"]).status_code == 404
    assert get(response["resultImageUrl"]).status_code == 200


def test_aleph_as_it_was_recorded(kie: Client) -> None:
    case = CASES["aleph"]
    body = {**case.body, "prompt": "x [fields live] [fail]"}
    task_id = kie.start(case.create, body, "http://127.0.0.1:1/x")
    record = kie.watch(case.ask, task_id, "successFlag", {3})[-1]
    assert record["completeTime"] % 1000 == record["createTime"] % 1000 == 0
    assert "callBackUrl" in record["paramJson"]


def test_an_old_film_of_runway_is_said_to_be_gone(
    kie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["runway"]
    task_id = kie.start(case.create, case.body)
    assert kie.watch(case.ask, task_id, "state", {"success"})[-1]["expireFlag"] == 0
    later = time.time() + 15 * 86_400
    monkeypatch.setattr("simulator.families.runway.time", SimpleNamespace(time=lambda: later))
    assert kie.ask(case.ask, task_id)["expireFlag"] == 1


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("gpt4o-image/generate", {"prompt": "x"}, "Please enter size."),
        ("gpt4o-image/generate", {"size": "1:1"}, "Please enter prompt or filesUrl."),
        ("gpt4o-image/generate", {"size": "16:9", "prompt": "x"}, "size is not supported"),
        ("flux/kontext/generate", {}, "Please enter prompt."),
        ("flux/kontext/generate", {"prompt": "x" * 3001}, "prompt length cannot exceed 3000"),
        ("flux/kontext/generate", {"prompt": "x", "model": "flux"}, "model is not supported"),
        ("runway/generate", {"prompt": "x", "duration": 5}, "Please enter quality."),
        (
            "runway/generate",
            {"prompt": "x", "duration": 10, "quality": "1080p", "aspectRatio": "1:1"},
            "cannot have 1080p",
        ),
        ("runway/generate", {"prompt": "x", "duration": 5, "quality": "720p"}, "aspectRatio"),
        ("runway/extend", {"prompt": "x", "quality": "720p"}, "Please enter taskId."),
        ("aleph/generate", {"prompt": "x"}, "Please enter videoUrl."),
        ("modify/generate", {"videoUrl": FILM}, "Please enter prompt."),
        ("mj/generate", {"prompt": "x"}, "Please enter taskType."),
        ("mj/generate", {"prompt": "x", "taskType": "mj_video"}, "Please enter fileUrl."),
    ],
)
def test_what_families_refuse(kie: Client, path: str, body: dict[str, Any], words: str) -> None:
    code, message = kie.refusal(f"/api/v1/{path}", body)
    assert code == 422
    assert words in message


def test_a_film_of_runway_is_made_longer(kie: Client, post: Receiver, name: str) -> None:
    body = {"taskId": "parent", "prompt": "more", "quality": "720p"}
    task_id = kie.start("/api/v1/runway/extend", body)
    record = kie.watch("/api/v1/runway/record-detail", task_id, "state", {"success"})[-1]
    assert record["parentTaskId"] == "parent"
    kie.start("/api/v1/runway/extend", {**body, "prompt": "x [fail]"}, post.at(name))
    assert set(post.under(name)[0]["data"]) == {"task_id"}
