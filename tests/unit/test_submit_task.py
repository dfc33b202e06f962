"""Asking Kie.ai to create a task: exactly what is known afterwards, and never twice in doubt."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.provider_errors import (
    OutOfTimeError,
    ProviderBusyError,
    ProviderError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import ending_moves, submission_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.ports.kie import Accepted
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from tests.fakes import (
    Clock,
    FakeArchive,
    FakeExecutions,
    FakeProvider,
    FakeQueue,
    FakeSubmitQueue,
    FakeTaskStore,
)
from tests.flows import submitting, submitting_watched
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, make_task, seconds, typical_seconds

POLICY = PollPolicy(first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds)

FINISHED = Finished("success", (Source(RESULT_URL),))
FAILED = Failed("fail", Failure("501", Category.UPSTREAM, "Internal Error", retryable=True))

BUSY = ProviderBusyError("The call frequency is too high.", provider_code="429")
BUSY_FOR_A_WHILE = ProviderBusyError("x", provider_code="430", retry_after_seconds=45)
BUSY_FOR_LONG = ProviderBusyError("Down.", provider_code="455", retry_after_seconds=60)
UNREACHABLE = ProviderUnreachableError("Kie.ai: ConnectTimeout")
UNKNOWN = SubmissionUnknownError("Kie.ai: ReadTimeout.")


def rejected(code: str | None = "422", category: Category = Category.INPUT) -> ProviderError:
    return ProviderRejectedError("no", provider_code=code, category=category)


def submit(
    store: FakeTaskStore,
    kie: FakeProvider,
    task: Task,
    archive: FakeArchive | None = None,
    prepare: Callable[[Task], Mapping[str, Any]] = lambda task: task.input,
) -> Task:
    queue = FakeSubmitQueue(store)
    flow = submitting(
        store, kie, archive or FakeArchive(), POLICY, Clock().now, queue, prepare=prepare
    )
    return flow(task)


def after(creation: Accepted | ProviderError, task: Task | None = None) -> tuple[Task, list[Any]]:
    """The record and what happened, once Kie.ai has answered so."""
    task = task or make_task()
    store = FakeTaskStore(task)
    answered = submit(store, FakeProvider(creation), task)
    assert store.the(task) == answered
    return answered, store.happened(task)


def test_kie_is_told_model_and_input() -> None:
    kie = FakeProvider()
    task = make_task()
    submit(FakeTaskStore(task), kie, task)
    assert kie.created == [("google/nano-banana", {"prompt": "a red kite"})]


def test_kie_gets_the_prepared_input_and_the_record_keeps_the_callers() -> None:
    kie, task = FakeProvider(), make_task()
    after = submit(FakeTaskStore(task), kie, task, prepare=lambda _: {"image": "https://kie.test"})
    assert kie.created[0][1] == {"image": "https://kie.test"}
    assert after.input == {"prompt": "a red kite"}


@pytest.mark.parametrize(
    ("error", "status", "submission"),
    [
        (BUSY, Status.QUEUED, Submission.WAITING),
        (UNREACHABLE, Status.QUEUED, Submission.WAITING),
        (rejected(), Status.FAILED, Submission.WAITING),
    ],
)
def test_an_input_that_cannot_be_prepared_is_a_refusal_and_nothing_is_sent(
    error: ProviderError, status: Status, submission: Submission
) -> None:
    def prepare(_: Task) -> Mapping[str, Any]:
        raise error

    kie, task = FakeProvider(), make_task()
    after = submit(FakeTaskStore(task), kie, task, prepare=prepare)
    assert (after.status, after.submission, kie.created) == (status, submission, [])


def test_an_accepted_creation_runs() -> None:
    task, happened = after(Accepted(UPSTREAM_ID))
    assert (task.status, task.submission) == (Status.RUNNING, Submission.ACCEPTED)
    assert (task.upstream_task_id, task.submitted_at) == (UPSTREAM_ID, NOW)
    assert task.next_at == NOW + seconds(10)
    assert happened == [Happened.SUBMITTED]


@pytest.mark.parametrize("upstream_task_id", [UPSTREAM_ID, None])
@pytest.mark.parametrize(
    ("verdict", "status"), [(FINISHED, Status.STORING), (FAILED, Status.FAILED)]
)
def test_an_answer_that_holds_the_verdict_needs_no_webhook(
    upstream_task_id: str | None, verdict: Finished | Failed, status: Status
) -> None:
    archive, task = FakeArchive(), make_task()
    store = FakeTaskStore(task)
    submit(store, FakeProvider(Accepted(upstream_task_id, verdict, b"{}")), task, archive)
    after = store.the(task)
    assert (after.status, after.completed_by) == (status, CompletedBy.IMMEDIATE)
    assert (after.submission, after.upstream_task_id) == (Submission.ACCEPTED, upstream_task_id)
    assert list(archive.bodies.values()) == [b"{}"]


@pytest.mark.parametrize(
    ("refusal", "attempts", "pause_seconds"),
    [
        # Kie's window, or what it asked for.
        (BUSY, 1, 10),
        (BUSY, 30, 10),
        (BUSY_FOR_A_WHILE, 1, 45),
        # What Kie asked for, or 2 s; and half of a window that grows with each attempt.
        (BUSY_FOR_LONG, 1, 60 + 5),
        (UNREACHABLE, 1, 2 + 5),
        (UNREACHABLE, 3, 2 + 11.25),
        (UNREACHABLE, 30, 2 + 60),
        (ProviderBusyError("x", retry_after_seconds=7200), 1, 3600),
    ],
)
def test_a_creation_refused_for_now_stays_queued(
    refusal: ProviderError, attempts: int, pause_seconds: float
) -> None:
    task, happened = after(refusal, make_task(submission_attempts=attempts))
    assert (task.status, task.submission) == (Status.QUEUED, Submission.WAITING)
    assert (task.upstream_code, task.upstream_message) == (refusal.provider_code, refusal.message)
    # Never later than the deadline, at which the watch looks anyway.
    assert task.next_at == NOW + seconds(pause_seconds)
    assert (task.attention, task.error) == (None, None)
    assert happened == [Happened.SUBMISSION_REFUSED]


def test_an_ambiguous_answer_is_recorded_as_such() -> None:
    task, happened = after(UNKNOWN)
    assert (task.status, task.submission) == (Status.QUEUED, Submission.UNKNOWN)
    assert task.attention is Attention.SUBMISSION_UNKNOWN
    assert task.next_at == NOW + seconds(10)
    assert happened == [Happened.SUBMISSION_UNKNOWN]


NO_CREDITS = ProviderNoCreditsError("no", provider_code="402", category="insufficient_credits")


def refused_for_credits(
    funds: float | None, price: int = 10, *, waiting: int | None = None, attempts: int = 1
) -> tuple[Task, FakeSubmitQueue]:
    """The record and the queue after Kie.ai has named credits, with so many left."""
    task = replace(
        make_task(submission_attempts=attempts, deadline_at=NOW + seconds(86400)),
        reservation=Reservation(Decimal(price), 60),
    )
    store = FakeTaskStore(task)
    submit_queue = FakeSubmitQueue(store)
    if waiting is not None:
        submit_queue.report_refusal(0)
        other = make_task(task_id="task_other", submission=Submission.WAITING, submit_turn=1)
        store.create(replace(other, reservation=Reservation(Decimal(waiting), 60)), (), None)
    after = submitting(
        store,
        FakeProvider(NO_CREDITS),
        FakeArchive(),
        POLICY,
        Clock().now,
        submit_queue,
        balance=lambda: None if funds is None else Decimal(funds),
    )(task)
    assert (after.status, after.submission) == (Status.QUEUED, Submission.WAITING)
    assert (after.upstream_code, after.upstream_message) == ("402", "no")
    return after, submit_queue


@pytest.mark.parametrize("funds", [0, -3, 9.5])
def test_without_credits_for_anybody_the_line_is_held_for_an_hour(funds: float) -> None:
    task, submit_queue = refused_for_credits(funds)
    assert (task.is_in_submit_queue, task.next_at) == (True, NOW + seconds(3600))
    state = submit_queue.state()
    assert state is not None
    assert (state.for_credits, state.funds) == (True, Decimal(funds))
    assert (state.covers(Decimal(9)), state.covers(Decimal(10))) == (funds > 9, False)


@pytest.mark.parametrize(
    ("funds", "waiting", "is_short"),
    [
        # It says nothing about others, and whether it is true of this one is not known.
        (None, None, True),
        # The words are wrong: enough is left for this very task.
        (10, None, False),
        (500, None, False),
        # Somebody cheaper is in the queue, and can still be sent.
        (9.5, 9, True),
    ],
)
def test_only_the_task_that_was_refused_waits_while_others_may_be_sent(
    funds: float | None, waiting: int | None, is_short: bool
) -> None:
    task, submit_queue = refused_for_credits(funds, waiting=waiting)
    assert (task.is_in_submit_queue, task.is_short_of_credits) == (False, is_short)
    assert task.next_at == NOW + seconds(60)
    state = submit_queue.state()
    assert state is None or not state.for_credits


def test_one_who_waits_by_itself_is_tried_ever_more_rarely() -> None:
    pauses = [
        (refused_for_credits(None, attempts=attempts)[0].next_at or NOW) - NOW
        for attempts in (1, 2, 3, 7, 900)
    ]
    assert pauses == [seconds(60 * minutes) for minutes in (1, 2, 4, 60, 60)]


def test_a_refusal_that_only_sounds_of_credits_holds_nobody_up() -> None:
    """An upload of a card's picture was refused, and its words held up every owner."""
    task, _ = after(rejected("422", Category.INSUFFICIENT_CREDITS))
    assert task.status is Status.FAILED


