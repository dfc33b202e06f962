"""What Kie.ai says a task has cost, against what its owner was charged."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kie_gateway.core.alternatives import Attempt, AttemptStatus
from kie_gateway.core.credits.reconciliation import LedgerSnapshot, Listed
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves.alternative_moves import at_work
from kie_gateway.core.polling.report import Finished, Partial, Report, Running
from kie_gateway.core.results import Source
from kie_gateway.flows.credits.reconcile import listings_that_differ, prices_that_differ
from tests.makers import NOW, RESULT_URL, TASK_ID, running_task

WHOLE = Finished("SUCCESS", (Source(RESULT_URL),), credits=Decimal(12))
CHARGED = Reservation(Decimal(12), 3600, fate=Fate.CHARGED, charged=Decimal(10))


@pytest.mark.parametrize(
    ("report", "differs"),
    [(WHOLE, True), (Partial("SUCCESS", WHOLE, (1,)), True), (Running("PENDING"), False)],
)
def test_half_a_result_has_been_paid_for_as_a_whole(report: Report, *, differs: bool) -> None:
    ledger = LedgerSnapshot(tasks={TASK_ID: running_task(reservation=CHARGED)})
    found = list(prices_that_differ(ledger, NOW, lambda _: report))
    assert [one.words for one in found] == [
        "Kie.ai charged 12 credits, the owner was charged 10"
    ] * differs


@pytest.mark.parametrize("taken", [None, 0, 4])
def test_an_attempt_that_was_given_up_and_paid_for_is_named(taken: int | None) -> None:
    task = running_task(upstream_task_id="new")
    failure = Failure("500", Category.UPSTREAM, "x", retryable=True)
    over = Attempt(at_work(task), AttemptStatus.FAILED, failure, NOW, upstream_task_id="old")
    ledger = LedgerSnapshot(tasks={TASK_ID: replace(task, attempts=(over,))})
    listed = Listed("old", "a", None if taken is None else Decimal(taken), NOW)
    found = list(listings_that_differ(ledger, lambda _: True, [listed]))
    assert [one.about for one in found] == [TASK_ID] * bool(taken)
