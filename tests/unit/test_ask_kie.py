"""Asking Kie.ai how a task stands: every answer, every silence, and verdicts that cross."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.errors.provider_errors import (
    ProviderBusyError,
    ProviderContractError,
    ProviderError,
    ProviderRejectedError,
    ProviderUnreachableError,
)
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import ending_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Partial,
    Report,
    Running,
)
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.polling.fallback_sources import Finding
from tests.fakes import Clock, FakeArchive, FakeProvider, FakeTaskStore
from tests.flows import asking
from tests.makers import (
    NOW,
    RESULT_URL,
    TASK_ID,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
    typical_seconds,
)

POLICY = PollPolicy(first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds)
LATER = NOW + seconds(15)

FINISHED = Finished("success", (Source(RESULT_URL),), credits=Decimal(4))
FAILED = Failed("fail", Failure("500", Category.UPSTREAM, "Internal Error", retryable=True))
VERDICTS = [FINISHED, FAILED]
NO_VERDICTS = [Running("generating"), NotVisible("recordInfo is null"), NotUnderstood("odd")]
SILENCES = [
    ProviderBusyError("The call frequency is too high.", provider_code="429"),
    ProviderBusyError("Maintenance.", provider_code="455", retry_after_seconds=60),
    ProviderBusyError("HTTP 502", provider_code="502"),
    ProviderUnreachableError("Kie.ai: ReadTimeout"),
    ProviderContractError("HTTP 200 with a body that is not a JSON object"),
    ProviderRejectedError("You do not have access.", provider_code="401", category="internal"),
]


def kind(value: Any) -> str:
    return f"{type(value).__name__} {getattr(value, 'provider_code', '')}".strip()


def ask(
    store: FakeTaskStore,
    task: Task,
    *answers: Report | ProviderError,
    kie: FakeProvider | None = None,
    archive: FakeArchive | None = None,
    clock: Clock | None = None,
    by: CompletedBy = CompletedBy.POLL,
    all_sources: bool = False,
    must_answer: bool = False,
    **more: Any,
) -> Task:
    flow = asking(
        store,
        kie or FakeProvider(answers=answers),
        archive or FakeArchive(),
        POLICY,
        (clock or Clock(LATER)).now,
        **more,
    )
    asked = flow(task, by, all_sources=all_sources, must_answer=must_answer)
    assert asked == store.the(task)
    return asked


def test_a_task_that_runs_is_asked_about_later() -> None:
    store = FakeTaskStore(running_task())
    kie = FakeProvider(answers=[Running("generating")])
    task = ask(store, running_task(), kie=kie)
    assert kie.asked == [UPSTREAM_ID]
    assert (task.status, task.upstream_state, task.polls) == (Status.RUNNING, "generating", 1)
    assert task.next_at == POLICY.next_ask_at(task, LATER)
    assert store.happened(task) == [Happened.KIE_ASKED]


@pytest.mark.parametrize("by", [CompletedBy.POLL, CompletedBy.REFRESH, CompletedBy.WEBHOOK])
def test_a_result_is_stored_next_and_says_who_asked(by: CompletedBy) -> None:
    store = FakeTaskStore(running_task())
    task = ask(store, running_task(), FINISHED, by=by)
    assert (task.status, task.sources, task.completed_by) == (Status.STORING, FINISHED.sources, by)
    assert (task.credits_charged, task.next_at) == (Decimal(4), LATER)
    assert store.happened(task) == [Happened.RESULT_REPORTED]


def test_a_failure_ends_the_task_with_kies_words() -> None:
    store = FakeTaskStore(running_task())
    task = ask(store, running_task(), FAILED)
    assert (task.status, task.error, task.completed_at) == (Status.FAILED, FAILED.failure, LATER)
    assert store.happened(task) == [Happened.FAILED]


@pytest.mark.parametrize(
    ("age_seconds", "patient"), [(0, True), (15, True), (89.9, True), (90, False), (600, False)]
)
def test_a_task_that_kie_does_not_know_is_looked_for_often_at_first(
    age_seconds: float, patient: bool
) -> None:
    store = FakeTaskStore(running_task())
    now = NOW + seconds(age_seconds)
    task = ask(store, running_task(), NotVisible("no record"), clock=Clock(now))
    assert (task.status, task.polls) == (Status.RUNNING, 1)
    patiently, usually = now + seconds(10), POLICY.next_ask_at(running_task(), now)
    assert task.next_at == (patiently if patient else usually)
    assert "no record" in store.words(task)


@pytest.mark.parametrize("error", SILENCES, ids=kind)
def test_no_answer_is_noted_and_nothing_is_concluded(error: ProviderError) -> None:
    store, archive = FakeTaskStore(running_task(upstream_state="waiting")), FakeArchive()
    task = ask(store, running_task(upstream_state="waiting"), error, archive=archive)
    assert (task.status, task.upstream_state, task.error) == (Status.RUNNING, "waiting", None)
    pause = getattr(error, "retry_after_seconds", None) or 0
    later = max(POLICY.next_ask_at(task, LATER), LATER + seconds(pause))
    assert (task.polls, task.next_at) == (1, later)
    assert error.message in store.words(task)
    assert str(error.provider_code) in store.words(task)
    assert archive.bodies == {}


@pytest.mark.parametrize("answer", [*NO_VERDICTS, SILENCES[0]], ids=kind)
def test_pauses_grow_up_to_the_cap_and_end_at_the_deadline(answer: Any) -> None:
    clock = Clock(NOW + seconds(100))
    store = FakeTaskStore(running_task(deadline_at=NOW + seconds(500)))
    task, pauses = store.the(running_task()), []
    while clock.at < task.deadline_at:
        task = ask(store, task, answer, clock=clock)
        assert task.next_at is not None
        pauses.append((task.next_at - clock.at).total_seconds())
        clock.at = task.next_at
    assert pauses[0] == 50
    assert pauses[1:-1] == [60.0] * len(pauses[1:-1])
    assert clock.at == task.deadline_at


# --- archive ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kept"),
    [(FINISHED, True), (FAILED, True), (NotUnderstood("odd"), True), (Running("waiting"), False)],
    ids=kind,
)
def test_what_may_have_to_be_proved_is_kept(answer: Any, kept: bool) -> None:
    raw = b'{"code": 200}'
    archive = FakeArchive()
    kie = FakeProvider(answers=[answer], raw=raw)
    ask(FakeTaskStore(running_task()), running_task(), kie=kie, archive=archive)
    assert list(archive.bodies) == [f"answers/{TASK_ID}/20260301T120015000000Z.json"] * kept
    assert set(archive.bodies.values()) <= {raw}


@pytest.mark.parametrize("verdict", VERDICTS, ids=kind)
def test_a_verdict_counts_although_its_body_could_not_be_kept(verdict: Report) -> None:
    archive = FakeArchive(StorageError("S3 refused storing: SlowDown"))
    task = ask(FakeTaskStore(running_task()), running_task(), verdict, archive=archive)
    assert task.status in (Status.STORING, Status.FAILED)


# --- verdicts that cross ------------------------------------------------------------------------


def finish(task: Task) -> Move | None:
    return verdict_moves.report_finished(
        task,
        Finished("success", (Source(RESULT_URL + "?from=webhook"),)),
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.WEBHOOK,
        happened=Happened.WEBHOOK_ACCEPTED,
        now=NOW,
    )


def cancel(task: Task) -> Move | None:
    return ending_moves.cancel(task, NOW)


@pytest.mark.parametrize("answer", [*VERDICTS, *NO_VERDICTS, SILENCES[0]], ids=kind)
@pytest.mark.parametrize(
    ("meanwhile", "status"), [(finish, Status.STORING), (cancel, Status.CANCELED)]
)
def test_the_first_verdict_wins_over_the_answer_to_a_question(
    answer: Any, meanwhile: Callable[[Task], Move | None], status: Status
) -> None:
    store = FakeTaskStore(running_task())
    kie = FakeProvider(answers=[answer], meanwhile=lambda: store.move(running_task(), meanwhile))
    task = ask(store, running_task(), kie=kie)
    assert (task.status, task.polls, task.version) == (status, 0, 2)
    assert len(store.happened(task)) == 1


@pytest.mark.parametrize("answer", [*VERDICTS, *NO_VERDICTS], ids=kind)
def test_a_stale_record_is_read_again_before_it_is_written(answer: Any) -> None:
    ahead = storing_task(version=5)
    store = FakeTaskStore(ahead)
    assert ask(store, running_task(), answer) == ahead


@pytest.mark.parametrize(
    ("answer", "status"),
    [(FINISHED, Status.STORING), (FAILED, Status.FAILED), (Running("waiting"), Status.EXPIRED)],
    ids=kind,
)
def test_a_late_verdict_settles_an_expired_task(answer: Any, status: Status) -> None:
    expired = running_task(status=Status.EXPIRED, attention=Attention.STALLED)
    task = ask(FakeTaskStore(expired), expired, answer)
    assert task.status is status
    assert (task.attention is None) is (status is not Status.EXPIRED)


def test_adopted_work_says_that_it_was_imported() -> None:
    imported = running_task(submission=Submission.IMPORTED)
    task = ask(FakeTaskStore(imported), imported, FINISHED)
    assert task.completed_by is CompletedBy.IMPORT


# --- the fallback sources -----------------------------------------------------------------------


@dataclass
class FakeSource:
    """
    Somebody who may know more.

    Attributes:
        asked: What the status call said, at each look whether it is time to ask.
    """

    heard: Finding | None
    due: bool = True
    asked: list[Report | None] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    by = CompletedBy.HISTORY
    happened = Happened.HISTORY_ASKED

    def is_due(self, task: Task, report: Report | None, now: datetime) -> bool:
        self.asked.append(report)
        return self.due

    def ask(self, task: Task, now: datetime) -> Finding | None:
        self.meanwhile()
        return self.heard


KNOWS = Finding("The history page says that it is done.", FINISHED)
KNOWS_NOTHING = Finding("The history page does not list the task.")


@pytest.mark.parametrize("answer", [*NO_VERDICTS, *SILENCES], ids=kind)
def test_another_source_may_bring_the_verdict(answer: Any) -> None:
    store = FakeTaskStore(running_task())
    first, second, third = FakeSource(KNOWS_NOTHING), FakeSource(KNOWS), FakeSource(KNOWS)
    task = ask(store, running_task(), answer, fallbacks=[first, second, third])
    assert (task.status, task.completed_by) == (Status.STORING, CompletedBy.HISTORY)
    assert first.asked == second.asked == [None if isinstance(answer, ProviderError) else answer]
    assert third.asked == []
    asked = Happened.HISTORY_ASKED
    assert store.happened(task) == [Happened.KIE_ASKED, asked, asked, Happened.RESULT_REPORTED]
    assert KNOWS_NOTHING.words in store.words(task)


@pytest.mark.parametrize("verdict", VERDICTS, ids=kind)
def test_nobody_else_is_asked_after_a_verdict(verdict: Report) -> None:
    source = FakeSource(KNOWS)
    task = ask(FakeTaskStore(running_task()), running_task(), verdict, fallbacks=[source])
    assert (task.completed_by, source.asked) == (CompletedBy.POLL, [])


@pytest.mark.parametrize(("whole", "status"), [(False, Status.RUNNING), (True, Status.STORING)])
def test_a_source_waits_for_its_time_unless_all_are_asked_for(whole: bool, status: Status) -> None:
    sources = [FakeSource(KNOWS, due=False)]
    store = FakeTaskStore(running_task())
    task = ask(store, running_task(), Running("waiting"), fallbacks=sources, all_sources=whole)
    assert task.status is status


def test_a_rung_with_nothing_to_ask_leaves_no_trace() -> None:
    store = FakeTaskStore(running_task())
    ask(store, running_task(), Running("waiting"), fallbacks=[FakeSource(None)])
    assert store.happened(running_task()) == [Happened.KIE_ASKED]


def test_a_webhook_is_faster_than_a_rung() -> None:
    store = FakeTaskStore(running_task())
    source = FakeSource(KNOWS, meanwhile=lambda: store.move(store.the(running_task()), finish))
    task = ask(store, running_task(), Running("waiting"), fallbacks=[source])
    assert (task.status, task.completed_by) == (Status.STORING, CompletedBy.WEBHOOK)


def test_answers_that_nobody_understands_are_told() -> None:
    told: list[str] = []
    for answer in (NotUnderstood("odd"), Running("waiting"), FINISHED, SILENCES[0]):
        store = FakeTaskStore(running_task())
        ask(store, running_task(), answer, report_unclear=lambda _, reason: told.append(reason))
    assert told == ["odd"]


# --- creations whose answer never came ----------------------------------------------------------

WITHOUT_ID = {"submission": Submission.UNKNOWN, "attention": Attention.SUBMISSION_UNKNOWN}


def test_a_creation_whose_sender_died_is_in_doubt_and_never_sent_again() -> None:
    store, kie = FakeTaskStore(make_task()), FakeProvider()
    task = ask(store, make_task(), kie=kie)
    assert (task.status, task.submission) == (Status.QUEUED, Submission.UNKNOWN)
    assert task.attention is Attention.SUBMISSION_UNKNOWN
    assert task.next_at == POLICY.next_ask_at(task, LATER)
    assert store.happened(task) == [Happened.SUBMISSION_UNKNOWN]
    assert (kie.created, kie.asked) == ([], [])


def test_nothing_can_be_asked_without_an_id() -> None:
    unknown = make_task(**WITHOUT_ID)
    store, kie = FakeTaskStore(unknown), FakeProvider()
    task = ask(store, unknown, kie=kie)
    assert (task.status, task.polls, kie.asked) == (Status.QUEUED, 1, [])
    assert task.next_at == POLICY.next_ask_at(unknown, LATER)
    assert store.happened(task) == [Happened.KIE_ASKED]


@pytest.mark.parametrize(
    "ahead",
    [
        running_task(version=2),
        make_task(**{**WITHOUT_ID, "upstream_task_id": UPSTREAM_ID, "version": 2}),
        storing_task(version=2),
        make_task(**WITHOUT_ID, status=Status.CANCELED, version=2),
    ],
)
@pytest.mark.parametrize("stale", [make_task(), make_task(**WITHOUT_ID)])
def test_an_id_that_came_meanwhile_is_left_to_the_next_question(ahead: Task, stale: Task) -> None:
    store = FakeTaskStore(ahead)
    assert ask(store, stale) == ahead
    assert store.happened(stale) == []


HALF = Partial("SUCCESS", Finished("SUCCESS", (Source(RESULT_URL),), credits=Decimal(12)), (1,))


def test_half_a_result_is_no_verdict_and_is_asked_about_again_soon() -> None:
    asked = Asked([HALF, HALF, HALF])
    task = asked.ask(at=LATER)
    assert (task.status, task.upstream_state) == (Status.RUNNING, "SUCCESS")
    assert task.next_at == LATER + seconds(10)
    assert task.upstream_completed_at == LATER
    words = "Kie.ai says: SUCCESS. Of 2 results promised 1 can be had yet."
    assert words in asked.store.words(task)
    task = asked.ask(at=LATER + seconds(80))
    assert task.next_at == LATER + seconds(90)
    # What does not come soon is asked about as often as anything else.
    task = asked.ask(at=LATER + seconds(100))
    assert task.next_at == POLICY.next_ask_at(task, LATER + seconds(100))
    assert task.upstream_completed_at == LATER


def test_at_the_deadline_half_a_result_is_one_and_says_what_is_missing() -> None:
    asked = Asked([HALF])
    task = asked.ask(at=NOW + seconds(3600))
    assert (task.status, task.sources) == (Status.STORING, HALF.finished.sources)
    assert task.credits_charged == 12.0


def test_half_a_result_is_kept_in_the_archive() -> None:
    asked = Asked([HALF])
    asked.ask(at=LATER)
    assert len(asked.archive.bodies) == 1


@dataclass
class Asked:
    """A task, and a Kie.ai that answers one thing after another."""

    answers: list[Report]
    archive: FakeArchive = field(default_factory=FakeArchive)

    def __post_init__(self) -> None:
        self.task = running_task()
        self.store = FakeTaskStore(self.task)

    def ask(self, at: datetime) -> Task:
        kie = FakeProvider(answers=[self.answers.pop(0)])
        flow = asking(self.store, kie, self.archive, POLICY, lambda: at)
        return flow(self.store.the(self.task), CompletedBy.POLL)
