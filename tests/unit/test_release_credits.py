"""Giving credits back in time: Kie.ai is asked once more, and trouble with one stops no other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.provider_errors import ProviderBusyError
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.polling.report import Failed, Finished, NotVisible, Report, Running
from kie_gateway.core.results import Source
from kie_gateway.core.task import Status, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.credits.close_reservation import CloseReservation
from kie_gateway.flows.credits.release_credits import ReleaseCredits
from tests.fakes import Clock, FakeProvider, FakeTaskStore
from tests.makers import NOW, RESULT_URL, running_task, seconds

RESERVATION = Reservation(Decimal(10), 60)
DUE = running_task(
    status=Status.CANCELED, reservation=RESERVATION, release_at=NOW - seconds(1), next_at=None
)
FINISHED = Finished("success", (Source(RESULT_URL),), credits=Decimal(7))
FAILED = Failed("fail", Failure("500", Category.UPSTREAM, "no", retryable=True))


@dataclass
class Scene:
    """Tasks that are due, on the ledger."""

    tasks: list[Task]
    answer: Report | ProviderBusyError = field(default_factory=lambda: NotVisible("none"))
    refreshed: list[str] = field(default_factory=list)
    looked_after: list[Task] = field(default_factory=list)
    troubled: str = ""
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = FakeTaskStore(*self.tasks)
        self.kie = FakeProvider(answers=[self.answer])
        held = sum((RESERVATION.credits for _ in self.tasks), Decimal(0))
        self.store.accounts.change(
            "alice", lambda one: Posting(one, replace(one, reserved=held)), NOW
        )

    def release(self, has_time: Callable[[], bool] = lambda: True) -> int:
        return ReleaseCredits(
            releases=self.store,
            tasks=self.store,
            refresh=self.refresh,
            close=self.close,
            look_after=self.looked_after.append,
            now=self.clock.now,
        )(has_time)

    def refresh(self, task: Task) -> Task:
        self.refreshed.append(task.task_id)
        return task

    def close(self, task: Task) -> Task:
        if task.task_id == self.troubled:
            raise BackendUnavailableError("down")
        return CloseReservation(self.store, self.kie, self.clock.now)(task, must_answer=True)

    def fate(self, task: Task) -> Fate | None:
        reservation = self.store.the(task).reservation
        return reservation.fate if reservation is not None else None

    @property
    def account(self) -> Account:
        return self.store.accounts.account("alice", NOW)


@pytest.mark.parametrize(
    ("answer", "released", "fate", "spent"),
    [
        (NotVisible("none"), 1, Fate.RELEASED, 0),
        (Running("generating"), 1, Fate.RELEASED, 0),
        (FINISHED, 0, Fate.CHARGED, 7),
        (FAILED, 0, Fate.RELEASED, 0),
    ],
    ids=["unknown", "running", "finished", "failed"],
)
@pytest.mark.parametrize(
    "unwanted",
    [
        pytest.param(DUE, id="canceled"),
        pytest.param(replace(DUE, status=Status.EXPIRED, deleted_at=NOW), id="expired and deleted"),
    ],
)
def test_an_unwanted_task_is_asked_about_first(
    unwanted: Task, answer: Report, released: int, fate: Fate, spent: int
) -> None:
    scene = Scene([unwanted], answer)
    assert scene.release() == released
    assert scene.fate(DUE) is fate
    assert scene.account.reserved == 0
    assert scene.account.spent == spent
    assert scene.store.happened(DUE) == [Happened.CREDITS_SETTLED]
    assert scene.release() == 0
    assert (scene.refreshed, scene.store.the(DUE).status) == ([], unwanted.status)


@pytest.mark.parametrize("answer", [NotVisible("none"), FINISHED])
def test_a_question_that_was_not_answered_is_asked_again_before_credits_come_back(
    answer: Report,
) -> None:
    """One throttled call is no reason to give away what Kie.ai took for a result."""
    scene = Scene([replace(DUE, completed_at=NOW - seconds(61))])
    scene.kie.answers = [ProviderBusyError("busy"), ProviderBusyError("busy"), answer]
    told = []
    for _ in range(3):
        told.append((scene.release(), scene.fate(DUE)))
        scene.clock.advance(3600)
    fate = Fate.CHARGED if answer is FINISHED else Fate.RELEASED
    released = int(fate is Fate.RELEASED)
    assert told == [(0, Fate.OPEN), (0, Fate.OPEN), (released, fate)]


def test_a_question_that_is_never_answered_is_not_asked_for_ever() -> None:
    scene = Scene([replace(DUE, completed_at=NOW - seconds(61))], ProviderBusyError("busy"))
    asked = 0
    while not scene.release():
        asked += 1
        scene.clock.advance(3600)
    assert (scene.fate(DUE), asked) == (Fate.RELEASED, 24)


def test_an_expired_task_is_refreshed_first() -> None:
    expired = replace(DUE, status=Status.EXPIRED)
    scene = Scene([expired])
    assert scene.release() == 1
    assert scene.refreshed == [expired.task_id]
    assert scene.kie.asked == []


def test_a_task_that_is_open_still_is_looked_after_and_keeps_its_credits() -> None:
    lost = replace(
        DUE,
        status=Status.QUEUED,
        submission=Submission.SENDING,
        upstream_task_id=None,
        deadline_at=NOW - seconds(61),
    )
    scene = Scene([lost])
    assert scene.release() == 0
    assert scene.looked_after == [lost]
    assert scene.fate(lost) is Fate.OPEN


def test_the_rest_is_left_for_the_next_time_when_time_runs_out() -> None:
    tasks = [replace(DUE, task_id=f"task_{n}") for n in range(3)]
    scene, left = Scene(tasks), [True, True, False]
    released = scene.release(has_time=lambda: left.pop(0))
    assert (released, scene.release()) == (2, 1)


def test_trouble_with_one_stops_no_other_and_is_not_tried_for_ever() -> None:
    tasks = [replace(DUE, task_id=f"task_{n}") for n in range(3)]
    scene = Scene(tasks, troubled="task_1")
    assert scene.release() == 2
    assert [scene.fate(task) for task in tasks] == [Fate.RELEASED, Fate.OPEN, Fate.RELEASED]
