"""Other models in the place of one that came to nothing, move by move and answer by answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.aws.task_item import read_task, write_task
from kie_gateway.core.alternatives import Alternative, AttemptStatus
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.credits.task_credits import believed, charged
from kie_gateway.core.errors.caller_errors import (
    FieldFault,
    InvalidRequestError,
    ModelRetiredError,
)
from kie_gateway.core.errors.provider_errors import ProviderRejectedError
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.task_spec import FallbackSpec, TaskSpec
from kie_gateway.core.moves import ending_moves, submission_moves, verdict_moves
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed, Finished, Report, Running
from kie_gateway.core.ports.kie import Accepted
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Step, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.polling.record_answer import RecordAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission
from kie_gateway.flows.submitting.submit_from_queue import report_outcome
from kie_gateway.flows.tasks.read_alternatives import read_alternatives
from tests.fakes import FakeSubmitQueue, FakeTaskStore
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, make_task, running_task, seconds
from tests.makers import typical_seconds as typical

LATER = NOW + seconds(30)
POLICY = PollPolicy(first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical)
FAILED = Failed("fail", Failure("500", Category.UPSTREAM, "Internal Error", retryable=True))
FINISHED = Finished("success", (Source(RESULT_URL),), credits=Decimal(8))
SECOND = Alternative(
    "nano-banana-2", "market", "image", {"prompt": "a ship"}, Decimal(8), Decimal(8)
)
THIRD = replace(
    SECOND, model="kling/v2-1", kind="video", price=Decimal(100), credits_estimated=None
)
OTHERS = (SECOND, THIRD)
RESERVED = Reservation(Decimal(100), 60, expected=Decimal(4))


def running(**changes: Any) -> Task:
    return running_task(
        **{
            "alternatives": OTHERS,
            "reservation": RESERVED,
            "credits_estimated": Decimal(4),
            **changes,
        }
    )


def fail(task: Task, failed: Failed = FAILED, now: datetime = LATER) -> Task:
    move = verdict_moves.fail(task, failed, by=CompletedBy.POLL, now=now)
    assert move is not None
    return move.task


def of(category: Category) -> Failed:
    return replace(FAILED, failure=replace(FAILED.failure, category=category))


def test_the_next_model_begins_as_a_task_does() -> None:
    before = running(
        polls=7,
        attention=Attention.SUBMISSION_UNKNOWN,
        upstream_state="generating",
        upstream_message="x",
        upstream_completed_at=NOW,
        submit_turn=3,
        submission_attempts=2,
        sending_at=NOW,
    )
    task = fail(before)
    assert (task.status, task.submission, task.next_step) == (
        Status.QUEUED,
        Submission.WAITING,
        Step.SUBMIT,
    )
    assert (task.model, task.input) == ("nano-banana-2", SECOND.input)
    assert task.credits_estimated == 8
    nothing = [
        *("upstream_task_id", "upstream_state", "upstream_code", "upstream_message", "error"),
        *("upstream_completed_at", "submitted_at", "sending_at", "attention", "submit_turn"),
        *("completed_by", "completed_at"),
    ]
    assert [name for name in nothing if getattr(task, name) is not None] == []
    assert (task.polls, task.submission_attempts, task.next_at) == (0, 0, LATER)
    assert (task.deadline_at, task.alternatives) == (before.deadline_at, (THIRD,))
    [attempt] = task.attempts
    assert (attempt.tried.model, attempt.status) == (before.model, AttemptStatus.FAILED)
    assert (attempt.error, attempt.credits) == (FAILED.failure, Decimal(0))
    assert (attempt.upstream_task_id, attempt.submitted_at) == (UPSTREAM_ID, NOW)
    assert task.reservation is not None
    assert (task.reservation.fate, task.reservation.held) == (Fate.OPEN, Decimal(100))
    assert read_task(write_task(task)) == task


def test_the_timeline_tells_of_it() -> None:
    move = verdict_moves.fail(running(), FAILED, by=CompletedBy.POLL, now=LATER)
    assert move is not None
    [entry] = move.entries
    assert entry.happened is Happened.FELL_BACK
    words = "google/nano-banana failed: Internal Error. nano-banana-2 is tried instead."
    assert entry.message == words
    assert (entry.facts["code"], entry.facts["attempt"]) == ("500", 2)


def test_the_last_failure_ends_the_task_and_releases_its_credits() -> None:
    task = fail(replace(fail(running(alternatives=(SECOND,))), submission=Submission.ACCEPTED))
    assert (task.status, task.model) == (Status.FAILED, "nano-banana-2")
    assert task.reservation is not None
    assert task.reservation.fate is Fate.RELEASED
    assert len(task.attempts) == 1


@pytest.mark.parametrize("category", Category)
def test_what_is_about_the_input_is_no_reason(category: Category) -> None:
    is_about_input = category in (Category.INPUT, Category.CONTENT_POLICY)
    assert (fail(running(), of(category)).status is Status.FAILED) is is_about_input


def test_a_model_that_is_not_offered_is_a_reason_whatever_its_code() -> None:
    assert fail(running(), replace(of(Category.INPUT), blames_model=True)).status is Status.QUEUED


@pytest.mark.parametrize(
    "changes",
    [
        {"submission": Submission.UNKNOWN},
        {"submission": Submission.SENDING},
        # Kie.ai named an id and refused.
        {"submission": Submission.WAITING},
        {"status": Status.EXPIRED},
        {"deadline_at": LATER},
    ],
)
def test_without_certainty_or_time_the_task_fails_as_before(changes: dict[str, Any]) -> None:
    assert fail(running(**changes)).status is Status.FAILED


def test_dear_and_retired_models_are_passed_over() -> None:
    retired = replace(SECOND, model="old", is_retired=True)
    cheap = replace(SECOND, model="cheap", price=Decimal(2))
    task = fail(running(alternatives=(THIRD, retired, cheap), max_credits=Decimal(10)))
    assert (task.model, task.alternatives) == ("cheap", ())
    assert [one.tried.model for one in task.attempts] == ["google/nano-banana", "old"]
    assert fail(running(alternatives=(THIRD,), max_credits=Decimal(10))).status is Status.FAILED


def test_a_deleted_task_keeps_no_input_of_any_model() -> None:
    move = ending_moves.delete(fail(running()), LATER)
    assert move is not None
    assert move.task.alternatives == ()
    assert "prompt" not in str(write_task(move.task))


# --- credits ------------------------------------------------------------------------------------


def test_what_is_expected_of_the_model_at_work_is_charged_and_not_what_is_set_aside() -> None:
    task = running()
    assert task.price == 4
    assert charged(task).credits_charged == 4
    assert believed(task, Decimal(9), CompletedBy.WEBHOOK) is None
    second = fail(task)
    assert second.price == 8
    assert charged(second).credits_charged == 8
    assert believed(second, Decimal(9), CompletedBy.WEBHOOK) == 9


# --- late words ---------------------------------------------------------------------------------


def finish(task: Task, upstream_task_id: str | None) -> Any:
    return verdict_moves.report_finished(
        task,
        FINISHED,
        upstream_task_id=upstream_task_id,
        by=CompletedBy.WEBHOOK,
        happened=Happened.WEBHOOK_ACCEPTED,
        now=LATER,
    )


def test_the_id_of_an_attempt_that_is_over_is_never_adopted() -> None:
    task = replace(fail(running()), submission=Submission.SENDING)
    assert submission_moves.adopt(task, UPSTREAM_ID, next_at=LATER, now=LATER) is None
    assert finish(task, UPSTREAM_ID) is None
    assert submission_moves.adopt(task, "another", next_at=LATER, now=LATER) is not None


@pytest.mark.parametrize("report", [FAILED, FINISHED, Running("generating")])
def test_an_answer_about_the_first_is_none_about_the_second(report: Report) -> None:
    """Both roads ask at once: the second failure would have ended what was only just begun."""
    asked = running()
    store = FakeTaskStore(asked)
    record = RecordAnswer(store, POLICY)
    second = record(asked, FAILED, CompletedBy.POLL, LATER)
    assert second.model == "nano-banana-2"
    assert record(asked, report, CompletedBy.POLL, LATER) == second


def test_an_answer_to_the_first_creation_is_none_to_the_second() -> None:
    sent = make_task(alternatives=OTHERS)
    store = FakeTaskStore(sent)
    store.move(sent, lambda task: submission_moves.adopt(task, "kie-1", next_at=NOW, now=NOW))
    running_now = store.the(sent)
    RecordAnswer(store, POLICY)(running_now, FAILED, CompletedBy.POLL, LATER)
    store.move(store.the(sent), lambda task: submission_moves.start_submission(task, LATER))
    second = store.the(sent)
    assert (second.model, second.submission) == ("nano-banana-2", Submission.SENDING)
    record = RecordSubmission(store, POLICY)
    record.accepted(sent, Accepted("kie-1"), LATER)
    record.lost(sent, "no answer", LATER)
    rejected = ProviderRejectedError("x", provider_code="505", category="upstream")
    record.rejected(sent, rejected, LATER)
    record.refused(sent, rejected, lambda _: LATER, LATER)
    assert store.the(sent) == second


@pytest.mark.parametrize("blames_model", [False, True])
def test_a_refusal_for_its_model_alone_is_a_reason(*, blames_model: bool) -> None:
    sent = make_task(alternatives=OTHERS)
    store = FakeTaskStore(sent)
    error = ProviderRejectedError(
        "not supported", provider_code="422", category="input", blames_model=blames_model
    )
    after = RecordSubmission(store, POLICY).rejected(sent, error, LATER)
    assert (after.status is Status.QUEUED) is blames_model
    assert [one.status for one in after.attempts] == [AttemptStatus.REFUSED] * blames_model


@pytest.mark.parametrize("verdict", [FAILED, None])
def test_a_refusal_that_has_another_model_tried_ends_what_holds_up_the_queue(
    verdict: Failed | None,
) -> None:
    """Kie.ai judged what it was sent, so it takes creations again."""
    sent = make_task(alternatives=OTHERS, submission=Submission.WAITING)
    queue = FakeSubmitQueue(FakeTaskStore(sent))
    queue.report_refusal(None)
    report_outcome(queue.state(), sent if verdict is None else fail(sent, verdict), queue)
    state = queue.state()
    assert state is not None
    assert bool(state.refusals) is (verdict is None)


# --- reading ------------------------------------------------------------------------------------


def read(
    model_id: str, given: Mapping[str, Any], *, checked: bool, examples: Sequence[str] = ()
) -> Mapping[str, Any]:
    del examples
    if model_id.startswith("old") and checked:
        raise ModelRetiredError("retired", [FieldFault("/model", "retired")])
    if "wrong" in given:
        raise InvalidRequestError("wrong", [FieldFault("/input/wrong", "unknown")])
    return {**given, "for": model_id}


def pointers(error: InvalidRequestError) -> list[str]:
    return [fault.pointer for fault in error.faults]


def test_every_model_reads_its_own_input_or_that_of_the_first() -> None:
    found = read_alternatives(asked("a", {"x": 1}, ("b", None), ("c", {"y": 2})), read)
    assert [dict(one.input) for one in found] == [
        {"x": 1, "for": "a"},
        {"x": 1, "for": "b"},
        {"y": 2, "for": "c"},
    ]


def asked(
    model: str, given: Mapping[str, Any], *others: tuple[str, Mapping[str, Any] | None]
) -> TaskSpec:
    fallback = tuple(FallbackSpec(*one) for one in others)
    return TaskSpec(model, given, 3600, fallback=fallback)


def test_faults_name_their_places() -> None:
    with pytest.raises(InvalidRequestError) as raised:
        read_alternatives(asked("a", {"wrong": 1}, ("b", None), ("c", {})), read)
    assert pointers(raised.value) == ["/input/wrong", "/fallback/0/input/wrong"]
    with pytest.raises(InvalidRequestError) as raised:
        read_alternatives(asked("a", {}, ("b", {}), ("a", {})), read)
    assert pointers(raised.value) == ["/fallback/1"]


def test_retired_models_are_told_apart_and_all_of_them_are_too_many() -> None:
    found = read_alternatives(asked("old", {}, ("b", None)), read)
    assert [one.is_retired for one in found] == [True, False]
    with pytest.raises(InvalidRequestError) as raised:
        read_alternatives(asked("old", {}, ("old2", None)), read)
    assert pointers(raised.value) == ["/model", "/fallback/0/model"]
