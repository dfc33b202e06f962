"""Compare the ledger with Kie.ai's own numbers: each task's price, its history, its balance."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.credits.ledger import NOTHING
from kie_gateway.core.credits.reconciliation import Difference, LedgerSnapshot, Listed
from kie_gateway.core.credits.reservation import Fate
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.polling.report import Finished, Partial, Report
from kie_gateway.core.task import Status, Submission, Task

KIE = "Kie.ai"


@dataclass(frozen=True)
class Checkpoint:
    """How things stood when they were last compared: Kie's balance, and the ledgers' own sums."""

    at: datetime
    balance: Decimal
    spent: Decimal
    held: Decimal


def prices_that_differ(
    ledger: LedgerSnapshot, since: datetime, ask: Callable[[Task], Report]
) -> Iterator[Difference]:
    """
    Ask Kie.ai what each task since a moment has cost.

    Args:
        ask: Raises ProviderError while Kie.ai does not say; such tasks are named.
    """
    for task in sorted(ledger.tasks.values(), key=lambda task: task.task_id):
        reservation = task.reservation
        if task.created_at < since or reservation is None or task.upstream_task_id is None:
            continue
        if reservation.fate is Fate.OPEN:
            continue
        try:
            report = ask(task)
        except ProviderError as error:
            yield Difference(task.task_id, f"Kie.ai does not say what it charged: {error.message}")
            continue
        if isinstance(report, Partial):
            report = report.finished
        if not isinstance(report, Finished):
            continue
        taken = report.credits
        if taken is not None and taken != reservation.charged:
            words = (
                f"Kie.ai charged {taken:f} credits, the owner was charged {reservation.charged:f}"
            )
            yield Difference(task.task_id, words)


def listings_that_differ(
    ledger: LedgerSnapshot, known: Callable[[str], bool], listed: Iterable[Listed]
) -> Iterator[Difference]:
    """
    Go through Kie's history.

    Args:
        known: Whether any task of this gateway has an id of Kie's.
    """
    by_upstream: defaultdict[str | None, list[Task]] = defaultdict(list)
    given_up = dict[str | None, Task]()
    for task in ledger.tasks.values():
        by_upstream[task.upstream_task_id].append(task)
        given_up.update((attempt.upstream_task_id, task) for attempt in task.attempts)
    for one in listed:
        if one.upstream_task_id in given_up and one.credits_taken:
            words = (
                f"the history says {one.credits_taken:f} credits for {one.upstream_task_id}"
                f" ({one.model}), an attempt that Kie.ai had said to have failed"
            )
            yield Difference(given_up[one.upstream_task_id].task_id, words)
            continue
        namesakes = by_upstream[one.upstream_task_id]
        if not namesakes:
            if not known(one.upstream_task_id):
                taken = "" if one.credits_taken is None else f", {one.credits_taken:f} credits"
                words = f"lists {one.upstream_task_id} ({one.model}{taken}), unknown here"
                yield Difference(KIE, words)
            continue
        # Upgrades of a clip go by the clip's own id, so whose price it is cannot be told.
        task, reservation = namesakes[0], namesakes[0].reservation
        if len(namesakes) > 1 or reservation is None or one.credits_taken is None:
            continue
        if reservation.fate is Fate.OPEN:
            continue
        if one.credits_taken != reservation.charged:
            words = (
                f"the history says {one.credits_taken:f} credits,"
                f" charged were {reservation.charged:f}"
            )
            yield Difference(task.task_id, words)


def stand(ledger: LedgerSnapshot, balance: Decimal, now: datetime) -> Checkpoint:
    """Add up how things stand."""
    spent = sum((account.spent for account in ledger.accounts.values()), NOTHING)
    return Checkpoint(now, balance, spent, sum(map(_held_at_kie, ledger.tasks.values()), NOTHING))


def balance_that_differs(before: Checkpoint | None, now: Checkpoint) -> Iterator[Difference]:
    """Compare what Kie's balance has lost since the last time with what the ledgers spent."""
    if before is None:
        return
    lost = before.balance - now.balance
    ours = now.spent + now.held - before.spent - before.held
    if lost != ours:
        words = (
            f"the balance went from {before.balance:f} to {now.balance:f} since"
            f" {before.at:%Y-%m-%d %H:%M}Z, which is {lost:f}; the ledgers know of {ours:f}."
            " Top-ups, imports and other programs that use the same account are not included"
        )
        yield Difference(KIE, words)


def _held_at_kie(task: Task) -> Decimal:
    """Return what Kie.ai has reserved for a task it is working on: the price it will charge."""
    reservation = task.reservation
    sent = task.submission in (Submission.ACCEPTED, Submission.UNKNOWN, Submission.SENDING)
    if reservation is None or reservation.fate is not Fate.OPEN or not sent:
        return NOTHING
    if (task.status is Status.STORING or task.is_unstored) and task.credits_charged is not None:
        return task.credits_charged
    return reservation.price
