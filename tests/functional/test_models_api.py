"""Models over HTTP: what there is, what it takes, and what is refused before it costs anything."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.functions import LocalContext
from tests.functional.world import KEY, World

ROOT = Path(__file__).parents[2]


def create(world: World, model: str, task_input: dict[str, Any], **more: Any) -> httpx.Response:
    return world.http.post("/v1/tasks", json={"model": model, "input": task_input, **more})


def listed(world: World, **filters: str) -> set[str]:
    answer = world.http.get("/v1/models", params=filters)
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["data"]}


def test_the_list_tells_what_there_is_without_schemas(world: World) -> None:
    body = world.http.get("/v1/models").json()
    assert body["object"] == "list"
    summary = next(one for one in body["data"] if one["id"] == "nano-banana-pro")
    assert summary["object"] == "model"
    assert (summary["family"], summary["kind"], summary["task"]) == (
        "market",
        "image",
        "text_to_image",
    )
    assert summary["tasks"] == ["text_to_image", "image_edit"]
    assert "input_schema" not in summary


@pytest.mark.parametrize(
    ("filters", "among", "not_among"),
    [
        ({}, "luma/modify", "sora-2-text-to-video"),
        ({"kind": "audio"}, "suno/generate", "veo3"),
        ({"family": "veo"}, "veo3/4k", "suno/generate"),
        ({"task": "image_edit"}, "nano-banana-pro", "google/nano-banana"),
        ({"q": "NANO banana"}, "google/nano-banana-edit", "z-image"),
        ({"status": "retired"}, "sora-2-text-to-video", "veo3"),
        ({"kind": "video", "q": "kling", "task": "motion_control"}, "kling-3.0/motion-control", ""),
    ],
)
def test_the_list_can_be_narrowed(
    world: World, filters: dict[str, str], among: str, not_among: str
) -> None:
    found = listed(world, **filters)
    assert among in found
    assert not_among not in found


def test_filters_that_make_no_sense_are_refused(world: World) -> None:
    assert world.http.get("/v1/models", params={"kind": "smell"}).status_code == 422


@pytest.mark.parametrize(
    ("path", "model_id"),
    [
        ("z-image", "z-image"),
        ("google/nano-banana", "google/nano-banana"),
        ("omnihuman-1-5/subject-detection", "omnihuman-1-5/subject-detection"),
        ("4o-image", "gpt4o-image"),
        ("suno/V5", "suno/generate"),
    ],
)
def test_a_model_is_read_by_any_of_its_names(world: World, path: str, model_id: str) -> None:
    answer = world.http.get(f"/v1/models/{path}")
    assert (answer.status_code, answer.json()["id"]) == (200, model_id)


def test_a_slash_may_arrive_encoded(world: World) -> None:
    event = json.loads((ROOT / "events" / "api" / "get_model.json").read_text())
    event["rawPath"] = "/v1/models/google%2Fnano-banana"
    event["headers"]["authorization"] = f"Bearer {KEY}"
    context = LocalContext(world.cloud.stack.functions["ApiFunction"])
    answer = world.functions.handlers()["ApiFunction"](event, context)
    assert (answer["statusCode"], json.loads(answer["body"])["id"]) == (200, "google/nano-banana")


def test_a_model_tells_all_that_is_known(world: World) -> None:
    body = world.http.get("/v1/models/seedream/5-flash-text-to-image").json()
    assert body["input_schema"]["required"] == ["prompt", "aspect_ratio"]
    assert body["typical_seconds"] > 0
    assert body["observed"] is None
    assert body["credits"] == {"text": "3.24 per image", "rule": {"amount": 3.24}}
    assert body["page"] == "https://docs.kie.ai/market/seedream/5-flash-text-to-image"


def test_an_unknown_model_is_answered_with_close_ones(world: World) -> None:
    answer = world.http.get("/v1/models/google/nano-bananna")
    assert answer.status_code == 404
    assert answer.json()["code"] == "model_not_found"
    assert "google/nano-banana" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/google/nano-banana"])
def test_a_copy_that_is_good_is_not_sent_again(world: World, path: str) -> None:
    first = world.http.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    again = world.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = world.http.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/z-image"])
def test_nobody_reads_models_without_a_key(world: World, path: str) -> None:
    answer = httpx.get(f"{world.cloud.url}{path}")
    assert answer.status_code == 401


def test_wrong_inputs_are_refused_by_pointer_and_kie_is_not_asked(world: World) -> None:
    answer = create(world, "google/nano-banana", {"aspect_ratio": "7:1", "promt": "x"})
    assert answer.status_code == 422
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert errors.keys() == {"/input/aspect_ratio", "/input/promt", "/input/prompt"}
    assert "did you mean prompt?" in errors["/input/promt"]
    assert world.creations() == []


def test_wrong_inputs_pass_unchecked_if_the_caller_says_so(world: World) -> None:
    answer = create(world, "google/nano-banana", {"prompt": "x", "new_field": 1}, validate=False)
    assert answer.status_code == 202
    assert answer.json()["input"] == {"prompt": "x", "new_field": 1}


def test_a_retry_sends_what_was_sent_before(world: World) -> None:
    task_input = {"prompt": "[fail 501 no luck]", "new_field": 1}
    first = create(world, "google/nano-banana", task_input, validate=False).json()["id"]
    world.run()
    again = world.http.post(f"/v1/tasks/{first}/retry")
    assert (again.status_code, again.json()["input"]) == (202, task_input)


def test_models_that_nobody_knows_pass_unchecked(world: World) -> None:
    answer = create(world, "google/nano-banana-9", {"anything": 1})
    assert answer.status_code == 202
    assert answer.json()["credits"]["estimated"] is None


def test_a_retired_model_is_refused(world: World) -> None:
    answer = create(world, "sora-2-text-to-video", {"prompt": "x"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/model"
    assert create(world, "sora-2-text-to-video", {}, validate=False).status_code == 202


def test_a_task_shows_its_kind_its_defaults_and_its_price(world: World) -> None:
    body = create(world, "nano-banana-2-lite", {"prompt": "x"}).json()
    assert (body["kind"], body["credits"]["estimated"]) == ("image", 4)
    assert body["input"] == {"prompt": "x", "aspect_ratio": "auto"}
    detection = {"image_url": "https://example.com/a.png"}
    assert create(world, "omnihuman-1-5/subject-detection", detection).json()["kind"] == "data"


def test_a_repeated_request_is_told_by_what_was_sent(world: World) -> None:
    headers = {"Idempotency-Key": "k-models"}
    body = {"model": "z-image", "input": {"prompt": "x"}}
    first = world.http.post("/v1/tasks", json=body, headers=headers).json()
    again = world.http.post("/v1/tasks", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    filled = {"model": "z-image", "input": {"prompt": "x", "aspect_ratio": "1:1"}}
    assert world.http.post("/v1/tasks", json=filled, headers=headers).status_code == 422


def test_a_number_is_sent_as_the_text_that_kie_lists_and_the_task_shows_it(world: World) -> None:
    given = {"prompt": "x", "sound": False, "duration": 5}
    answer = create(world, "kling-2.6/text-to-video", given)
    assert answer.status_code == 202, answer.text
    assert answer.json()["input"] == {**given, "duration": "5", "aspect_ratio": "1:1"}
    assert [one["accepted"] for one in world.creations()] == [True]
    refused = create(world, "kling-2.6/text-to-video", {**given, "duration": 5.5})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/input/duration"]
