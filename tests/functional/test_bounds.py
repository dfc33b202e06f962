"""Whatever comes in, from callers or from Kie.ai, the record stays small and can be written."""

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.functional.story import Story
from tests.functional.world import MODEL, World

# What a move writes anew each time; inputs, results and words of Kie's are bounded one by one.
SMALL_ITEM_BYTES = 12_000


def item_bytes(world: World, task: Story) -> int:
    item = world.dynamodb.get_item(**world.record_key(task), ConsistentRead=True)["Item"]
    return len(json.dumps(item, ensure_ascii=False).encode())


def create(world: World, task_input: dict[str, Any]) -> Story:
    created_at = world.agenda.time()
    body = {"model": MODEL, "validate": False, "input": task_input}
    text = json.dumps(body).replace("1000000000000000.0", "1e15")
    answer = world.http.post("/v1/tasks", content=text)
    assert answer.status_code == 202, answer.text
    assert answer.json()["input"] == task_input
    world.settle_down()
    return Story(world, answer.json()["id"], created_at)


def what_kie_repeats(world: World, task: Story) -> str:
    """Read what Kie.ai was sent, which it repeats with its verdict."""
    bucket = world.cloud.resources["AssetBucket"]
    [key] = world.objects(f"webhooks/{task.task_id}/") or world.objects(f"answers/{task.task_id}/")
    body: bytes = world.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body.decode()


def test_numbers_that_grow_in_the_record_do_not_fill_it(world: World) -> None:
    """Kie.ai was paid for a task that no later move fitted beside: 1e15 is stored in 18 bytes."""
    numbers = [1e15] * 20_000
    task = create(world, {"prompt": "a kite", "x": numbers})
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    assert task.read()["input"] == {"prompt": "a kite", "x": numbers}
    assert item_bytes(world, task) < SMALL_ITEM_BYTES


@pytest.mark.parametrize("prompt", ["a kite", "a kite [webhook lost] [create 429 x1]"])
def test_large_inputs_are_paid_for_once_and_not_by_every_move(world: World, prompt: str) -> None:
    """A picture sent along was rewritten by each of five moves; whoever sends it needs it whole."""
    picture = f"data:image/png;base64,{b64encode(bytes(range(256)) * 600).decode()}"
    task_input = {"prompt": prompt, "image_urls": [picture], "x": "y" * 45_000}
    task = create(world, task_input)
    assert item_bytes(world, task) < SMALL_ITEM_BYTES
    world.run()
    assert task.end()[0] == "succeeded"
    assert item_bytes(world, task) < SMALL_ITEM_BYTES
    assert "y" * 45_000 in what_kie_repeats(world, task)
    whole = task.read()
    assert (whole["input"], whole["input_truncated"]) == (task_input, False)
    [listed] = world.http.get("/v1/tasks", params={"limit": 1}).json()["data"]
    assert listed["input_truncated"] is True
    assert listed["input"]["prompt"] == prompt
    assert len(json.dumps(listed)) < SMALL_ITEM_BYTES


def test_a_large_input_is_retried_whole(world: World) -> None:
    task_input = {"prompt": "a kite [fail]", "x": "y" * 100_000}
    failed = create(world, task_input)
    world.run()
    answer = world.http.post(f"/v1/tasks/{failed.task_id}/retry")
    assert answer.status_code == 202, answer.text
    assert answer.json()["input"] == task_input


def test_a_large_input_goes_with_its_task(world: World) -> None:
    task = create(world, {"prompt": "a kite", "x": "y" * 100_000})
    world.run()
    folder = f"inputs/alice/{task.task_id}/"
    assert world.objects(folder) == [f"{folder}input.json"]
    assert world.http.delete(f"/v1/tasks/{task.task_id}").status_code == 204
    assert world.objects(folder) == []


def test_a_refused_creation_leaves_no_input_behind(world: World) -> None:
    before = world.objects("inputs/")
    world.http.post("/v1/tasks", json={"model": MODEL, "input": {"prompt": "a"}}, headers=KEYED)
    body = {"model": MODEL, "validate": False, "input": {"prompt": "a", "x": "y" * 100_000}}
    answer = world.http.post("/v1/tasks", json=body, headers=KEYED)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert world.objects("inputs/") == before


