"""Results that come only in parts, late, in great numbers, or from where nobody may go."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.story import Story
from tests.functional.world import World

DAY = 86400
CLOCK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
BOTH = ("StoreFunction", "WatchFunction")


def refuse_result(world: World, patch: pytest.MonkeyPatch, name: str) -> None:
    """Let S3 refuse the files of a name."""

    def refusing(call: Callable[..., Any]) -> Callable[..., Any]:
        def put_object(**params: Any) -> Any:
            if params["Key"].endswith(f"/{name}"):
                params["Bucket"] = "no-such-bucket-anywhere"
            return call(**params)

        return put_object

    for function in BOTH:
        s3 = world.gateway(function).clients.s3
        patch.setattr(s3, "put_object", refusing(s3.put_object))


def numbers(outputs: list[dict[str, Any]]) -> list[int]:
    return [output["index"] for output in outputs]


def booked(world: World, task: Story) -> list[tuple[str, float]]:
    """List a task's rows in the ledger, oldest first."""
    rows = world.http.get("/v1/credits/ledger").raise_for_status().json()["data"]
    mine = [row for row in rows if row["task_id"] == task.task_id]
    return [(row["reason"], row["credits"]) for row in mine][::-1]


def open_tasks(world: World) -> int:
    count: int = world.http.get("/v1/credits").json()["open_tasks"]
    return count


def assert_stored_as_recorded(world: World, task: Story) -> None:
    """Assert that the bucket holds the bytes of which the record tells."""
    for output, content in zip(task.read()["outputs"], task.stored_files(), strict=True):
        digest = hashlib.sha256(content).hexdigest()
        assert (output["bytes"], output["sha256"]) == (len(content), digest)


# --- parts ----------------------------------------------------------------------------------------


def test_what_could_be_copied_is_there_at_once_and_the_rest_when_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three pictures were stored, and their owner saw none of them."""
    refuse_result(world, monkeypatch, "1.png")
    task = world.create("a kite [results 3]", deadline_seconds=600)
    world.run_for(3)
    seen = task.read()
    assert (seen["status"], seen["attention"], seen["error"]) == ("storing", None, None)
    assert numbers(seen["outputs"]) == [0, 2]
    [missing] = seen["missing_outputs"]
    assert missing["index"] == 1
    assert "S3 refused the upload" in missing["reason"]
    content = world.http.get(f"/v1/tasks/{task.task_id}/outputs/2/content")
    assert content.status_code == 302

    world.run_for(500)
    seen = task.read()
    assert (seen["status"], seen["attention"]) == ("storing", "storage_failed")
    world.run()
    seen = task.read()
    assert task.end() == ("expired", "webhook", "storage_failed")
    assert numbers(seen["outputs"]) == [0, 2]
    error = seen["error"]
    assert (error["code"], error["category"], error["retryable"]) == (
        "storage_failed",
        "storage",
        True,
    )
    assert task.execution()["error"] == "TaskStalledError"
    # Nothing is charged yet, and nothing released.
    assert booked(world, task) == [("reserve", 4)]

    monkeypatch.undo()
    world.functions.calls.copies.clear()
    assert task.refresh().status_code == 200
    seen = task.read()
    assert (seen["status"], seen["error"], seen["missing_outputs"]) == ("succeeded", None, [])
    assert numbers(seen["outputs"]) == [0, 1, 2]
    # What is missing is copied, and nothing else.
    [copied] = world.functions.calls.copies
    assert copied.endswith("/1.png")
    assert_stored_as_recorded(world, task)
    assert booked(world, task) == [("reserve", 4), ("charge", 4)]
    world.run()
    assert world.messages.take_dead_letters() == []
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


def test_a_night_without_the_file_host_is_waited_for(world: World) -> None:
    """Kie's file host was away for hours, and after seven minutes nobody asked it any more."""
    task = world.create("a kite [file 503 x16]")
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    told = [entry["type"] for entry in task.timeline()]
    assert told.count("storing_failed") >= 10
    assert_stored_as_recorded(world, task)
    assert task.execution()["status"] == "SUCCEEDED"
    assert world.messages.take_dead_letters() == []


def test_a_day_of_attempts_stays_far_below_what_an_execution_may_remember(world: World) -> None:
    """An execution ends by itself at 25,000 events (Step Functions, service quotas)."""
    task = world.create("a kite [file gone]", deadline_seconds=7 * DAY)
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    # Nine events for each wait, step and choice.
    assert len(task.states()) * 3 < 400
    *_, last = task.told()
    assert float(last.split()[0]) == pytest.approx(DAY, abs=10)


