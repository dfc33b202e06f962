"""From the record to what callers see."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.ports.tasks import Page
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.web.cursor import TASKS
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.tasks.presenters import etag, event_schema, retry_after_seconds, task_schema
from kie_gateway.web.tasks.responses import TaskResponses
from tests.makers import (
    NOW,
    RESULT_URL,
    TASK_ID,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
)

BASE = "https://gateway.test"
DEADLINE = NOW + seconds(3600)
OUTPUT = Output(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", RESULT_URL, 7, 8)
DONE = storing_task(
    status=Status.SUCCEEDED,
    outputs=(OUTPUT, replace(OUTPUT, index=1, key="outputs/alice/x/1.png")),
    completed_by=CompletedBy.WEBHOOK,
    credits_charged=Decimal(4),
    submitted_at=NOW + seconds(1),
    upstream_completed_at=NOW + seconds(30),
    completed_at=NOW + seconds(31.5),
)


def link(output: Output) -> str:
    return f"https://bucket.test/{output.key}?signed"


def permalink(task: Task, output: Output) -> str:
    return f"{BASE}/files/{task.task_id}/{output.index}/signed"


LINKS = OutputLinks(link, permalink)


def body(task: Task, now: datetime = NOW) -> dict[str, Any]:
    """The JSON that a caller reads."""
    presented = task_schema(task, descendants={}, base_url=BASE, links=LINKS, now=now)
    parsed: dict[str, Any] = json.loads(presented.model_dump_json())
    return parsed


def test_a_new_task_shows_what_was_asked_for_and_where_to_go_on() -> None:
    shown = body(make_task(metadata={"user": "42"}, parent_id="task_p", retry_of="task_r"))
    assert shown["object"] == "task"
    assert (shown["id"], shown["status"], shown["attention"]) == (TASK_ID, "queued", None)
    assert (shown["model"], shown["family"], shown["kind"]) == (
        ("google/nano-banana", "market", "image")
    )
    assert (shown["input"], shown["metadata"]) == ({"prompt": "a red kite"}, {"user": "42"})
    assert (shown["parent_id"], shown["retry_of"], shown["batch_id"]) == ("task_p", "task_r", None)
    assert (shown["outputs"], shown["error"], shown["completed_by"]) == ([], None, None)
    assert (shown["created_at"], shown["deadline_at"]) == (
        ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z")
    )
    own = f"{BASE}/v1/tasks/{TASK_ID}"
    assert shown["urls"] == {
        "self": own,
        "cancel": f"{own}/cancel",
        "refresh": f"{own}/refresh",
        "events": f"{own}/events",
    }


def test_a_finished_task_shows_its_files_by_our_links_only() -> None:
    shown = body(DONE)
    assert (shown["status"], shown["completed_by"]) == ("succeeded", "webhook")
    assert shown["upstream"]["task_id"] == UPSTREAM_ID
    assert shown["credits"]["charged"] == 4.0
    first, second = shown["outputs"]
    assert {name: first[name] for name in ("index", "media", "content_type", "bytes")} == {
        "index": 0,
        "media": "image",
        "content_type": "image/png",
        "bytes": 10,
    }
    assert (first["sha256"], first["width"], first["height"]) == ("ab", 7, 8)
    assert first["url"] == "https://bucket.test/outputs/alice/x/0.png?signed"
    assert second["url"] == "https://bucket.test/outputs/alice/x/1.png?signed"
    assert shown["completed_at"] == "2026-03-01T12:00:31.500000Z"
    assert RESULT_URL not in json.dumps(shown)


def test_what_is_missing_is_named_beside_what_is_there() -> None:
    lacking = (Missing(2, "answered with status 503", Cure.TIME),)
    shown = body(replace(DONE, status=Status.STORING, missing=lacking))
    assert [output["index"] for output in shown["outputs"]] == [0, 1]
    assert shown["missing_outputs"] == [{"index": 2, "reason": "answered with status 503"}]
    assert body(DONE)["missing_outputs"] == []


@pytest.mark.parametrize(("left_seconds", "is_there"), [(1, True), (0, False), (-99, False)])
def test_files_that_were_kept_long_enough_are_shown_without_links(
    left_seconds: int, is_there: bool
) -> None:
    task = replace(DONE, delete_at=NOW + seconds(left_seconds), previews=(OUTPUT,))
    shown = body(task)
    for file in (*shown["outputs"], *shown["previews"]):
        assert (file["url"] is not None) is is_there
        assert (file["permalink"] is not None) is is_there
        assert (file["deleted_at"] is None) is is_there
        assert file["sha256"] == "ab"


def test_a_task_can_be_shown_with_permalinks_alone() -> None:
    """As it is told to receivers who may read of it when every other link has ended."""
    links = OutputLinks(lambda _: None, permalink)
    shown = task_schema(DONE, descendants={}, base_url=BASE, links=links, now=NOW)
    assert [(one.url, one.permalink) for one in shown.outputs] == [
        (None, f"{BASE}/files/{TASK_ID}/0/signed"),
        (None, f"{BASE}/files/{TASK_ID}/1/signed"),
    ]


def test_nothing_of_ours_shows() -> None:
    secretive = storing_task(
        callback_base_url="https://inner.test", sources=(Source("https://kie.test/?sig=secret"),)
    )
    shown = json.dumps(body(secretive))
    for inner in ("https://inner.test", "secret", "alice", "storing_until", "version"):
        assert inner not in shown


def test_a_failed_task_shows_kies_words() -> None:
    failure = Failure("500", Category.CONTENT_POLICY, "no", retryable=False)
    shown = body(running_task(status=Status.FAILED, error=failure, upstream_code="500"))
    assert shown["error"] == (
        {"code": "500", "category": "content_policy", "message": "no", "retryable": False}
    )
    assert shown["upstream"]["code"] == "500"


@pytest.mark.parametrize(
    ("task", "now", "attention"),
    [
        (running_task(), DEADLINE + seconds(600), None),
        (running_task(), DEADLINE + seconds(600.001), Attention.STALLED),
        (make_task(), DEADLINE + seconds(601), Attention.STALLED),
        # Storing knows no deadline, and the end of a task is the end of its deadline.
        (storing_task(), DEADLINE + seconds(601), None),
        (DONE, DEADLINE + seconds(601), None),
        (
            make_task(submission=Submission.UNKNOWN, attention=Attention.SUBMISSION_UNKNOWN),
            DEADLINE + seconds(601),
            Attention.SUBMISSION_UNKNOWN,
        ),
        (storing_task(attention=Attention.STORAGE_FAILED), NOW, Attention.STORAGE_FAILED),
    ],
)
def test_a_broken_watch_calls_for_attention(
    task: Task, now: datetime, attention: Attention | None
) -> None:
    assert body(task, now)["attention"] == attention


def test_an_event_shows_the_facts_that_are_known() -> None:
    entry = Entry(Happened.STORED, NOW, "Output 0.", {"index": 0, "code": None, "ok": False})
    shown = json.loads(event_schema(entry).model_dump_json())
    assert shown == {
        "type": "stored",
        "at": "2026-03-01T12:00:00Z",
        "message": "Output 0.",
        "facts": {"index": 0, "ok": False},
    }


# --- what a caller may keep ---------------------------------------------------------------------


def test_a_state_is_told_from_the_next_by_its_version() -> None:
    failed = running_task(status=Status.FAILED)
    assert etag(failed, {}, NOW) == 'W/"1-0"'
    assert etag(replace(failed, version=2), {}, NOW) == 'W/"2-0"'
    assert etag(failed, {}, NOW + seconds(3000)) == etag(failed, {}, NOW)
    assert etag(running_task(version=2), {}, NOW) != etag(running_task(), {}, NOW)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(running_task(), id="stalled by time alone"),
        pytest.param(replace(DONE, delete_at=NOW + seconds(4000)), id="gone by time alone"),
        pytest.param(
            running_task(previews=DONE.outputs, delete_at=NOW + seconds(4000)),
            id="previews of a stalled task",
        ),
    ],
)
def test_who_is_told_that_nothing_has_changed_sees_the_same_as_who_asks_anew(task: Task) -> None:
    """A caller's copy said that all was well for as long as the record was not moved."""
    seen: dict[str, object] = {}
    for minute in range(150):
        now = NOW + seconds(minute * 60)
        body = task_schema(task, descendants={}, base_url=BASE, links=LINKS, now=now)
        assert seen.setdefault(etag(task, {}, now), body) == body
    assert len(set(map(repr, seen.values()))) > 1