KEYED = {"Idempotency-Key": "one-order"}


def test_an_input_that_cannot_be_read_now_is_sent_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = world.gateway("ApiFunction").clients.s3

    def get_object(**_: Any) -> Any:
        raise s3.exceptions.ClientError({"Error": {"Code": "SlowDown"}}, "GetObject")

    with monkeypatch.context() as patch:
        patch.setattr(s3, "get_object", get_object)
        created_at = world.agenda.time()
        body = {"model": MODEL, "validate": False, "input": {"prompt": "a kite", "x": "y" * 50_000}}
        answer = world.http.post("/v1/tasks", json=body).json()
    assert (answer["status"], answer["input_truncated"]) == ("queued", True)
    task = Story(world, answer["id"], created_at)
    world.run()
    assert task.end()[0] == "succeeded"
    assert task.accepted_creations() == 1


# --- What Kie.ai says -------------------------------------------------------------------------


def half_characters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Kie.ai write half a character wherever it says HALF."""
    for line in world.functions.lines.values():
        monkeypatch.setattr(line, "handle_request", spelling_halves(line.handle_request))
    app = world.functions.app("CallbackFunction")
    today = app.lambda_handler

    def handler(event: dict[str, Any], context: Any) -> Any:
        return today({**event, "body": event["body"].replace("HALF", "\\ud83d")}, context)

    monkeypatch.setattr(app, "lambda_handler", handler)


def spelling_halves(ask: Any) -> Any:
    def handle_request(request: httpx.Request) -> httpx.Response:
        response = ask(request)
        body = response.read().replace(b"HALF", b"\\ud83d")
        headers = {"Content-Type": response.headers.get("Content-Type", "application/json")}
        return httpx.Response(response.status_code, headers=headers, content=body)

    return handle_request


@pytest.mark.parametrize("dials", ["", " [webhook lost]", " [slow 500]"])
def test_half_a_character_in_kies_words_is_no_reason_to_run_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, dials: str
) -> None:
    """A lone surrogate made every move fail: running past the deadline, nothing on the timeline."""
    half_characters(world, monkeypatch)
    task = world.create(f"a kite{dials} [fail 400 not HALF a kite]", deadline_seconds=300)
    if "slow" in dials:
        world.run_for(301)
        assert task.end()[0] == "expired"
    world.run()
    assert task.end()[0] == "failed"
    assert task.read()["error"]["message"] == "not \ufffd a kite"
    assert "not \ufffd a kite" in task.timeline()[-1]["message"]


def test_a_change_that_the_table_never_takes_ends_the_task_for_a_person_to_see(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any lasting refusal of a write left a task without an end."""
    refuse_verdicts(world, monkeypatch)
    task = world.create("a kite [webhook lost] [slow 30]", deadline_seconds=600)
    world.run_for(601)
    assert task.end() == ("expired", None, "stalled")
    assert "cannot be recorded" in task.timeline()[-1]["message"]
    execution = task.last_execution()
    assert (execution["status"], execution["error"]) == ("FAILED", "TaskStalledError")
    refused = task.refresh()
    assert (refused.status_code, refused.json()["code"]) == (503, "record_refused")
    monkeypatch.undo()
    assert task.refresh().status_code == 200
    world.run()
    assert task.end() == ("succeeded", "refresh", None)
    assert task.accepted_creations() == 1


def refuse_verdicts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the table refuse every write that names results, as it does one that is too large."""
    for name in ("ApiFunction", "WatchFunction"):
        client = world.gateway(name).clients.dynamodb
        today = client.transact_write_items

        def write(client: Any = client, today: Any = today, **arguments: Any) -> Any:
            if ":sources" in json.dumps(arguments["TransactItems"], default=str):
                message = "Item size to update has exceeded the maximum allowed size"
                raise client.exceptions.TransactionCanceledException(
                    {
                        "Error": {"Code": "TransactionCanceledException", "Message": message},
                        "CancellationReasons": [{"Code": "ValidationError", "Message": message}],
                    },
                    "TransactWriteItems",
                )
            return today(**arguments)

        monkeypatch.setattr(client, "transact_write_items", write)
