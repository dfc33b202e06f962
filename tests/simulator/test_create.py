"""What createTask accepts, refuses and answers."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from simulator.models import models
from simulator.server import KieSimulator
from tests.simulator.support import Client, Receiver

CREATE = "/api/v1/jobs/createTask"


def test_an_accepted_creation_names_the_task_twice(kie: Client) -> None:
    response = kie.post("a red kite")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["code"], answer["msg"]) == (200, "success")
    assert re.fullmatch(r"[0-9a-f]{32}", answer["data"]["taskId"])
    assert answer["data"]["recordId"] == answer["data"]["taskId"]


def test_an_answer_is_one_piece_with_its_length(kie: Client) -> None:
    response = kie.post("a red kite")
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert "Transfer-Encoding" not in response.headers


def test_a_connection_is_used_again(sim: KieSimulator) -> None:
    ports = set()
    with httpx.Client(verify=False) as http:
        for _ in range(3):
            response = http.get(f"{sim.base_url}/sim/tasks")
            stream = response.extensions["network_stream"]
            ports.add(stream.get_extra_info("client_addr"))
    assert len(ports) == 1


def test_every_key_is_good_when_none_is_set(sim: KieSimulator) -> None:
    with Client(sim.base_url, key="whatever") as client:
        assert client.poll("x")["code"] == 422


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "right", "Basic right"])
def test_a_wrong_key_is_code_401_in_http_200(authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    with KieSimulator(port=0, api_key="right") as sim:
        body = {"model": "z-image", "input": {"prompt": "x"}}
        response = httpx.post(f"{sim.base_url}{CREATE}", headers=headers, json=body)
        credit = httpx.get(f"{sim.base_url}/api/v1/chat/credit", headers=headers)
        creations = httpx.get(f"{sim.base_url}/sim/creations").json()
    for answer in (response, credit):
        assert (answer.status_code, answer.json()["code"]) == (200, 401)
    assert [(c["code"], c["accepted"]) for c in creations] == [(401, False)]


def test_the_right_key_is_accepted() -> None:
    with KieSimulator(port=0, api_key="right") as sim, Client(sim.base_url, key="right") as client:
        assert client.create()


def test_a_body_of_another_type_is_code_401(kie: Client) -> None:
    headers = {"Content-Type": "text/plain"}
    assert kie.http.post(CREATE, content="{}", headers=headers).json()["code"] == 401


def test_an_unknown_model_is_code_422(kie: Client) -> None:
    for model in ("nobody/knows", "", "sora-2-text-to-video", "Google/Nano-Banana"):
        answer = kie.post("x", model=model).json()
        assert answer["code"] == 422
        assert "not supported" in answer["msg"]


@pytest.mark.parametrize("given", [{}, {"prompt": ""}, {"prompt": "  "}, {"prompt": 5}, None, "x"])
def test_a_missing_prompt_is_code_500(client: Client, given: object) -> None:
    body = {"model": "google/nano-banana"} | ({"input": given} if given is not None else {})
    answer = client.http.post(CREATE, json=body).json()
    assert (answer["code"], answer["msg"]) == (500, "This field is required")
    assert client.sim("tasks") == []


def test_a_long_prompt_is_code_500(kie: Client) -> None:
    assert kie.post("x" * 5000).json()["code"] == 200
    answer = kie.post("x" * 5001).json()
    assert answer["code"] == 500
    assert "text length cannot exceed" in answer["msg"]


def test_speech_needs_text_and_some_models_need_no_words(kie: Client) -> None:
    speech = {"model": "elevenlabs/text-to-speech-turbo-2-5", "input": {"text": "hello"}}
    cutout = {"model": "recraft/remove-background", "input": {"image": "https://a.test/b.png"}}
    for body in (speech, cutout):
        assert kie.http.post(CREATE, json=body).json()["code"] == 200
    del speech["input"]["text"]  # type: ignore[attr-defined]
    assert kie.http.post(CREATE, json=speech).json()["code"] == 500


def test_the_table_of_models_is_in_order() -> None:
    assert len(models()) > 140
    assert {"image", "video", "audio"} <= {model.makes for model in models().values()}
    assert {model.per for model in models().values()} == {"task", "image", "second"}


def test_more_than_20_creations_in_10_seconds_are_refused_and_cost_nothing() -> None:
    with KieSimulator(port=0, credits=1000) as sim, Client(sim.base_url) as client:
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda n: client.post(f"{n}").json(), range(30)))
        assert sorted(a["code"] for a in answers) == [200] * 20 + [429] * 10
        assert client.credits() == 1000 - 20 * 4
        assert len(client.sim("tasks")) == 20
        assert sum(not creation["accepted"] for creation in client.sim("creations")) == 10


def test_credits_are_held_at_once_and_given_back_at_failure(client: Client) -> None:
    before = client.credits()
    good, bad = client.create(), client.create("x [fail]")
    assert client.credits() == before - 8
    assert client.finished(good)["creditsConsumed"] == 4
    assert client.finished(bad)["creditsConsumed"] == 0
    assert client.credits() == before - 4


def test_an_empty_purse_is_code_402() -> None:
    with KieSimulator(port=0, credits=5) as sim, Client(sim.base_url) as client:
        assert [client.post("x").json()["code"] for _ in range(2)] == [200, 402]
        assert client.credits() == 1


def test_a_purse_can_be_filled_and_emptied(kie: Client) -> None:
    before = kie.credits()
    assert kie.http.put("/sim/credits", json={"credits": 0}).json() == {"credits": 0}
    assert (kie.credits(), kie.post("a red kite").json()["code"]) == (0, 402)
    kie.http.put("/sim/credits", json={"credits": 4.5})
    assert kie.sim("credits") == {"credits": 4.5}
    kie.create()
    assert kie.credits() == 0.5
    wrongs: tuple[Any, ...] = ({"credits": -1}, {"credits": "9"}, {"credits": True}, {}, None)
    for wrong in wrongs:
        assert kie.http.put("/sim/credits", json=wrong).status_code == 422
    kie.http.put("/sim/credits", json={"credits": before})


@pytest.mark.parametrize("code", [429, 455])
def test_create_refused_once_per_callback_url(client: Client, code: int) -> None:
    prompt = f"x [create {code}]"
    for url in ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"):
        assert [client.post(prompt, url).json()["code"] for _ in range(2)] == [code, 200]
    reasons = [c["code"] for c in client.sim("creations")]
    assert reasons == [code, 200, code, 200]


def test_create_refused_three_times(kie: Client) -> None:
    codes = [kie.post("x [create 429 x3]").json()["code"] for _ in range(5)]
    assert codes == [429, 429, 429, 200, 200]


def test_create_402_is_refused_for_good(client: Client) -> None:
    before = client.credits()
    assert [client.post("x [create 402]").json()["code"] for _ in range(3)] == [402] * 3
    assert (client.credits(), client.sim("tasks")) == (before, [])


def test_create_500_is_accepted_behind_an_html_error(client: Client, receiver: Receiver) -> None:
    response = client.post("x [create 500]", receiver.url)
    assert response.status_code == 500
    assert "html" in response.headers["Content-Type"]
    assert receiver.wait()[0].json["data"]["taskId"] == client.sim("tasks")[0]["taskId"]


def test_create_500_code_is_accepted_behind_an_exception(client: Client) -> None:
    response = client.post("x [create 500 code]")
    assert (response.status_code, response.json()["code"]) == (200, 500)
    assert len(client.sim("tasks")) == 1


def test_create_drop_is_accepted_without_an_answer(client: Client, receiver: Receiver) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("x [create drop]", receiver.url)
    receiver.wait()
    assert len(client.sim("tasks")) == 1


def test_create_slow_is_accepted_at_once_and_answered_late(kie: Client, receiver: Receiver) -> None:
    started = time.time()
    kie.create("x [create slow 1]", receiver.url)
    assert time.time() - started >= 1
    assert receiver.webhooks[0].at < started + 0.9


def test_a_hundred_callers_at_once() -> None:
    with (
        KieSimulator(port=0, seconds=0.1, create_limit=0) as sim,
        Client(sim.base_url) as client,
        ThreadPoolExecutor(100) as pool,
    ):
        tasks = list(pool.map(lambda n: client.create(f"{n}"), range(100)))
        records = list(pool.map(client.finished, tasks))
    assert {record["state"] for record in records} == {"success"}
    assert len(set(tasks)) == 100