def test_a_task_with_links_looks_new_before_they_end() -> None:
    seen = [etag(DONE, {}, NOW + seconds(minute * 60)) for minute in range(120)]
    longest = max(seen.count(one) for one in seen)
    assert longest == 30
    assert len(set(seen)) == 4
    assert etag(replace(DONE, version=2), {}, NOW) != etag(DONE, {}, NOW)


def test_a_poll_of_a_task_at_work_mostly_finds_no_news_and_never_a_frozen_bar() -> None:
    seen = [etag(running_task(), {}, NOW + seconds(age)) for age in range(45)]
    longest = max(seen.count(one) for one in seen)
    assert (len(seen), len(set(seen)), longest) == (45, 17, 3)


def test_progress_and_the_expected_end_are_shown() -> None:
    shown = body(running_task(), NOW + seconds(30))
    assert (shown["progress"], shown["expected_at"]) == (0.5, "2026-03-01T12:00:45Z")
    assert (body(DONE)["progress"], body(DONE)["expected_at"]) == (1.0, None)
    failed = body(running_task(status=Status.FAILED))
    assert (failed["progress"], failed["expected_at"]) == (None, None)


@pytest.mark.parametrize(
    ("age_seconds", "pause_seconds"), [(0, 15), (35.5, 11), (45, 5), (86_400, 15)]
)
def test_callers_are_told_in_whole_seconds_when_to_come_back(
    age_seconds: float, pause_seconds: int
) -> None:
    assert retry_after_seconds(running_task(), NOW + seconds(age_seconds)) == pause_seconds


