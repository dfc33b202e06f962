"""Who else is asked when Kie's status call lags, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kie_gateway.core.errors.provider_errors import ProviderAuthError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.failure import Category
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Finished, NotUnderstood, Report, Running
from kie_gateway.core.ports.kie import Record
from kie_gateway.core.results import Source
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.polling.fallback_sources import (
    FallbackSource,
    GuessedLinkSource,
    HistorySource,
)
from kie_gateway.kie.history import KieHistory
from tests.fakes import Clock, FakeArchive, FakeProvider, FakeTaskStore
from tests.flows import REDACTION, asking
from tests.makers import NOW, RESULT_URL, running_task, seconds, typical_seconds

FOUND = Finished("success", (Source(RESULT_URL),))
STUCK = NotUnderstood("completed, yet no result", NOW)


@dataclass
class FakeHistory:
    record: Record | None = None
    error: ProviderAuthError | None = None
    opened: bool = True
    asked: int = 0

    def is_open(self, task: Task) -> bool:
        return self.opened

    def find(self, task: Task) -> Record | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.record


@dataclass
class FakeGuesses:
    links: Sequence[str] = ()
    alive: str | None = None
    error: SourceForbiddenError | None = None
    tried: list[str] = field(default_factory=list)

    def candidates(self, task: Task) -> Sequence[str]:
        return self.links

    def first_alive(self, links: Sequence[str]) -> str | None:
        self.tried += links
        if self.error is not None:
            raise self.error
        return self.alive


def ask(
    answer: Report,
    *sources: FallbackSource,
    age: float = 100,
    all_sources: bool = False,
    **task: Any,
) -> tuple[Task, list[Happened], str]:
    before = running_task(**task)
    store = FakeTaskStore(before)
    flow = asking(
        store,
        FakeProvider(answers=[answer]),
        FakeArchive(),
        PollPolicy(0, 900, typical_seconds=typical_seconds),
        lambda: NOW + seconds(age),
        fallbacks=sources,
    )
    by = CompletedBy.REFRESH if all_sources else CompletedBy.POLL
    after = flow(before, by, all_sources=all_sources)
    return after, store.happened(after), store.words(after)


def record(age: float | None = 60, report: Report = FOUND, now: float = 100) -> Record:
    return Record(report, None if age is None else NOW + seconds(now - age))


def test_a_stuck_flag_is_looked_up_in_the_history() -> None:
    task, happened, _ = ask(STUCK, HistorySource(FakeHistory(record())))
    assert (task.status, task.completed_by) == (Status.STORING, CompletedBy.HISTORY)
    assert happened == [Happened.KIE_ASKED, Happened.HISTORY_ASKED, Happened.RESULT_REPORTED]


@pytest.mark.parametrize(("polls", "asked"), [(0, 0), (1, 1)])
def test_a_task_that_runs_is_looked_up_from_the_second_question_on(polls: int, asked: int) -> None:
    history = FakeHistory(record())
    ask(Running("generating"), HistorySource(history), polls=polls)
    assert history.asked == asked


def test_a_clear_answer_needs_no_other_witness() -> None:
    history = FakeHistory(record())
    task, _, _ = ask(FOUND, HistorySource(history), polls=5)
    assert (task.completed_by, history.asked) == (CompletedBy.POLL, 0)


def test_a_history_that_is_closed_leaves_no_trace() -> None:
    _, happened, _ = ask(STUCK, HistorySource(FakeHistory(opened=False)), all_sources=True)
    assert happened == [Happened.KIE_ASKED]


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (FakeHistory(None), "does not list the task"),
        (FakeHistory(record(31 * 60, now=2000)), "too old to be accepted"),
        (FakeHistory(record(60, Running("x"), now=2000)), "without a result"),
        (
            FakeHistory(
                error=ProviderAuthError(
                    "the session has ended", provider_code="401", category=Category.INTERNAL
                )
            ),
            "the session has ended",
        ),
    ],
)
def test_what_the_history_cannot_tell_is_told(history: FakeHistory, words: str) -> None:
    task, happened, told = ask(STUCK, HistorySource(history), age=2000)
    assert (task.status, happened[-1]) == (Status.RUNNING, Happened.HISTORY_ASKED)
    assert words in told


@pytest.mark.parametrize(("minutes", "warned"), [(14, False), (16, True), (29, True)])
def test_an_old_record_is_taken_with_a_warning(minutes: int, warned: bool) -> None:
    history = FakeHistory(record(minutes * 60, now=2000))
    task, _, told = ask(STUCK, HistorySource(history), age=2000)
    assert task.completed_by is CompletedBy.HISTORY
    assert ("The record is old" in told) is warned


def test_a_page_that_refuses_us_is_told_of_once_and_not_at_every_question() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 401, "msg": "Unauthorized", "data": None})

    http = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(refuse))
    clock = Clock()
    history = KieHistory(http, lambda: None, REDACTION, api_key=lambda: "key", now=clock.now)
    told = []
    for _ in range(4):
        source = HistorySource(history)
        told.append(ask(Running("generating"), source, polls=1, family="gpt4o")[1:])
        clock.advance(25 * 60)
    happened = [Happened.HISTORY_ASKED in entries for entries, _ in told]
    # After an hour it is given another chance.
    assert happened == [True, False, False, True]
    assert "it refuses the gateway (401), and is not asked for an hour" in told[0][1]


def guess(guesses: FakeGuesses) -> GuessedLinkSource:
    return GuessedLinkSource(guesses, timedelta(seconds=600))


LINKS = ("https://tempfile.aiquickdraw.com/s/a.png", "https://tempfile.aiquickdraw.com/s/b.png")


@pytest.mark.parametrize(("age", "tried"), [(599, 0), (600, 2)])
def test_links_are_guessed_for_old_tasks_only(age: float, tried: int) -> None:
    guesses = FakeGuesses(LINKS, LINKS[1])
    task, _, _ = ask(Running("generating"), guess(guesses), age=age)
    assert len(guesses.tried) == tried
    if tried:
        assert (task.completed_by, task.sources) == (CompletedBy.GUESS, (Source(LINKS[1]),))


def test_a_refresh_climbs_the_all_sources_at_once() -> None:
    history, guesses = FakeHistory(None), FakeGuesses(LINKS, LINKS[0])
    task, happened, _ = ask(
        Running("generating"), HistorySource(history), guess(guesses), age=1, all_sources=True
    )
    assert happened[:3] == [Happened.KIE_ASKED, Happened.HISTORY_ASKED, Happened.LINKS_GUESSED]
    assert task.completed_by is CompletedBy.GUESS


@pytest.mark.parametrize(
    ("guesses", "words"),
    [
        (FakeGuesses(LINKS), "None of 2 guessed links"),
        (FakeGuesses(LINKS, error=SourceForbiddenError("no listed host")), "no listed host"),
    ],
)
def test_guesses_that_lead_nowhere_are_told(guesses: FakeGuesses, words: str) -> None:
    task, _, told = ask(Running("generating"), guess(guesses), age=700)
    assert task.status is Status.RUNNING
    assert words in told


def test_a_family_without_a_pattern_is_not_guessed_about() -> None:
    _, happened, _ = ask(Running("generating"), guess(FakeGuesses()), age=700)
    assert happened == [Happened.KIE_ASKED]


def test_a_completion_time_is_kept_for_the_guesses() -> None:
    task, _, _ = ask(STUCK)
    assert task.upstream_completed_at == NOW
