"""The rules of the record, move by move."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from kie_gateway.core import moves
from kie_gateway.core.report import Failed, Finished
from kie_gateway.core.task import (
    Attention,
    Category,
    CompletedBy,
    Failure,
    Output,
    Source,
    Status,
    Submission,
    Task,
)
from kie_gateway.core.timeline import Entry, Happened
from tests.makers import (
    NOW,
    RESULT_URL,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
)

LATER = NOW + seconds(30)
FINISHED = Finished(state="success", sources=(Source(RESULT_URL),), credits=4.0)
FAILED = Failed(state="fail", failure=Failure("500", Category.UPSTREAM, "Internal Error", True))
OUTPUT = Output(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", RESULT_URL)


def report(task: Task, now: datetime = LATER, **changes: Any) -> moves.Move | None:
    arguments = {
        "upstream_task_id": UPSTREAM_ID,
        "by": CompletedBy.WEBHOOK,
        "happened": Happened.WEBHOOK_ACCEPTED,
    }
    return moves.report_finished(task, FINISHED, now=now, **{**arguments, **changes})


def moved(move: moves.Move | None) -> Task:
    assert move is not None
    return move.task


def test_accepted_creation_makes_a_queued_task_run() -> None:
    task = moved(moves.submitted(make_task(), UPSTREAM_ID, next_at=LATER, now=NOW))
    assert (task.status, task.upstream_task_id, task.next_at) == (
        Status.RUNNING,
        UPSTREAM_ID,
        LATER,
    )


def test_accepted_creation_of_a_canceled_task_only_adds_the_id() -> None:
    canceled = make_task(status=Status.CANCELED)
    task = moved(moves.submitted(canceled, UPSTREAM_ID, next_at=LATER, now=NOW))
    assert (task.status, task.upstream_task_id) == (Status.CANCELED, UPSTREAM_ID)


def test_accepted_creation_changes_nothing_after_an_early_webhook() -> None:
    early = moved(report(make_task()))
    assert moves.submitted(early, UPSTREAM_ID, next_at=LATER, now=LATER) is None


def test_only_one_sender_at_a_time() -> None:
    assert moves.start_submission(make_task(), NOW) is None


def test_refused_creation_may_be_sent_again() -> None:
    task = moved(moves.refuse(make_task(), "busy", "429", next_at=LATER, now=NOW))
    again = moved(moves.start_submission(task, LATER))
    assert (again.submission, again.submission_attempts) == (Submission.SENDING, 2)


def test_unknown_creation_is_never_sent_again() -> None:
    task = moved(moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW))
    assert task.attention is Attention.SUBMISSION_UNKNOWN
    assert moves.start_submission(task, LATER) is None
    assert moves.refuse(task, "busy", "429", next_at=LATER, now=LATER) is None


def test_webhook_adopts_an_unknown_creation() -> None:
    lost = moved(moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW))
    task = moved(report(lost))
    assert (task.status, task.upstream_task_id, task.attention, task.submission) == (
        Status.STORING,
        UPSTREAM_ID,
        None,
        Submission.ACCEPTED,
    )


def test_unclear_webhook_adopts_the_id_so_that_kie_can_be_asked() -> None:
    lost = moved(moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW))
    task = moved(moves.adopt(lost, UPSTREAM_ID, next_at=LATER, now=LATER))
    assert (task.status, task.upstream_task_id) == (Status.RUNNING, UPSTREAM_ID)
    assert moves.adopt(task, "another", next_at=LATER, now=LATER) is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.EXPIRED])
def test_verdict_counts_until_there_is_one(status: Status) -> None:
    assert moved(report(running_task(status=status))).status is Status.STORING


@pytest.mark.parametrize(
    "status", [Status.STORING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED]
)
def test_second_verdict_is_a_duplicate(status: Status) -> None:
    task = running_task(status=status)
    assert report(task) is None
    assert moves.fail(task, FAILED, by=CompletedBy.POLL, now=LATER) is None
    assert moves.asked(task, "waiting", _entry(), next_at=LATER) is None


def test_failure_keeps_kies_words() -> None:
    task = moved(moves.fail(running_task(), FAILED, by=CompletedBy.POLL, now=LATER))
    assert task.error == FAILED.failure
    assert (task.status, task.upstream_state, task.completed_at) == (Status.FAILED, "fail", LATER)


def test_deadline_without_verdict_expires_and_is_no_failure() -> None:
    at_deadline = NOW + seconds(3600)
    assert moves.expire(running_task(), at_deadline - seconds(1)) is None
    task = moved(moves.expire(running_task(), at_deadline))
    assert (task.status, task.attention, task.error) == (Status.EXPIRED, Attention.STALLED, None)


def test_expired_task_with_unknown_creation_says_so() -> None:
    lost = moved(moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW))
    task = moved(moves.expire(lost, NOW + seconds(3600)))
    assert task.attention is Attention.SUBMISSION_UNKNOWN


@pytest.mark.parametrize("make", [make_task, running_task, storing_task])
def test_open_task_can_be_canceled_once(make: Any) -> None:
    task = moved(moves.cancel(make(), LATER))
    assert task.status is Status.CANCELED
    assert moves.cancel(task, LATER) is None
    assert moves.settle(task, [OUTPUT], LATER) is None


def test_one_copy_at_a_time_until_it_is_dead() -> None:
    held = moved(moves.start_storing(storing_task(), NOW))
    assert moves.start_storing(held, NOW + seconds(44)) is None
    assert moves.start_storing(held, NOW + seconds(45)) is not None


def test_hold_is_renewed_by_its_holder_only() -> None:
    held = moved(moves.start_storing(storing_task(), NOW))
    assert held.storing_until is not None
    renewed = moved(moves.keep_storing(held, held.storing_until, LATER))
    assert renewed.storing_until == LATER + moves.STORING_LEASE
    assert moves.keep_storing(renewed, held.storing_until, LATER) is None


def test_failed_copy_of_one_who_lost_the_hold_changes_nothing() -> None:
    held = moved(moves.start_storing(storing_task(), NOW))
    assert moves.storing_failed(held, "cut", NOW, retryable=True, now=LATER) is None


def test_copies_are_given_up_after_the_last_attempt_and_taken_up_by_a_refresh() -> None:
    task, now = storing_task(), NOW
    for _ in range(moves.MAX_STORE_ATTEMPTS):
        held = moved(moves.start_storing(task, now))
        task = moved(moves.storing_failed(held, "cut", held.storing_until, retryable=True, now=now))
        now += seconds(600)
    assert (task.status, task.attention) == (Status.STORING, Attention.STORAGE_FAILED)
    assert moves.start_storing(task, now) is None
    again = moved(moves.try_storing_again(task, now))
    assert moves.start_storing(again, now) is not None


def test_forbidden_source_is_given_up_at_once() -> None:
    held = moved(moves.start_storing(storing_task(), NOW))
    task = moved(
        moves.storing_failed(held, "not allowed", held.storing_until, retryable=False, now=NOW)
    )
    assert task.attention is Attention.STORAGE_FAILED


def test_success_has_its_outputs() -> None:
    task = moved(moves.settle(storing_task(), [OUTPUT], LATER))
    assert (task.status, task.outputs, task.completed_at) == (Status.SUCCEEDED, (OUTPUT,), LATER)


def test_a_settled_status_never_changes() -> None:
    for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED):
        task = replace(storing_task(), status=status)
        for move in (
            moves.start_submission(task, LATER),
            report(task),
            moves.fail(task, FAILED, by=None, now=LATER),
            moves.expire(task, NOW + seconds(9999)),
            moves.cancel(task, LATER),
            moves.start_storing(task, LATER),
            moves.settle(task, [OUTPUT], LATER),
            moves.try_storing_again(task, LATER),
        ):
            assert move is None


def _entry() -> Any:
    return Entry(Happened.KIE_ASKED, LATER, "Kie.ai says: waiting.")