# --- responses ----------------------------------------------------------------------------------

RESPONSES = TaskResponses(
    BASE, LINKS, NOW + seconds(20), whole=lambda task: task, descendants=lambda _: {}
)


def test_an_open_task_says_when_to_come_back_and_a_settled_one_does_not() -> None:
    answer = RESPONSES.task(running_task())
    assert answer.status_code == 200
    assert dict(answer.headers) | {"Content-Type": ""} == {
        "ETag": etag(running_task(), {}, RESPONSES.now),
        "Cache-Control": "private, no-cache",
        "Retry-After": "15",
        "Content-Type": "",
    }
    assert "Retry-After" not in RESPONSES.task(DONE).headers


def test_a_created_task_says_where_it_is() -> None:
    answer = RESPONSES.accepted(make_task(), {"Idempotent-Replayed": "true"})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"{BASE}/v1/tasks/{TASK_ID}"
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.headers["ETag"] == etag(make_task(), {}, RESPONSES.now)


def test_an_unchanged_task_has_no_body() -> None:
    answer = RESPONSES.task(DONE, is_known=lambda _: True)
    assert (answer.status_code, answer.body) == (304, None)
    assert answer.headers["ETag"] == etag(DONE, {}, RESPONSES.now)


@pytest.mark.parametrize("next_after", [TASK_ID, None])
def test_a_page_says_whether_there_is_more(next_after: str | None) -> None:
    page = RESPONSES.page(Page((make_task(), DONE), next_after))
    assert [task.status for task in page.data] == [Status.QUEUED, Status.SUCCEEDED]
    assert page.has_more is (next_after is not None)
    assert (page.next_cursor and TASKS.read(page.next_cursor)) == next_after
