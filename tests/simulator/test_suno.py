"""Suno: its steps, its tracks, its tools and what it answers at once."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from simulator.families.suno.orders import OPERATIONS
from simulator.server import KieSimulator
from tests.simulator.support import WEB, Client, Receiver, eventually

MAKE = "/api/v1/generate"
ASK = "/api/v1/generate/record-info"
SONG = {"prompt": "a kite", "customMode": False, "instrumental": True, "model": "V5"}
DEAD = "http://127.0.0.1:1/x"
SAMPLE = {"taskId": "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", "audioId": "a-track"}
CUSTOM = {**SONG, "customMode": True, "title": "Kite", "style": "calm"}
EXTENDING = {"defaultParamFlag": True, "continueAt": 20, "title": "Kite", "style": "calm"}
UPLOAD = {"uploadUrl": "https://a.test/a.mp3"}
BODIES: dict[str, dict[str, Any]] = {
    "generate": CUSTOM,
    "extend": {"prompt": "more", "model": "V5", "audioId": "a", **EXTENDING},
    "upload-cover": {**CUSTOM, **UPLOAD},
    "upload-extend": {"prompt": "more", "model": "V5", **UPLOAD, **EXTENDING},
    "add-vocals": {
        "prompt": "la",
        "title": "Kite",
        "style": "calm",
        "negativeTags": "loud",
        **UPLOAD,
    },
    "add-instrumental": {"title": "Kite", "tags": "calm", "negativeTags": "loud", **UPLOAD},
    "replace-section": {
        "prompt": "la",
        "tags": "calm",
        "title": "Kite",
        "fullLyrics": "la la",
        "model": "V5",
        "infillStartS": 10,
        "infillEndS": 20,
        "taskId": "x",
        "audioId": "a",
    },
    "mashup": {**SONG, "uploadUrlList": ["https://a.test/a.mp3", "https://a.test/b.mp3"]},
    "sounds": {"prompt": "rain", "model": "V5", "soundLoop": True},
}
RECORD_KEYS = {
    *("taskId", "parentMusicId", "param", "response", "status", "type"),
    *("errorCode", "errorMessage"),
}
TRACK_KEYS = {
    *("id", "audioUrl", "sourceAudioUrl", "streamAudioUrl", "sourceStreamAudioUrl", "imageUrl"),
    *("sourceImageUrl", "prompt", "modelName", "title", "tags", "createTime", "duration"),
}
SNAKE_KEYS = {
    *("id", "audio_url", "source_audio_url", "stream_audio_url", "source_stream_audio_url"),
    *("image_url", "source_image_url", "prompt", "model_name", "title", "tags", "createTime"),
    "duration",
}
ENDS = {"SUCCESS", "GENERATE_AUDIO_FAILED", "SENSITIVE_WORD_ERROR", "CALLBACK_EXCEPTION"}


def song(dial: str = "") -> dict[str, Any]:
    return {**SONG, "prompt": f"a kite {dial}"}


def finished(kie: Client, dial: str = "", url: str = DEAD) -> tuple[str, Any]:
    task_id = kie.start(MAKE, song(dial), url)
    return task_id, kie.watch(ASK, task_id, "status", ENDS)[-1]


def steps(webhooks: list[Any]) -> list[str]:
    return [webhook["data"]["callbackType"] for webhook in webhooks]


def get(url: str) -> httpx.Response:
    return WEB.get(url)


def test_a_song_comes_in_steps(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.start(MAKE, song("[slow 0.8]"), post.at(name))
    records = kie.watch(ASK, task_id, "status", ENDS)
    statuses = list(dict.fromkeys(record["status"] for record in records))
    assert statuses == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]
    assert {frozenset(record) for record in records} == {frozenset(RECORD_KEYS)}
    tracks = {
        record["status"]: record["response"] and record["response"]["sunoData"]
        for record in records
    }
    assert tracks["PENDING"] is None
    assert [len(tracks[status]) for status in statuses[1:]] == [0, 1, 2]
    assert set(tracks["SUCCESS"][0]) == TRACK_KEYS
    assert records[-1]["type"] == "GENERATE"
    webhooks = post.under(name, 3)
    assert steps(webhooks) == ["text", "first", "complete"]
    assert [len(webhook["data"]["data"]) for webhook in webhooks] == [0, 1, 2]
    for webhook in webhooks:
        assert set(webhook["data"]) == {"callbackType", "task_id", "data"}
        assert webhook["data"]["task_id"] == task_id
    track = webhooks[-1]["data"]["data"][0]
    assert set(track) == SNAKE_KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", track["createTime"])
    assert isinstance(tracks["SUCCESS"][0]["createTime"], int)


def test_the_first_track_can_be_heard_before_the_second(kie: Client) -> None:
    task_id = kie.start(MAKE, song("[slow 0.6]"), DEAD)
    first = kie.watch(ASK, task_id, "status", {"FIRST_SUCCESS"})[-1]["response"]["sunoData"][0]
    link = first["audioUrl"]
    assert get(link).status_code == 200
    assert get(link.replace("/0-", "/2-")).status_code == 404
    kie.watch(ASK, task_id, "status", ENDS)
    assert get(link.replace("/0-", "/2-")).status_code == 200


def test_tracks_are_sounds_with_pictures(kie: Client) -> None:
    _, record = finished(kie)
    for track in record["response"]["sunoData"]:
        sound, picture = get(track["audioUrl"]), get(track["imageUrl"])
        assert (sound.headers["Content-Type"], sound.content[:3]) == ("audio/mpeg", b"ID3")
        assert sound.content.count(b"\xff\xfb\x54") == round(track["duration"] / 0.024)
        assert picture.content.startswith(b"\xff\xd8")
        for key in ("sourceAudioUrl", "streamAudioUrl", "sourceStreamAudioUrl"):
            assert get(track[key]).content == sound.content


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_call_that_makes_music(kie: Client, operation: Any) -> None:
    path, body = f"{MAKE}{operation.path}", BODIES[operation.name]
    assert kie.refusal(path, body) == (422, "Please enter callBackUrl.")
    task_id = kie.start(path, body, DEAD)
    record = kie.watch(ASK, task_id, "status", ENDS)[-1]
    assert record["type"] == operation.name.upper().replace("-", "_")
    assert len(record["response"]["sunoData"]) == operation.tracks


@pytest.mark.parametrize(
    ("dial", "status", "size"),
    [
        ("", 200, (1024, 1024)),
        ("[picture 360x360]", 200, (360, 360)),
        ("[picture 2048x1152]", 200, (2048, 1152)),
        ("[picture gone]", 404, None),
    ],
)
def test_pictures_of_tracks(kie: Client, dial: str, status: int, size: tuple[int, int]) -> None:
    _, record = finished(kie, dial)
    for track in record["response"]["sunoData"]:
        assert get(track["audioUrl"]).status_code == 200
        for key in ("imageUrl", "sourceImageUrl"):
            answer = get(track[key])
            assert answer.status_code == status
            assert status == 404 or Image.open(io.BytesIO(answer.content)).size == size


def test_tracks_without_pictures(kie: Client) -> None:
    _, record = finished(kie, "[picture none]")
    assert [track["imageUrl"] for track in record["response"]["sunoData"]] == ["", ""]


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("", without(SONG, "model"), "Please enter model."),
        ("", without(SONG, "prompt"), "Please enter prompt."),
        ("", without(SONG, "customMode"), "Please enter customMode."),
        ("", {**SONG, "model": "V6"}, "model is not supported"),
        ("", without(CUSTOM, "style"), "Please enter style."),
        ("", {**CUSTOM, "title": "x" * 101}, "title length cannot exceed 100"),
        ("", {**SONG, "prompt": "x" * 3001}, "prompt length cannot exceed 3000"),
        ("", {**SONG, "duration": 60}, "duration is not supported"),
        ("", {**SONG, "styleWeight": 2}, "styleWeight is not supported"),
        ("/extend", without(BODIES["extend"], "continueAt"), "Please enter continueAt."),
        ("/mashup", {**BODIES["mashup"], "uploadUrlList": ["https://a.test/a"]}, "uploadUrlList"),
        ("/replace-section", without(BODIES["replace-section"], "audioId"), "audioId"),
        ("/sounds", {"prompt": "rain", "model": "V4"}, "model is not supported"),
    ],
)
def test_music_that_is_refused(kie: Client, path: str, body: dict[str, Any], words: str) -> None:
    code, message = kie.refusal(f"{MAKE}{path}", {**body, "callBackUrl": DEAD})
    assert code == 422
    assert words in message


def test_instrumental_music_in_custom_mode_needs_no_words(kie: Client) -> None:
    assert kie.start(MAKE, without({**CUSTOM, "instrumental": True}, "prompt"), DEAD)


@pytest.mark.parametrize(
    ("dial", "status", "code", "webhook_code", "data"),
    [
        ("[fail]", "GENERATE_AUDIO_FAILED", 500, 500, None),
        ("[fail 418 odd]", "GENERATE_AUDIO_FAILED", 418, 501, None),
        ("[fail create 400 bad]", "CREATE_TASK_FAILED", 400, 400, None),
        ("[fail sensitive]", "SENSITIVE_WORD_ERROR", 413, 413, None),
        ("[refuse]", "SENSITIVE_WORD_ERROR", 400, 400, None),
        ("[fail refunded]", "GENERATE_AUDIO_FAILED", 531, 531, []),
    ],
)
def test_music_that_fails(
    kie: Client,
    post: Receiver,
    name: str,
    dial: str,
    status: str,
    code: int,
    webhook_code: int,
    data: Any,
) -> None:
    task_id = kie.start(MAKE, song(dial), post.at(name))
    record = kie.watch(ASK, task_id, "status", ENDS | {"CREATE_TASK_FAILED"})[-1]
    assert (record["status"], record["errorCode"], record["response"]) == (status, code, None)
    told = post.under(name, 1 if "create" in dial or "ve" in dial or "se" in dial else 2)
    # On a busy machine the words that come before may be delivered after it.
    [last] = [one for one in told if one["data"]["callbackType"] == "error"]
    assert (last["code"], last["data"]["data"]) == (webhook_code, data)


def test_words_may_come_before_a_failure_and_tracks_do_not(
    kie: Client, post: Receiver, name: str
) -> None:
    kie.start(MAKE, song("[fail] [slow 0.2]"), post.at(name))
    assert sorted(steps(post.under(name, 2))) == ["error", "text"]


def test_a_step_is_told_once_across_a_restart(tmp_path: Path, post: Receiver, name: str) -> None:
    options: dict[str, Any] = {"port": 0, "state": tmp_path, "retry_pauses_seconds": ()}
    with KieSimulator(**options) as sim, Client(sim.base_url) as client:
        client.start(MAKE, song("[slow 2]"), post.at(name))
        eventually(lambda: client.sim("tasks")[0]["webhooks"])
    with KieSimulator(**options):
        assert steps(post.under(name, 3)) == ["text", "first", "complete"]


def test_a_section_that_fails_says_why_elsewhere(kie: Client, post: Receiver, name: str) -> None:
    body = {**BODIES["replace-section"], "prompt": "x [fail create]"}
    kie.start(f"{MAKE}/replace-section", body, post.at(name))
    [webhook] = post.under(name)
    assert set(webhook["data"]) == {"callbackType", "task_id", "error"}


def test_steps_out_of_order(kie: Client, post: Receiver, name: str) -> None:
    kie.start(MAKE, song("[suno out of order] [slow 0.3]"), post.at(name))
    assert steps(post.under(name, 3)) == ["complete", "first", "text"]


def test_a_callback_exception_with_its_tracks(kie: Client) -> None:
    _, record = finished(kie, "[callback exception]")
    assert record["status"] == "CALLBACK_EXCEPTION"
    assert len(record["response"]["sunoData"]) == 2
    _, record = finished(kie, "[callback exception empty]")
    assert (record["status"], record["response"]) == ("CALLBACK_EXCEPTION", None)


def test_a_receiver_that_fails_makes_a_callback_exception(kie: Client) -> None:
    task_id, record = finished(kie)
    assert record["status"] in {"SUCCESS", "CALLBACK_EXCEPTION"}
    record = kie.watch(ASK, task_id, "status", {"CALLBACK_EXCEPTION"})[-1]
    assert len(record["response"]["sunoData"]) == 2


def test_source_links_work_when_others_do_not(kie: Client) -> None:
    _, record = finished(kie, "[file empty] [source works]")
    track = record["response"]["sunoData"][0]
    assert get(track["audioUrl"]).content == b""
    assert get(track["sourceAudioUrl"]).content.startswith(b"ID3")


def test_six_tracks(kie: Client) -> None:
    _, record = finished(kie, "[results 6]")
    assert len({track["id"] for track in record["response"]["sunoData"]}) == 6


def test_lyrics_are_texts(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.start("/api/v1/lyrics", {"prompt": "a kite"}, post.at(name))
    record = kie.watch("/api/v1/lyrics/record-info", task_id, "status", {"SUCCESS"})[-1]
    texts = record["response"]["data"]
    assert len(texts) == 2
    assert {frozenset(one) for one in texts} == {
        frozenset({"text", "title", "status", "errorMessage"})
    }
    [webhook] = post.under(name)
    assert set(webhook["data"]["data"][0]) == {"error_message", "status", "text", "title"}
    assert webhook["data"]["callbackType"] == "complete"


TOOLS = ["wav", "mp4", "vocal-removal", "midi", "suno/cover"]


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_want_a_song_that_exists(kie: Client, tool: str) -> None:
    body = {"taskId": "0" * 32, "audioId": "x", "callBackUrl": DEAD}
    path = f"/api/v1/{tool}/generate"
    for task_id in ("0" * 32, kie.create()):
        body["taskId"] = task_id
        assert kie.refusal(path, body) == (422, "Record does not exist")
    assert kie.refusal(path, without(body, "callBackUrl")) == (422, "Please enter callBackUrl.")


def test_a_wav_and_a_cover_exist_once(kie: Client) -> None:
    task_id, record = finished(kie)
    body = {"taskId": task_id, "audioId": record["response"]["sunoData"][0]["id"]}
    for tool in ("wav", "suno/cover"):
        path = f"/api/v1/{tool}/generate"
        assert kie.start(path, body, DEAD)
        assert kie.refusal(path, {**body, "callBackUrl": DEAD})[0] == 409
    other = {**body, "audioId": record["response"]["sunoData"][1]["id"]}
    assert kie.start("/api/v1/wav/generate", other, DEAD)
    assert kie.start("/api/v1/mp4/generate", body, DEAD)
    assert kie.start("/api/v1/mp4/generate", body, DEAD)


def test_a_failed_wav_can_be_made_again(kie: Client) -> None:
    task_id, _ = finished(kie, "[then fail]")
    body = {"taskId": task_id, "audioId": "x"}
    first = kie.start("/api/v1/wav/generate", body, DEAD)
    kie.watch("/api/v1/wav/record-info", first, "successFlag", {"GENERATE_WAV_FAILED"})
    assert kie.start("/api/v1/wav/generate", body, DEAD) != first


def test_a_wav_is_a_tone(kie: Client) -> None:
    task_id = kie.start("/api/v1/wav/generate", SAMPLE | {"prompt": "x"}, DEAD)
    record = kie.watch("/api/v1/wav/record-info", task_id, "successFlag", {"SUCCESS"})[-1]
    body = get(record["response"]["audioWavUrl"]).content
    assert (body[:4], body[8:12]) == (b"RIFF", b"WAVE")
    assert len(set(body[100:2000])) > 20


def test_stems(kie: Client, post: Receiver, name: str) -> None:
    body = {**SAMPLE, "type": "split_stem"}
    task_id = kie.start("/api/v1/vocal-removal/generate", body, post.at(name))
    ask = "/api/v1/vocal-removal/record-info"
    response = kie.watch(ask, task_id, "successFlag", {"SUCCESS"})[-1]["response"]
    assert len(response["originData"]) == 12
    assert set(response["originData"][0]) == {"duration", "audio_url", "stem_type_group_name", "id"}
    assert response["instrumentalUrl"] is None
    assert get(response["drumsUrl"]).headers["Content-Type"] == "audio/mpeg"
    info = post.under(name)[0]["data"]["vocal_separation_info"]
    assert set(info) == {
        *("origin_url", "backing_vocals_url", "bass_url", "brass_url", "drums_url", "fx_url"),
        *("guitar_url", "keyboard_url", "percussion_url", "strings_url", "synth_url"),
        *("vocal_url", "woodwinds_url"),
    }


def test_notes_are_numbers_in_records_and_sometimes_strings_in_webhooks(
    kie: Client, post: Receiver, name: str
) -> None:
    task_id = kie.start("/api/v1/midi/generate", SAMPLE, post.at(name))
    record = kie.watch("/api/v1/midi/record-info", task_id, "successFlag", {1})[-1]
    note = record["midiData"]["instruments"][0]["notes"][1]
    assert isinstance(note["start"], float)
    told = post.under(name)[0]["data"]["instruments"][0]["notes"][1]
    assert isinstance(told["start"], str)
    assert float(told["start"]) == note["start"]


def test_a_style_is_described_at_once(kie: Client) -> None:
    before = kie.credits()
    answer = kie.http.post("/api/v1/style/generate", json={"content": "pop", "callBackUrl": DEAD})
    data = answer.json()["data"]
    assert set(data) == {
        *("taskId", "param", "result", "creditsConsumed", "creditsRemaining", "successFlag"),
        *("errorCode", "errorMsg", "createTime"),
    }
    assert (data["successFlag"], data["param"], data["creditsConsumed"]) == ("成功", "pop", 0.4)
    assert before - kie.credits() == pytest.approx(0.4)
    assert kie.refusal("/api/v1/style/generate", {}) == (422, "Please enter content.")
    assert kie.refusal("/api/v1/style/generate", {"content": "x [fail 500 no]"}) == (500, "no")


def test_words_are_aligned_at_once(kie: Client) -> None:
    path = "/api/v1/generate/get-timestamped-lyrics"
    task_id, record = finished(kie)
    track = record["response"]["sunoData"][0]["id"]
    data = kie.http.post(path, json={"taskId": task_id, "audioId": track}).json()["data"]
    assert set(data) == {"alignedWords", "waveformData", "hootCer", "isStreamed"}
    assert set(data["alignedWords"][0]) == {"word", "success", "startS", "endS", "palign"}
    assert [one["word"] for one in data["alignedWords"]] == ["a", "kite"]
    assert kie.refusal(path, {"taskId": task_id, "audioId": "x"}) == (422, "Record does not exist")


def test_a_persona_is_made_at_once(kie: Client) -> None:
    path = "/api/v1/generate/generate-persona"
    body = {**SAMPLE, "name": "Kite", "description": "calm"}
    data = kie.http.post(path, json=body).json()["data"]
    assert set(data) == {"personaId", "name", "description"}


def test_nothing_is_told_of_what_answers_at_once(kie: Client, post: Receiver, name: str) -> None:
    url = post.at(name)
    kie.http.post("/api/v1/style/generate", json={"content": "pop", "callBackUrl": url})
    kie.start("/api/v1/lyrics", {"prompt": "x [slow 0.1]"}, url)
    [webhook] = post.under(name)
    assert len(webhook["data"]["data"]) == 2


def test_a_lagging_song_is_pending(kie: Client) -> None:
    task_id = kie.start(MAKE, song("[poll lag 60] [slow 0.1]"), DEAD)
    eventually(lambda: kie.sim("tasks")[-1]["completed"])
    time.sleep(0.05)
    assert kie.ask(ASK, task_id)["status"] == "PENDING"