@pytest.mark.parametrize("category", list(Category))
def test_a_creation_refused_for_good_fails_with_kies_words(category: Category) -> None:
    task, happened = after(rejected("422", category))
    assert task.error == Failure("422", category, "no", retryable=False)
    assert (task.status, task.completed_at, task.completed_by) == (Status.FAILED, NOW, None)
    assert happened == [Happened.FAILED]


def test_a_refusal_without_a_code_has_a_word_for_it() -> None:
    error = after(rejected(None))[0].error
    assert error is not None
    assert error.code == "rejected"


@pytest.mark.parametrize(
    ("answer", "may_be_sent"),
    [
        (Accepted(UPSTREAM_ID), False),
        (UNKNOWN, False),
        (rejected(), False),
        (BUSY, True),
        (UNREACHABLE, True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_a_sure_refusal_may_be_sent_again(
    answer: Accepted | ProviderError, may_be_sent: bool
) -> None:
    task, _ = after(answer)
    assert (submission_moves.start_submission(task, NOW + seconds(60)) is not None) is may_be_sent


def finish(task: Task) -> Move | None:
    return verdict_moves.report_finished(
        task,
        FINISHED,
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.WEBHOOK,
        happened=Happened.WEBHOOK_ACCEPTED,
        now=NOW,
    )


def cancel(task: Task) -> Move | None:
    return ending_moves.cancel(task, NOW)


@pytest.mark.parametrize(
    "answer",
    [Accepted(UPSTREAM_ID), UNKNOWN, BUSY, UNREACHABLE, rejected()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    ("meanwhile", "status"), [(finish, Status.STORING), (cancel, Status.CANCELED)]
)
def test_whoever_was_faster_than_the_answer_stays_right(
    answer: Accepted | ProviderError,
    meanwhile: Callable[[Task], Move | None],
    status: Status,
) -> None:
    task = make_task()
    store = FakeTaskStore(task)
    kie = FakeProvider(answer, meanwhile=lambda: store.move(task, meanwhile))
    submitted = submit(store, kie, task)
    assert submitted == store.the(task)
    assert (submitted.status, submitted.error, submitted.attention) == (status, None, None)
    if isinstance(answer, Accepted):
        assert submitted.upstream_task_id == UPSTREAM_ID


def test_a_yes_that_could_not_be_recorded_leaves_the_creation_in_doubt() -> None:
    task = make_task()
    store = FakeTaskStore(task)

    def break_down() -> None:
        store.unavailable = True

    kie = FakeProvider(meanwhile=break_down)
    with pytest.raises(BackendUnavailableError):
        submit(store, kie, task)
    store.unavailable = False
    assert store.the(task).submission is Submission.SENDING
    assert submission_moves.start_submission(store.the(task), NOW + seconds(600)) is None


def test_what_there_was_no_time_to_send_is_sent_by_the_watch_at_once() -> None:
    task, happened = after(OutOfTimeError("it was not sent"))
    assert (task.status, task.submission) == (Status.QUEUED, Submission.WAITING)
    assert task.next_at == NOW
    assert happened == [Happened.SUBMISSION_REFUSED]


def test_whatever_goes_wrong_the_caller_hears_of_the_task() -> None:
    task = make_task()

    def submit(_: Task) -> Task:
        raise ZeroDivisionError

    flow = submitting_watched(
        FakeTaskStore(task), submit, FakeExecutions(), FakeQueue(), lambda: NOW
    )
    assert flow(task, sleeps_until=NOW) == task
