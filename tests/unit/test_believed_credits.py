"""What Kie.ai says it took is charged only within the bounds of sense."""

import math
from decimal import Decimal

import pytest

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.moves import storing_moves, verdict_moves
from kie_gateway.core.moves.credit_moves import close_canceled
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, running_task

ASKED = [by for by in CompletedBy if by is not CompletedBy.WEBHOOK]
SENSELESS = [-50.0, -0.01, 1e9, math.inf, -math.inf, math.nan]


def reserved(credits_: str = "4") -> Task:
    return running_task(reservation=Reservation(Decimal(credits_), 86_400))


def amount(taken: float | None) -> Decimal | None:
    return None if taken is None else Decimal(str(taken))


def told(task: Task, taken: float | None, by: CompletedBy) -> tuple[Decimal, str]:
    """What is charged in the end, and what the timeline says of the verdict."""
    verdict = Finished("success", (Source(RESULT_URL),), credits=amount(taken))
    move = verdict_moves.report_finished(
        task,
        verdict,
        upstream_task_id=UPSTREAM_ID,
        by=by,
        happened=Happened.RESULT_REPORTED,
        now=NOW,
    )
    assert move is not None
    settled = storing_moves.settle(move.task, [], NOW)
    assert settled is not None
    assert settled.task.reservation is not None
    return settled.task.reservation.charged, move.entries[0].message


@pytest.mark.parametrize("by", CompletedBy)
@pytest.mark.parametrize("taken", SENSELESS)
def test_a_senseless_number_moves_no_balance(taken: float, by: CompletedBy) -> None:
    """A body of -50 credits, which anybody who has the URL can send, once made a balance grow."""
    charged, words = told(reserved(), taken, by)
    assert charged == 4
    assert "are implausible" in words


@pytest.mark.parametrize(("taken", "charged"), [(0, "0"), (3.5, "3.5"), (8, "8"), (8.1, "4")])
def test_a_webhook_is_believed_up_to_twice_the_estimate(taken: float, charged: str) -> None:
    assert told(reserved(), taken, CompletedBy.WEBHOOK)[0] == Decimal(charged)


def test_a_webhook_is_believed_where_nothing_was_expected() -> None:
    """Whatever has no estimate would have been free for ever, twice nothing being nothing."""
    assert told(reserved("0"), 30, CompletedBy.WEBHOOK)[0] == 30
    assert told(reserved("0"), 1e9, CompletedBy.WEBHOOK)[0] == 0


@pytest.mark.parametrize("by", ASKED)
@pytest.mark.parametrize(("taken", "charged"), [(0, "0"), (208, "208"), (6000, "6000")])
def test_an_answer_is_believed_beyond_the_estimate(
    taken: float, charged: str, by: CompletedBy
) -> None:
    charged_, words = told(reserved(), taken, by)
    assert charged_ == Decimal(charged)
    assert words == "Kie.ai is done: 1 file."


def test_an_answer_is_believed_up_to_ten_large_estimates() -> None:
    assert told(reserved("5000"), 50_000, CompletedBy.POLL)[0] == 50_000
    assert told(reserved("5000"), 50_001, CompletedBy.POLL)[0] == 5000


@pytest.mark.parametrize("by", CompletedBy)
def test_without_a_number_the_estimate_is_charged(by: CompletedBy) -> None:
    assert told(reserved(), None, by) == (Decimal(4), "Kie.ai is done: 1 file.")


@pytest.mark.parametrize("taken", SENSELESS)
def test_a_canceled_task_is_charged_with_sense_as_well(taken: float) -> None:
    canceled = reserved()
    verdict = Finished("success", (Source(RESULT_URL),), credits=amount(taken))
    move = close_canceled(Task(**{**vars(canceled), "status": Status.CANCELED}), verdict, NOW)
    assert move is not None
    assert move.task.reservation is not None
    assert move.task.reservation.charged == 4
