"""Veo: what it accepts, and upgrades whose codes say something else than they mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.support import WEB, Client, Receiver, eventually

MAKE = "/api/v1/veo/generate"
ASK = "/api/v1/veo/record-info"
HD = "/api/v1/veo/get-1080p-video"
UHD = "/api/v1/veo/get-4k-video"
CLIP: dict[str, Any] = {"prompt": "a kite", "duration": 4}


def film(kie: Client, dial: str = "", **more: Any) -> str:
    task_id = kie.start(MAKE, {**CLIP, "prompt": f"a kite {dial}", **more})
    kie.watch(ASK, task_id, "successFlag", {1})
    return task_id


def hd(kie: Client, task_id: str) -> Any:
    return kie.http.get(HD, params={"taskId": task_id, "index": 0}).json()


def uhd(kie: Client, task_id: str, url: str = "") -> Any:
    body = {"taskId": task_id, "index": 0} | ({"callBackUrl": url} if url else {})
    return kie.http.post(UHD, json=body).json()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Please enter prompt."),
        ({"prompt": "x", "model": "veo4"}, "Invalid model"),
        ({"prompt": "x", "aspect_ratio": "4:3"}, "Ratio error"),
        ({"prompt": "x", "aspectRatio": "4:3"}, "Ratio error"),
        ({"prompt": "x", "duration": "8"}, "duration"),
        ({"prompt": "x", "seeds": 1}, "seeds"),
        ({"prompt": "x", "imageUrls": ["https://a.test/a.png"] * 3}, "imageUrls"),
        ({"prompt": "x", "generationType": "REFERENCE_2_VIDEO"}, "REFERENCE_2_VIDEO"),
    ],
)
def test_what_is_refused(kie: Client, body: dict[str, Any], words: str) -> None:
    code, message = kie.refusal(MAKE, body)
    assert code == 422
    assert words in message


def test_a_film_in_its_own_ratio_has_no_origin(kie: Client) -> None:
    response = kie.ask(ASK, film(kie))["response"]
    assert (len(response["resultUrls"]), response["originUrls"]) == (1, None)
    response = kie.ask(ASK, film(kie, aspect_ratio="9:16"))["response"]
    assert (len(response["resultUrls"]), len(response["originUrls"])) == (1, 1)


def test_records_as_they_were_recorded(kie: Client) -> None:
    record = kie.ask(ASK, film(kie, "[fields live]", seeds=54321))
    assert isinstance(record["completeTime"], int)
    assert set(record["response"]) == {
        *("taskId", "resultUrls", "full_result_urls", "hasAudioList", "seeds", "resolution"),
    }
    assert record["response"]["seeds"] == [54321]


def test_links_at_the_top_as_a_string(kie: Client) -> None:
    record = kie.ask(ASK, film(kie, "[result top]"))
    assert set(record) == {"taskId", "successFlag", "resultUrls"}
    assert record["resultUrls"].startswith('["http')


def test_a_film_is_made_longer(kie: Client) -> None:
    body = {"taskId": film(kie), "prompt": "more", "model": "lite"}
    longer = kie.start("/api/v1/veo/extend", body)
    record = kie.watch(ASK, longer, "successFlag", {1})[-1]
    assert len(record["response"]["fullResultUrls"]) == 1
    assert record["response"]["fullResultUrls"] != record["response"]["resultUrls"]
    code, _ = kie.refusal("/api/v1/veo/extend", {**body, "taskId": "nobody"})
    assert code == 422


def test_1080p_is_code_500_until_it_is_there(kie: Client) -> None:
    task_id = film(kie, "[then slow 0.3]")
    before = kie.credits()
    first = hd(kie, task_id)
    assert (first["code"], first["msg"], first["data"]) == (500, "1080P is still processing", None)
    eventually(lambda: hd(kie, task_id)["code"] == 200)
    link = hd(kie, task_id)["data"]["resultUrl"]
    assert WEB.get(link).content[4:8] == b"ftyp"
    assert before - kie.credits() == 5
    refused = kie.refusal("/api/v1/veo/extend", {"taskId": task_id, "prompt": "more"})
    assert refused[0] == 422


def test_4k_is_code_422_while_it_is_made_and_when_it_is_there(
    kie: Client, post: Receiver, name: str
) -> None:
    task_id = film(kie, "[then slow 0.3]")
    nothing = {"taskId": task_id, "resultUrls": None, "imageUrls": None}
    first = uhd(kie, task_id, post.at(name))
    assert (first["code"], first["data"]) == (200, nothing)
    second = uhd(kie, task_id)
    assert (second["code"], second["msg"], second["data"]) == (422, "4k is processing", nothing)
    eventually(lambda: uhd(kie, task_id)["data"]["resultUrls"])
    last = uhd(kie, task_id)
    assert last["code"] == 422
    assert set(last["data"]) == {"taskId", "resultUrls", "imageUrls"}
    [webhook] = post.under(name)
    assert webhook["data"]["taskId"] == task_id
    assert webhook["data"]["info"]["resultUrls"] == last["data"]["resultUrls"]
    picture = WEB.get(last["data"]["imageUrls"][0])
    assert picture.headers["Content-Type"] == "image/jpeg"


def test_an_upgrade_is_not_found_as_a_task(kie: Client) -> None:
    task_id = film(kie)
    hd(kie, task_id)
    assert kie.ask(ASK, f"{task_id}.1080p-0") is None
    assert kie.ask(ASK, task_id)["successFlag"] == 1


@pytest.mark.parametrize("ask", [hd, uhd])
def test_what_can_not_be_upgraded(kie: Client, ask: Any) -> None:
    for task_id in ("nobody", film(kie, "[fallback]"), kie.start(MAKE, {"prompt": "x [never]"})):
        answer = ask(kie, task_id)
        assert (answer["code"], answer["data"]) == (422, None)


def test_upgrades_that_fail(kie: Client, post: Receiver, name: str) -> None:
    task_id = film(kie, "[then fail]")
    hd(kie, task_id)
    eventually(lambda: hd(kie, task_id)["code"] == 501)
    uhd(kie, task_id, post.at(name))
    [webhook] = post.under(name)
    assert (webhook["code"], set(webhook["data"])) == (500, {"taskId"})


def test_the_fallback_is_told(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.start(MAKE, {"prompt": "x [fallback]"}, post.at(name))
    assert post.under(name)[0]["data"]["fallbackFlag"] is True
    assert kie.ask(ASK, task_id)["fallbackFlag"] is True


def test_lists_of_links_as_strings(kie: Client, post: Receiver, name: str) -> None:
    body = {"prompt": "x [webhook strings]", "aspect_ratio": "9:16"}
    task_id = kie.start(MAKE, body, post.at(name))
    info = post.under(name)[0]["data"]["info"]
    assert info["resultUrls"].startswith('["http')
    assert info["originUrls"].startswith('["http')
    assert isinstance(kie.ask(ASK, task_id)["response"]["resultUrls"], list)
