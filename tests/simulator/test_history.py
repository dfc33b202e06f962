"""The history pages: open to sessions, one of them to API keys, ten to a page, and true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.server import KieSimulator
from tests.simulator.support import WEB, Client, eventually

TOKEN = {"Authorization": "sim-history-token"}
GOLDEN = "/client/v1/userRecord/gpt4o-image/page"
DORIS = "/api/v1/playground/pageRecordListByDoris"
DEAD = "http://127.0.0.1:1/x"
SAMPLE = {"taskId": "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", "audioId": "a", "callBackUrl": DEAD}
MARKET_KEYS = {
    *("taskId", "consumeCredits", "remainedCredits", "model", "state", "param"),
    *("createTime", "completeTime", "costTime"),
}
SONG = {"customMode": False, "instrumental": True, "model": "V5", "callBackUrl": DEAD}
FILM = {"videoUrl": "https://a.test/a.mp4"}


@pytest.fixture(scope="module")
def own() -> Iterator[Client]:
    """A simulator whose history nobody else writes."""
    with (
        KieSimulator(port=0, seconds=0.03, create_limit=0, retry_pauses_seconds=()) as sim,
        Client(sim.base_url) as client,
    ):
        yield client


def page(kie: Client, path: str, **body: Any) -> Any:
    answer = WEB.post(f"{kie.http.base_url}{path}", json=body, headers=TOKEN).json()
    assert answer["code"] == 200, answer
    return answer["data"]


def picture(kie: Client, dial: str = "") -> str:
    body = {"prompt": f"x {dial}", "size": "1:1"}
    return kie.start("/api/v1/gpt4o-image/generate", body)


def listed(kie: Client, path: str, task_id: str, **body: Any) -> Any:
    records = page(kie, path, **body)["records"]
    ids = [record.get("taskId") or record.get("uuid") for record in records]
    return records[ids.index(task_id)] if task_id in ids else None


def ended(kie: Client, path: str, task_id: str, **asked: Any) -> Any:
    """Wait until a page lists a success."""
    eventually(lambda: listed(kie, path, task_id, **asked)["successFlag"] == "1")
    return listed(kie, path, task_id, **asked)


def succeeded(kie: Client, task_id: str) -> Any:
    """Wait until the golden page says so."""
    eventually(lambda: listed(kie, GOLDEN, task_id)["successFlag"])
    return listed(kie, GOLDEN, task_id)


OTHER = "/client/v1/userRecord/veo-record/page"


@pytest.mark.parametrize("path", [OTHER, DORIS])
@pytest.mark.parametrize("token", ["Bearer any", "any", "Bearer sim-history-token", None])
def test_keys_do_not_open_it(own: Client, path: str, token: str | None) -> None:
    headers = {"Authorization": token} if token else {}
    answer = WEB.post(f"{own.http.base_url}{path}", json={}, headers=headers)
    assert answer.status_code == 200
    assert answer.json() == {"code": 401, "msg": "Unauthorized", "data": None}


def test_another_token_can_be_set() -> None:
    with KieSimulator(port=0, history_token="mine") as sim:
        for token, code in (("mine", 200), ("sim-history-token", 401)):
            headers = {"Authorization": token}
            answer = WEB.post(f"{sim.base_url}{DORIS}", json={}, headers=headers).json()
            assert answer["code"] == code


@pytest.mark.parametrize(
    ("choice", "opens"),
    [
        ("any", {"Bearer my-key", "my-key"}),
        ("bearer", {"Bearer my-key"}),
        ("bare", {"my-key"}),
        ("none", set[str]()),
    ],
)
def test_the_page_of_4o_pictures_takes_the_api_key_as_chosen(choice: str, opens: set[str]) -> None:
    with KieSimulator(port=0, api_key="my-key", history_key=choice) as sim:
        for shown in ("Bearer my-key", "my-key", "Bearer other", "other", ""):
            headers = {"Authorization": shown}
            answer = WEB.post(f"{sim.base_url}{GOLDEN}", json={}, headers=headers).json()
            assert (answer["code"] == 200) is (shown in opens), shown
        answer = WEB.post(f"{sim.base_url}{GOLDEN}", json={}, headers=TOKEN).json()
        assert answer["code"] == 200


def test_ten_to_a_page(own: Client) -> None:
    made = [picture(own) for _ in range(23)]
    before = page(own, GOLDEN, pageNum=1, pageSize=50)
    assert set(before) == {"records", "total", "size", "current", "pages"}
    assert (before["size"], len(before["records"])) == (10, 10)
    newest = [record["taskId"] for record in before["records"]]
    assert newest == made[::-1][:10]
    third = page(own, GOLDEN, pageNum=3, pageSize=10)
    assert [record["taskId"] for record in third["records"]][-1] == made[0]
    assert third["pages"] == 3
    assert page(own, GOLDEN, pageNum=99)["records"] == []


def test_the_truth_about_a_stuck_task(own: Client) -> None:
    for dial, is_nested in (("[flag stuck]", True), ("[history only] [history top]", False)):
        task_id = picture(own, dial)
        record = succeeded(own, task_id)
        assert set(record) == {
            *("taskId", "userId", "successFlag", "resultJson", "completeTime", "createTime"),
        }
        found = json.loads(record["resultJson"])
        links = found["data"]["result_urls"] if is_nested else found["result_urls"]
        assert WEB.get(links[0]).status_code == 200
        told = own.ask("/api/v1/gpt4o-image/record-info", task_id)
        assert told["successFlag"] == 0
        assert bool(told["completeTime"]) == is_nested


def test_failed_and_running_tasks_have_no_links(own: Client) -> None:
    failed, running = picture(own, "[fail] [slow 0]"), picture(own, "[slow 60]")
    eventually(lambda: listed(own, GOLDEN, failed)["successFlag"] == 3)
    assert listed(own, GOLDEN, failed)["resultJson"] is None
    record = listed(own, GOLDEN, running)
    assert (record["successFlag"], record["resultJson"]) == (0, None)


def test_tasks_that_come_late_or_never(own: Client) -> None:
    late, never = picture(own, "[history late 0.4] [slow 0]"), picture(own, "[history none]")
    assert listed(own, GOLDEN, never) is None
    eventually(lambda: listed(own, GOLDEN, late))


PLAIN_KEYS = {
    *("uuid", "type", "operationType", "successFlag", "paramJson", "creditsConsumed"),
    *("creditsRemaining", "createTime"),
}
PAGES: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("gpt4o-image-record", "gpt4o-image/generate", {"prompt": "x", "size": "1:1"}, "response", {}),
    ("flux-kontext-record", "flux/kontext/generate", {"prompt": "x"}, "response", {}),
    ("mj", "mj/generate", {"prompt": "x", "taskType": "mj_txt2img"}, "resultInfoJson", {}),
    ("veo-record", "veo/generate", {"prompt": "x"}, "response", {"model": "generate"}),
    ("aleph", "aleph/generate", {"prompt": "x", **FILM}, "response", {}),
    ("modify", "modify/generate", {"prompt": "x", **FILM}, "response", {}),
    (
        "runway-record",
        "runway/generate",
        {"prompt": "x", "duration": 5, "quality": "720p", "aspectRatio": "16:9"},
        "videoInfo",
        {},
    ),
    ("suno-record", "generate", {"prompt": "x", **SONG}, "response", {}),
    ("wav", "wav/generate", SAMPLE, "response", {}),
    ("mp4", "mp4/generate", SAMPLE, "response", {}),
    ("vocal-removal", "vocal-removal/generate", SAMPLE, "response", {}),
    ("midi", "midi/generate", SAMPLE, "midiData", {}),
    ("cover", "suno/cover/generate", SAMPLE, "response", {}),
    ("getLyricsRecords", "lyrics", {"prompt": "x", "callBackUrl": DEAD}, "response", {}),
    ("style", "style/generate", {"content": "pop"}, "response", {}),
]


@pytest.mark.parametrize(
    ("kind", "create", "body", "result", "asked"), PAGES, ids=[row[0] for row in PAGES]
)
def test_every_family_has_a_page(
    own: Client,
    kind: str,
    create: str,
    body: dict[str, Any],
    result: str,
    asked: dict[str, Any],
) -> None:
    path = f"/client/v1/userRecord/{kind}/page"
    for quiet, more in ({}, set()), ({"title": "[history only]"}, {result}):
        task_id = own.start(f"/api/v1/{create}", {**body, **quiet})
        record = ended(own, path, task_id, **asked)
        assert set(record) == PLAIN_KEYS | more


def test_upgrades_have_pages_of_their_own(own: Client) -> None:
    task_id = own.start("/api/v1/veo/generate", {"prompt": "x [slow 0]"})
    own.watch("/api/v1/veo/record-info", task_id, "successFlag", {1})
    longer = own.start("/api/v1/veo/extend", {"taskId": task_id, "prompt": "x"})
    own.http.get("/api/v1/veo/get-1080p-video", params={"taskId": task_id})
    own.start("/api/v1/veo/get-4k-video", {"taskId": task_id})
    veo = "/client/v1/userRecord/veo/page"
    assert listed(own, "/client/v1/userRecord/veo1080p/page", task_id)
    assert listed(own, veo, task_id, model="video4k")
    assert listed(own, veo, longer, model="extend")
    assert page(own, veo)["records"] == []


def test_a_page_of_nothing(own: Client) -> None:
    assert page(own, "/client/v1/userRecord/nobody/page")["records"] == []


def test_the_market_has_a_page(own: Client) -> None:
    task_id = own.create("x [history only] [slow 0]")
    eventually(lambda: listed(own, DORIS, task_id)["state"] == "success")
    record = listed(own, DORIS, task_id)
    assert set(record) == MARKET_KEYS | {"resultJson", "response"}
    assert json.loads(record["resultJson"])["resultUrls"]
    assert own.record(task_id)["state"] == "generating"
    at = record["createTime"]
    assert listed(own, DORIS, task_id, beginTime=at - 1000, endTime=at + 1000, successFlag="1")
    assert not listed(own, DORIS, task_id, beginTime=at + 1000)
    assert not listed(own, DORIS, task_id, endTime="2020-01-01 00:00:00")
    assert not listed(own, DORIS, task_id, successFlag=3)
    usual = own.create()
    own.finished(usual)
    assert set(listed(own, DORIS, usual)) == MARKET_KEYS
