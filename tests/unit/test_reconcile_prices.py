"""What Kie.ai says a task has cost, against what its owner was charged."""

from decimal import Decimal

import pytest

from kie_gateway.core.credits.reconciliation import LedgerSnapshot
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.polling.report import Finished, Partial, Report, Running
from kie_gateway.core.results import Source
from kie_gateway.flows.credits.reconcile import prices_that_differ
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