# --- places ---------------------------------------------------------------------------------------


def test_a_host_that_nobody_listed_ends_the_copy_and_is_named(world: World) -> None:
    task = world.create("a kite [result hosts]")
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    seen = task.read()
    assert seen["error"]["code"] == "storage_failed"
    assert "is not a listed result host" in seen["error"]["message"]
    assert numbers(seen["missing_outputs"]) == [0]
    told = [entry["type"] for entry in task.timeline()]
    assert told.count("storing_started") == 1
    [named] = [one for one in task.timeline() if one["type"] == "host_not_listed"]
    assert named["facts"]["hosts"] in named["message"]
    assert "/" not in named["facts"]["hosts"]


def test_a_file_larger_than_allowed_is_fetched_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function in BOTH:
        monkeypatch.setattr(world.gateway(function).store.files, "_max_bytes", 1000)
    task = world.create("a kite")
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    assert [entry["type"] for entry in task.timeline()].count("storing_started") == 1
    monkeypatch.undo()
    task.refresh()
    assert task.end() == ("succeeded", "webhook", None)


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dial", "rows"),
    [
        ("", [("reserve", 4), ("release", 4), ("late_success", 4)]),
        # There is something to show for it, so it is paid for.
        ("[results 3]", [("reserve", 4), ("charge", 4)]),
    ],
)
def test_credits_of_what_cannot_be_copied_are_settled_by_what_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch, dial: str, rows: list[tuple[str, float]]
) -> None:
    """Kie.ai was paid, and its file host never gave the rest; the sweep tries one last time."""
    before = open_tasks(world)
    refuse_result(world, monkeypatch, "0.png")
    task = world.create(f"a kite {dial}", deadline_seconds=100)
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    assert (open_tasks(world), booked(world, task)) == (before, rows[:1])
    attempts = [entry["type"] for entry in task.timeline()].count("storing_started")
    world.run_for(DAY)
    world.cloud.invoke("SweepFunction", CLOCK)
    world.settle_down()
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    assert [entry["type"] for entry in task.timeline()].count("storing_started") > attempts
    assert (open_tasks(world), booked(world, task)) == (before, rows[:2])
    monkeypatch.undo()
    task.refresh()
    assert task.end() == ("succeeded", "webhook", None)
    assert booked(world, task) == rows


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how_many", [40, 120, pytest.param(300, marks=pytest.mark.long)])
def test_many_results_are_all_stored(world: World, how_many: int) -> None:
    """A transaction takes a hundred items, and more results than that could never be recorded."""
    task = world.create(f"a kite [results {how_many}]")
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    seen = task.read()
    assert numbers(seen["outputs"]) == list(range(how_many))
    assert seen["missing_outputs"] == []
    told = [entry["type"] for entry in task.timeline()]
    assert (told.count("stored"), told.count("storing_started")) == (how_many, 1)
    assert world.messages.take_dead_letters() == []


@pytest.mark.long
def test_more_results_than_a_task_keeps_are_told_of(world: World) -> None:
    task = world.create("a kite [results 304]")
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    seen = task.read()
    assert len(seen["outputs"]) == 300
    [missing] = seen["missing_outputs"]
    assert missing["index"] == 300
    assert "4 results more than the 300" in missing["reason"]
    assert missing["reason"] in task.timeline()[-1]["message"]


# --- two copies at once ---------------------------------------------------------------------------


def test_a_copy_that_slept_too_long_writes_over_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had read its file and was frozen; when it woke up, another had stored and settled."""
    s3 = world.gateway("StoreFunction").clients.s3
    put_object = s3.put_object
    slept: list[str] = []

    def sleeping(**params: Any) -> Any:
        if params["Key"].startswith("outputs/") and not slept:
            slept.append(params["Key"])
            world.agenda.sleep(46)
            watch = world.gateway("WatchFunction")
            watch.store(watch.tasks.get(params["Key"].split("/")[2]))
            params["Body"] = b"\x89PNG\r\n\x1a\nother bytes of the same picture"
        return put_object(**params)

    monkeypatch.setattr(s3, "put_object", sleeping)
    task = world.create("a kite")
    world.run()
    assert len(slept) == 1
    assert task.end() == ("succeeded", "webhook", None)
    told = [entry["type"] for entry in task.timeline()]
    assert (told.count("storing_started"), told.count("succeeded")) == (2, 1)
    assert_stored_as_recorded(world, task)
