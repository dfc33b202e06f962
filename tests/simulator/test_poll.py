"""What recordInfo answers."""

from __future__ import annotations

import json
import time

import pytest

from simulator.server import KieSimulator
from tests.simulator.support import MODEL, Client, Receiver, eventually

FIELDS = (
    *("taskId", "model", "state", "param", "resultJson", "failCode", "failMsg", "costTime"),
    *("completeTime", "createTime", "creditsConsumed", "operationType", "successFlag", "paramJson"),
)


def test_a_task_waits_is_generated_and_succeeds(kie: Client) -> None:
    task_id = kie.create("x [slow 0.6]")
    states: list[str] = []
    while not states or states[-1] != "success":
        states.append(kie.record(task_id)["state"])
        time.sleep(0.05)
    assert list(dict.fromkeys(states)) == ["waiting", "generating", "success"]


def test_a_task_takes_a_second_and_a_half_by_default() -> None:
    with KieSimulator(port=0) as sim, Client(sim.base_url) as client:
        record = client.finished(client.create())
    assert 1500 <= record["completeTime"] - record["createTime"] < 4000
    assert record["costTime"] in {1, 2, 3}


def test_the_fields_of_a_task_under_way(kie: Client) -> None:
    url = "http://127.0.0.1:9/cb/t"
    record = kie.record(kie.create("kite [slow 9]", url, aspect_ratio="16:9"))
    assert tuple(record) == FIELDS
    assert (record["resultJson"], record["successFlag"], record["creditsConsumed"]) == ("", 0, 4)
    assert record["completeTime"] is record["costTime"] is record["failCode"] is None
    assert abs(record["createTime"] / 1000 - time.time()) < 5
    param = json.loads(record["param"])
    assert (param["callBackUrl"], param["model"]) == (url, MODEL)
    assert json.loads(param["input"]) == {"prompt": "kite [slow 9]", "aspect_ratio": "16:9"}
    assert record["paramJson"] == record["param"]


def test_the_fields_of_a_success(kie: Client) -> None:
    record = kie.finished(kie.create())
    assert set(record) == {*FIELDS, "response"}
    assert record["successFlag"] == 1
    assert json.loads(record["resultJson"]) == record["response"]


@pytest.mark.parametrize(
    ("dial", "code", "message"),
    [
        ("[fail]", "500", "Internal Error"),
        ("[fail 400 Some Words]", "400", "Some Words"),
        ("[refuse]", "400", "The prompt was flagged as violating content policies"),
    ],
)
def test_the_fields_of_a_failure(kie: Client, dial: str, code: str, message: str) -> None:
    record = kie.finished(kie.create(f"x {dial}"))
    assert tuple(record) == FIELDS
    assert (record["state"], record["failCode"], record["failMsg"]) == ("fail", code, message)
    assert (record["resultJson"], record["creditsConsumed"]) == ("", 0)
    assert record["successFlag"] > 1
    assert record["completeTime"]


def test_an_unknown_task_is_null_and_a_missing_id_is_400(kie: Client) -> None:
    answer = kie.poll("0" * 32)
    assert (answer["code"], answer["msg"], answer["data"]) == (422, "recordInfo is null", None)
    assert kie.http.get("/api/v1/jobs/recordInfo").json()["code"] == 400


def test_poll_null(kie: Client) -> None:
    task_id = kie.create("x [poll null 0.3]")
    assert kie.poll(task_id)["code"] == 422
    eventually(lambda: kie.poll(task_id)["code"] == 200)


def test_poll_500(kie: Client) -> None:
    parameters = {"taskId": kie.create("x [poll 500]")}
    for _ in range(4):
        assert kie.http.get("/api/v1/jobs/recordInfo", params=parameters).status_code == 500


def test_poll_500_a_few_times(kie: Client) -> None:
    parameters = {"taskId": kie.create("x [poll 500 x2]")}
    get = kie.http.get
    statuses = [get("/api/v1/jobs/recordInfo", params=parameters).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]


def test_poll_lag(kie: Client, receiver: Receiver) -> None:
    task_id = kie.create("x [poll lag 0.5]", receiver.url)
    told_at = receiver.wait()[0].at
    record = kie.record(task_id)
    assert (record["state"], record["completeTime"]) == ("waiting", None)
    eventually(lambda: kie.record(task_id)["state"] == "success")
    assert time.time() - told_at > 0.4


def test_result_double(kie: Client) -> None:
    once = json.loads(kie.finished(kie.create("x [result double]"))["resultJson"])
    assert isinstance(once, str)
    assert json.loads(once)["resultUrls"]


def test_result_null(kie: Client, receiver: Receiver) -> None:
    record = kie.finished(kie.create("x [result null]", receiver.url))
    assert record["state"] == "success"
    assert json.loads(record["resultJson"]) == {"resultUrls": None}
    assert receiver.wait()[0].json["data"]["resultJson"] == record["resultJson"]


def test_polls_are_counted(client: Client) -> None:
    task_id = client.create()
    for _ in range(3):
        client.poll(task_id)
    assert client.sim("tasks")[0]["polls"] == 3
