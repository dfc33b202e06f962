"""Deleted is deleted: whatever was under way, nothing of the task is left or comes back."""

from itertools import count
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.functional.faults import Trouble, fault
from tests.functional.functions import dies_after
from tests.functional.story import Story
from tests.functional.test_unwatched import CLOCK, DAY, EVERY_TROUBLE, strike
from tests.functional.world import MODEL, OWNER, World

PROMPT = "a kite of one's own"
LONG = 1300


def delete(world: World, task: Story) -> int:
    status = world.http.delete(f"/v1/tasks/{task.task_id}").status_code
    world.settle_down()
    return status


def left(world: World, task: Story) -> list[str]:
    """Name every object that has to do with a task, wherever it lies."""
    return [key for key in world.objects("") if task.task_id in key]


def assert_gone(world: World, task: Story) -> None:
    """Neither files nor prompt are there once everybody who was at work must have ended."""
    world.run_for(LONG)
    strike(world, 1)
    assert left(world, task) == []
    record = world.gateway("ApiFunction").tasks.get(task.task_id)
    assert PROMPT not in repr(record)
    assert world.http.get(f"/v1/tasks/{task.task_id}").status_code == 404
    assert (record.is_swept, record.sweep_at) == (False, None)
    assert delete(world, task) == 404


@EVERY_TROUBLE
def test_a_deletion_in_trouble_is_finished(world: World, trouble: Trouble) -> None:
    """Its function was killed in the middle; a later call, or nobody at all, went on with it."""
    for number in count(1):
        task = world.create(PROMPT)
        world.run()
        assert len(left(world, task)) >= 2
        with fault(world, "ApiFunction", trouble, number) as planned:
            status = delete(world, task)
        if status != 204 and delete(world, task) == 404:
            # The first call had done it, and could not say so.
            status = 204
        assert world.http.get(f"/v1/tasks/{task.task_id}").status_code == 404
        assert_gone(world, task)
        if not planned.has_struck:
            assert (status, number > 8) == (204, True)
            return


class Meanwhile:
    """Takes the place of S3's PutObject, and deletes the task before the nth call of it."""

    def __init__(
        self, world: World, task: Story, call: Any, number: int, *, is_killed: bool
    ) -> None:
        self.answers: list[int] = []
        self._world, self._task, self._call = world, task, call
        self._left, self._is_killed = number, is_killed

    def __call__(self, **params: Any) -> Any:
        self._left -= 1
        if self._left:
            return self._call(**params)
        answer = self._world.http.delete(f"/v1/tasks/{self._task.task_id}")
        self.answers.append(answer.status_code)
        act = dies_after(self._call) if self._is_killed else self._call
        return act(**params)


@pytest.mark.parametrize("function", ["CallbackFunction", "StoreFunction", "WatchFunction"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_a_deletion_while_others_are_at_work_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, function: str, is_killed: bool
) -> None:
    """A webhook's body, an answer or a file was written a moment after all had been removed."""
    prompt = f"{PROMPT} [webhook lost]" if function == "WatchFunction" else PROMPT
    for number in count(1):
        task = world.create(prompt)
        with monkeypatch.context() as patch:
            s3 = world.gateway(function).clients.s3
            meanwhile = Meanwhile(world, task, s3.put_object, number, is_killed=is_killed)
            patch.setattr(s3, "put_object", meanwhile)
            world.run()
        deleted = meanwhile.answers
        if not deleted:
            assert number > 1
            return
        assert deleted == [204]
        assert_gone(world, task)
        assert world.gateway("ApiFunction").tasks.get(task.task_id).status in (
            "canceled",
            "succeeded",
        )


def test_a_deleted_expired_task_stays_deleted_and_is_charged_for_what_kie_made(
    world: World,
) -> None:
    """A day later it succeeded, with outputs that nobody could see and its prompt in an archive."""
    task = world.create(f"{PROMPT} [slow 100] [webhook late 400]", deadline_seconds=60)
    world.run_for(70)
    assert task.end()[0] == "expired"
    assert delete(world, task) == 204
    world.run_for(DAY + 100)
    world.cloud.invoke("SweepFunction", CLOCK)
    world.run()
    record = world.gateway("ApiFunction").tasks.get(task.task_id)
    assert (record.status, record.outputs, record.sources) == ("expired", (), ())
    assert (record.reservation.fate, record.credits_charged) == ("charged", 4.0)
    assert_gone(world, task)


def test_a_redriven_execution_of_a_deleted_expired_task_asks_nobody(world: World) -> None:
    task = world.create(f"{PROMPT} [slow 100] [webhook lost]", deadline_seconds=60)
    world.run_for(70)
    delete(world, task)
    world.functions.calls.clear()
    watch = task.watch_anew()
    world.run()
    assert task.execution(watch)["status"] == "SUCCEEDED"
    assert world.functions.calls.kie == []
    assert left(world, task) == []


def test_a_bucket_that_does_not_answer_holds_up_no_deletion(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world.create(PROMPT)
    world.run()

    def refuse(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://aws.invalid")

    with monkeypatch.context() as patch:
        patch.setattr(world.gateway("ApiFunction").clients.s3, "delete_objects", refuse)
        assert delete(world, task) == 204
    assert left(world, task) != []
    assert_gone(world, task)


def test_links_that_kie_is_given_are_archived_without_their_signatures(world: World) -> None:
    """Kie.ai quotes the whole request in its answers; who reads the archive had the input."""
    name = "upload_01h00000000000000000000000.png"
    bucket = world.cloud.resources["AssetBucket"]
    world.s3.put_object(Bucket=bucket, Key=f"uploads/{OWNER}/{name}", Body=b"\x89PNG\r\n\x1a\n")
    body = {
        "model": "google/nano-banana-edit",
        "input": {"prompt": "a kite", "image_urls": [f"kg-upload://{name}"]},
    }
    for prompt in ("a kite", "a kite [webhook lost]"):
        body["input"]["prompt"] = prompt  # type: ignore[index]
        created = world.http.post("/v1/tasks", json=body)
        assert created.status_code == 202, created.text
        task = Story(world, created.json()["id"], world.agenda.time())
        world.run()
        assert task.read()["status"] == "succeeded"
        keys = [key for key in left(world, task) if key.startswith(("webhooks/", "answers/"))]
        assert keys
        for key in keys:
            kept = world.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            assert name in kept, "Kie.ai did not quote it"
            assert "X-Amz-Signature=[hidden]" in kept
            assert "X-Amz-Credential=[hidden]" in kept
    assert body["model"] != MODEL
