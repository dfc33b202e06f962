"""The rules of the record, move by move."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import ending_moves, storing_moves, submission_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
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
FINISHED = Finished(state="success", sources=(Source(RESULT_URL),), credits=Decimal(4))
FAILED = Failed(state="fail", failure=Failure("500", Category.UPSTREAM, "Internal Error", True))
OUTPUT = Output(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", RESULT_URL)


def report(
    task: Task, finished: Finished = FINISHED, now: datetime = LATER, **changes: Any
) -> Move | None:
    arguments = {
        "upstream_task_id": UPSTREAM_ID,
        "by": CompletedBy.WEBHOOK,
        "happened": Happened.WEBHOOK_ACCEPTED,
    }
    return verdict_moves.report_finished(task, finished, now=now, **{**arguments, **changes})


def moved(move: Move | None) -> Task:
    assert move is not None
    return move.task


def test_accepted_creation_makes_a_queued_task_run() -> None:
    task = moved(submission_moves.submitted(make_task(), UPSTREAM_ID, next_at=LATER, now=NOW))
    assert (task.status, task.upstream_task_id, task.next_at) == (
        Status.RUNNING,
        UPSTREAM_ID,
        LATER,
    )


def test_accepted_creation_of_a_canceled_task_only_adds_the_id() -> None:
    canceled = make_task(status=Status.CANCELED)
    task = moved(submission_moves.submitted(canceled, UPSTREAM_ID, next_at=LATER, now=NOW))
    assert (task.status, task.upstream_task_id) == (Status.CANCELED, UPSTREAM_ID)


def test_accepted_creation_changes_nothing_after_an_early_webhook() -> None:
    early = moved(report(make_task()))
    assert submission_moves.submitted(early, UPSTREAM_ID, next_at=LATER, now=LATER) is None


def test_only_one_sender_at_a_time() -> None:
    assert submission_moves.start_submission(make_task(), NOW) is None


def test_refused_creation_may_be_sent_again() -> None:
    task = moved(submission_moves.refuse(make_task(), "busy", "429", next_at=LATER, now=NOW))
    again = moved(submission_moves.start_submission(task, LATER))
    assert (again.submission, again.submission_attempts) == (Submission.SENDING, 2)


def test_unknown_creation_is_never_sent_again() -> None:
    task = moved(
        submission_moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW)
    )
    assert task.attention is Attention.SUBMISSION_UNKNOWN
    assert submission_moves.start_submission(task, LATER) is None
    assert submission_moves.refuse(task, "busy", "429", next_at=LATER, now=LATER) is None


def test_webhook_adopts_an_unknown_creation() -> None:
    lost = moved(
        submission_moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW)
    )
    task = moved(report(lost))
    assert (task.status, task.upstream_task_id, task.attention, task.submission) == (
        Status.STORING,
        UPSTREAM_ID,
        None,
        Submission.ACCEPTED,
    )


def test_unclear_webhook_adopts_the_id_so_that_kie_can_be_asked() -> None:
    lost = moved(
        submission_moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW)
    )
    task = moved(submission_moves.adopt(lost, UPSTREAM_ID, next_at=LATER, now=LATER))
    assert (task.status, task.upstream_task_id) == (Status.RUNNING, UPSTREAM_ID)
    assert submission_moves.adopt(task, "another", next_at=LATER, now=LATER) is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.EXPIRED])
def test_verdict_counts_until_there_is_one(status: Status) -> None:
    assert moved(report(running_task(status=status))).status is Status.STORING


@pytest.mark.parametrize(
    "status", [Status.STORING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED]
)
def test_second_verdict_is_a_duplicate(status: Status) -> None:
    task = running_task(status=status)
    assert report(task) is None
    assert verdict_moves.fail(task, FAILED, by=CompletedBy.POLL, now=LATER) is None
    assert verdict_moves.asked(task, "waiting", _entry(), next_at=LATER) is None


def test_failure_keeps_kies_words() -> None:
    task = moved(verdict_moves.fail(running_task(), FAILED, by=CompletedBy.POLL, now=LATER))
    assert task.error == FAILED.failure
    assert (task.status, task.upstream_state, task.completed_at) == (Status.FAILED, "fail", LATER)


def test_deadline_without_verdict_expires_and_is_no_failure() -> None:
    at_deadline = NOW + seconds(3600)
    assert ending_moves.expire(running_task(), at_deadline - seconds(1)) is None
    task = moved(ending_moves.expire(running_task(), at_deadline))
    assert (task.status, task.attention, task.error) == (Status.EXPIRED, Attention.STALLED, None)


def test_expired_task_with_unknown_creation_says_so() -> None:
    lost = moved(
        submission_moves.lose_submission(make_task(), "ReadTimeout.", next_at=LATER, now=NOW)
    )
    task = moved(ending_moves.expire(lost, NOW + seconds(3600)))
    assert task.attention is Attention.SUBMISSION_UNKNOWN


@pytest.mark.parametrize("make", [make_task, running_task, storing_task])
def test_open_task_can_be_canceled_once(make: Any) -> None:
    task = moved(ending_moves.cancel(make(), LATER))
    assert task.status is Status.CANCELED
    assert ending_moves.cancel(task, LATER) is None
    assert storing_moves.settle(task, [OUTPUT], LATER) is None


def test_one_copy_at_a_time_until_it_is_dead() -> None:
    held = moved(storing_moves.acquire_storing_lease(storing_task(), NOW))
    assert storing_moves.acquire_storing_lease(held, NOW + seconds(44)) is None
    assert storing_moves.acquire_storing_lease(held, NOW + seconds(45)) is not None


def test_hold_is_renewed_by_its_holder_only() -> None:
    held = moved(storing_moves.acquire_storing_lease(storing_task(), NOW))
    assert held.storing_until is not None
    renewed = moved(storing_moves.renew_storing_lease(held, held.storing_until, LATER))
    assert renewed.storing_until == LATER + storing_moves.STORING_LEASE
    assert storing_moves.renew_storing_lease(renewed, held.storing_until, LATER) is None


def fail_copy(task: Task, now: datetime, cure: Cure = Cure.TIME, **changes: Any) -> Task:
    """Begin to copy, and fail at the same moment."""
    held = moved(storing_moves.acquire_storing_lease(task, now))
    return moved(
        storing_moves.storing_failed(
            held,
            "cut short",
            held.storing_until,
            missing=[Missing(0, "cut short", cure)],
            now=now,
            **changes,
        )
    )


def test_failed_copy_of_one_who_lost_the_hold_changes_nothing() -> None:
    held = moved(storing_moves.acquire_storing_lease(storing_task(), NOW))
    lacking = [Missing(0, "cut short", Cure.TIME)]
    assert storing_moves.storing_failed(held, "cut short", NOW, missing=lacking, now=LATER) is None
    assert storing_moves.settle(held, [OUTPUT], LATER, leased_until=NOW) is None
    assert storing_moves.keep_outputs(held, [OUTPUT], NOW, LATER) is None


def test_copies_that_fail_for_a_day_are_few_and_end() -> None:
    """A file host was away for a night: its links live for a day, and so long it is asked."""
    task, now = storing_task(deadline_at=NOW + timedelta(days=7)), NOW
    pauses = []
    while (task := fail_copy(task, now)).status is Status.STORING:
        assert task.next_at is not None
        assert (task.attention is Attention.STORAGE_FAILED) is (task.store_attempts >= 5)
        assert task.error is None
        pauses.append((task.next_at - now).total_seconds())
        now = task.next_at
    assert pauses[:8] == [5, 20, 80, 300, 600, 1200, 2400, 3600]
    assert now == NOW + timedelta(hours=24)
    assert len(pauses) < 40
    assert (task.status, task.attention) == (Status.EXPIRED, Attention.STORAGE_FAILED)
    assert task.error == Failure(
        "storage_failed", Category.STORAGE, "1 of 1 results could not be copied: cut short", True
    )
    assert task.sources == storing_task().sources
    again = moved(storing_moves.try_storing_again(task, now))
    assert (again.attention, again.error, again.store_attempts) == (None, None, 0)
    assert storing_moves.acquire_storing_lease(again, now) is not None


@pytest.mark.parametrize(
    ("deadline", "completed", "now", "until"),
    [
        (3600, 0, 0, 3600),
        (700_000, -600, 0, 86_400 - 600),
        # Three attempts, however near the end.
        (10, 0, 9, 9 + 30),
        (700_000, -90_000, 0, 30),
        # A result that comes after its deadline is tried while its links live.
        (10, 0, 3600, 86_400),
        (10, -90_000, 3600, 3600 + 600),
        # Kie's clock may go wrong.
        (700_000, 99_999, 0, 86_400),
    ],
)
def test_copies_are_tried_until_the_links_end_or_the_deadline_comes(
    deadline: int, completed: int, now: int, until: int
) -> None:
    task = running_task(deadline_at=NOW + seconds(deadline))
    if now >= deadline:
        task = replace(task, status=Status.EXPIRED)
    finished = replace(FINISHED, completed_at=NOW + seconds(completed))
    after = moved(report(task, finished, now=NOW + seconds(now)))
    assert after.copy_until == NOW + seconds(until)


def test_what_only_a_person_can_mend_ends_at_once() -> None:
    task = fail_copy(storing_task(), NOW, Cure.PERSON)
    assert (task.status, task.attention) == (Status.EXPIRED, Attention.STORAGE_FAILED)
    assert task.error is not None
    assert task.error.retryable


def test_a_copy_that_failed_is_no_failure_of_kies() -> None:
    """Kie.ai has made the result, and its record says something else when it is old."""
    task = fail_copy(storing_task(), NOW, Cure.PERSON)
    assert verdict_moves.fail(task, FAILED, by=None, now=LATER) is None
    assert verdict_moves.asked(task, "generating", _entry(), next_at=LATER) is None
    assert moved(report(task)).status is Status.STORING


def test_a_refresh_of_a_copy_that_waits_does_not_begin_to_count_anew() -> None:
    task = storing_task()
    for minute in range(6):
        task = fail_copy(task, NOW + seconds(600 * minute))
    now = NOW + seconds(3001)
    again = moved(storing_moves.try_storing_again(task, now))
    assert (again.next_at, again.store_attempts) == (now, 6)
    assert again.attention is Attention.STORAGE_FAILED
    assert storing_moves.try_storing_again(again, now) is None


def test_what_is_stored_is_kept_and_what_is_missing_is_named() -> None:
    sources = (Source(RESULT_URL), Source(RESULT_URL + "2"), Source(RESULT_URL + "3"))
    gone = NOW + timedelta(days=7)
    second = replace(OUTPUT, index=1)
    task = fail_copy(storing_task(sources=sources), NOW, outputs=[second], delete_at=gone)
    assert (task.outputs, task.delete_at) == ((second,), gone)
    assert task.missing == (Missing(0, "cut short", Cure.TIME),)
    held = moved(storing_moves.acquire_storing_lease(task, LATER))
    task = moved(
        storing_moves.settle(
            held,
            [OUTPUT, replace(OUTPUT, index=2)],
            LATER,
            gone + timedelta(days=1),
            leased_until=held.storing_until,
        )
    )
    assert [output.index for output in task.outputs] == [0, 1, 2]
    # The first files to come are the first to go.
    assert (task.status, task.missing, task.delete_at) == (Status.SUCCEEDED, (), gone)


def test_what_kie_never_delivered_is_named_and_the_rest_is_a_success() -> None:
    """Two tracks were promised and paid, and only the second ever had audio."""
    finished = replace(FINISHED, missing=(0,))
    task = moved(report(running_task(), finished))
    lacking = (Missing(0, "Kie.ai never delivered it.", Cure.NOTHING),)
    assert task.missing == lacking
    settled = storing_moves.settle(task, [replace(OUTPUT, index=1)], LATER)
    after = moved(settled)
    assert (after.status, after.missing) == (Status.SUCCEEDED, lacking)
    assert settled is not None
    assert "Output 0: Kie.ai never delivered it." in settled.entries[-1].message


def test_success_has_its_outputs() -> None:
    task = moved(storing_moves.settle(storing_task(), [OUTPUT], LATER))
    assert (task.status, task.outputs, task.completed_at) == (Status.SUCCEEDED, (OUTPUT,), LATER)


def test_a_settled_status_never_changes() -> None:
    for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED):
        task = replace(storing_task(), status=status)
        for move in (
            submission_moves.start_submission(task, LATER),
            report(task),
            verdict_moves.fail(task, FAILED, by=None, now=LATER),
            ending_moves.expire(task, NOW + seconds(9999)),
            ending_moves.cancel(task, LATER),
            storing_moves.acquire_storing_lease(task, LATER),
            storing_moves.settle(task, [OUTPUT], LATER),
            storing_moves.try_storing_again(task, LATER),
        ):
            assert move is None


def _entry() -> Any:
    return Entry(Happened.KIE_ASKED, LATER, "Kie.ai says: waiting.")
