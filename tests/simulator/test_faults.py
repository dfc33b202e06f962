"""Answers that go wrong: to creations, to questions, and with the wrong codes."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from simulator.server import KieSimulator
from tests.simulator.support import WEB, Client, Receiver, eventually

ASK = "/api/v1/jobs/recordInfo"


def asked(kie: Client, task_id: str) -> httpx.Response:
    return kie.http.get(ASK, params={"taskId": task_id})


@pytest.mark.parametrize(
    ("dial", "codes"),
    [
        ("[create 433]", [433, 200]),
        ("[create 430 x2]", [430, 430, 200]),
        ("[create 408]", [408, 200]),
        ("[create 422]", [422, 422]),
        ("[create 505 x1]", [505, 200]),
        ("[create 531]", [531, 531]),
        ("[create 500 exception x1]", [500, 200]),
    ],
)
def test_a_creation_is_refused_with_a_code(kie: Client, dial: str, codes: list[int]) -> None:
    answers = [kie.post(f"refused {dial}") for _ in codes]
    assert [answer.json()["code"] for answer in answers] == codes
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("dial", "words"),
    [
        ("500 credits", "Credits insufficient"),
        ("500 paused", "temporarily paused"),
        ("500 required", "This field is required"),
        ("500 options", "not within the range of allowed options"),
        ("500 length", "text length cannot exceed"),
        ("500 exception", "Server exception"),
        ("422 length", "must be <= 300 characters"),
        ("422 empty", "cannot be empty"),
        ("422 model", "not supported"),
        ("429 credits", "Insufficient credits"),
    ],
)
def test_one_code_means_many_things(kie: Client, dial: str, words: str) -> None:
    answer = kie.post(f"x [create {dial}]").json()
    assert answer["code"] == int(dial[:3])
    assert words in answer["msg"]
    assert answer["data"] is None


def test_a_refusal_by_http_status(kie: Client) -> None:
    first, second = (kie.post("x [create http 429]") for _ in range(2))
    assert (first.status_code, first.json()["code"]) == (429, 429)
    assert second.json()["code"] == 200


def test_a_page_instead_of_an_answer_to_a_creation(kie: Client) -> None:
    count = len(kie.sim("tasks"))
    lost = kie.post("x [create lost 524]")
    assert (lost.status_code, lost.headers["Content-Type"]) == (524, "text/html; charset=UTF-8")
    assert len(kie.sim("tasks")) == count
    assert kie.post("x [create lost 524]").json()["code"] == 200
    made = kie.post("x [create html 520]")
    assert (made.status_code, "<html>" in made.text) == (520, True)
    assert len(kie.sim("tasks")) == count + 2


def test_broken_answers_to_a_creation(kie: Client) -> None:
    count = len(kie.sim("tasks"))
    assert kie.post("x [create empty]").content == b""
    truncated = kie.post("x [create truncated]")
    with pytest.raises(json.JSONDecodeError):
        truncated.json()
    assert kie.post("x [create no id]").json() == {"code": 200, "msg": "success", "data": None}
    assert len(kie.sim("tasks")) == count + 3


def test_words_under_another_key(kie: Client) -> None:
    answer = kie.post("x [message key]").json()
    assert set(answer) == {"code", "message", "data"}
    assert set(kie.poll(answer["data"]["taskId"])) == {"code", "message", "data"}


def test_an_immediate_result(kie: Client, post: Receiver, name: str) -> None:
    data = kie.post("x [immediate]", post.at(name)).json()["data"]
    assert data["recordId"] == data["taskId"]
    assert data["state"] == "success"
    link = json.loads(data["resultJson"])["resultUrls"][0]
    assert WEB.get(link).status_code == 200
    assert kie.record(data["taskId"])["state"] == "success"
    [task] = [one for one in kie.sim("tasks") if one["taskId"] == data["taskId"]]
    assert task["webhooks"] == []


@pytest.mark.parametrize(
    ("dial", "status", "code"),
    [
        ("poll html 502", 502, None),
        ("poll 429", 200, 429),
        ("poll 408", 200, 408),
        ("poll 500 code", 200, 500),
        ("poll http 429", 429, 429),
    ],
)
def test_a_question_is_answered_wrongly_twice(
    kie: Client, dial: str, status: int, code: int | None
) -> None:
    task_id = kie.create(f"x [{dial} x2]")
    answers = [asked(kie, task_id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    if code is None:
        assert answers[0].text.startswith("<!DOCTYPE html>")
    else:
        assert [answer.json()["code"] for answer in answers] == [code, code, 200]


def test_a_question_is_answered_wrongly_for_ever(kie: Client) -> None:
    task_id = kie.create("x [poll 455]")
    assert {asked(kie, task_id).json()["code"] for _ in range(4)} == {455}


def test_broken_answers_to_a_question(kie: Client) -> None:
    task_id = kie.create("x [poll truncated x1]")
    broken = asked(kie, task_id)
    assert broken.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert asked(kie, task_id).json()["code"] == 200
    assert asked(kie, kie.create("x [poll empty]")).content == b""
    with pytest.raises(httpx.RemoteProtocolError):
        asked(kie, kie.create("x [poll drop]"))


def test_a_question_is_answered_late(kie: Client) -> None:
    started = time.monotonic()
    asked(kie, kie.create("x [poll slow 0.3]"))
    assert time.monotonic() - started >= 0.3


def test_no_data_at_first(kie: Client) -> None:
    task_id = kie.create("x [poll data null 0.3]")
    assert kie.poll(task_id) == {"code": 200, "msg": "success", "data": None}
    eventually(lambda: kie.poll(task_id)["data"])


def test_faults_are_those_of_all_families(kie: Client) -> None:
    body = {"prompt": "x [poll html 502 x1] [poll null 0]", "size": "1:1"}
    task_id = kie.start("/api/v1/gpt4o-image/generate", body)
    path = "/api/v1/gpt4o-image/record-info"
    assert kie.http.get(path, params={"taskId": task_id}).status_code == 502
    assert kie.ask(path, task_id)["taskId"] == task_id


def test_a_key_has_a_limit_of_its_own() -> None:
    with KieSimulator(port=0, key_limit=2) as sim:
        for key in ("one", "other"):
            with Client(sim.base_url, key=key) as client:
                assert [client.post("x").json()["code"] for _ in range(3)] == [200, 200, 433]


def test_the_old_way_to_ask(kie: Client) -> None:
    task_id = kie.create()
    answer = kie.http.get("/api/v1/playground/recordInfo", params={"taskId": task_id}).json()
    assert answer["data"]["taskId"] == task_id
