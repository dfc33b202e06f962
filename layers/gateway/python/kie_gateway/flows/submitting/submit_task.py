"""Ask Kie.ai to create a task, at most once, and record exactly what is known afterwards."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.provider_errors import (
    OutOfTimeError,
    ProviderBusyError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.polling.schedule import after_refusal_at, after_want_of_credits_at
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import Ticket
from kie_gateway.core.task import Task
from kie_gateway.flows.polling.archive_answer import ArchiveAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission

_log = logging.getLogger(__name__)

# Kie.ai has had more creations than it takes in ten seconds.
TOO_MANY = frozenset({"429", "430"})
# Of those in the queue, when it matters whether one of them is cheaper.
_LOOKED_AT = 20


@dataclass(frozen=True)
class SubmitTask:
    """
    Sends creations of tasks whose record says `sending`, for us.

    Attributes:
        submit_queue: Hears of refusals, and issues tickets.
        prepare: Makes of a task's input what Kie.ai can use; may raise ProviderError, as nothing
            is created by then.
        balance: Asks what is left of the account at Kie.ai, None if it does not say.
        spread: A random number from 0 to 1, so that those refused together come back apart.
    """

    tasks: TaskStore
    kie: Provider
    archive_answer: ArchiveAnswer
    record: RecordSubmission
    submit_queue: SubmitQueue
    now: Callable[[], datetime]
    prepare: Callable[[Task], Mapping[str, Any]] = lambda task: task.input
    balance: Callable[[], Decimal | None] = lambda: None
    spread: Callable[[], float] = random.random

    def __call__(self, task: Task) -> Task:
        """
        Send one creation.

        Returns:
            The record afterwards: running, still queued (refused for now, or unknown), failed, or
            storing if the answer holds the result already.
        """
        try:
            accepted = self.kie.create(task, self.prepare(task))
        except (ProviderBusyError, ProviderUnreachableError) as error:
            return self._refused_for_now(task, error)
        except ProviderNoCreditsError as error:
            return self._out_of_credits(task, error, self.balance())
        except ProviderRejectedError as error:
            return self.record.rejected(task, error, self.now())
        except SubmissionUnknownError as error:
            return self.record.lost(task, error.message, self.now())
        if accepted.at_once is not None:
            self.archive_answer(task, accepted.raw)
        return self.record.accepted(task, accepted, self.now())

    def _refused_for_now(
        self, task: Task, error: ProviderBusyError | ProviderUnreachableError
    ) -> Task:
        ticket = self._ticket_of_refusal(task, error)
        now = self.now()
        if ticket is not None:
            return self.record.queued(task, error, ticket, now)
        pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None
        spread = self.spread()

        def next_at(current: Task) -> datetime:
            if isinstance(error, OutOfTimeError):
                # The watch has more time, and none is to be lost.
                return now
            attempts = current.submission_attempts
            return after_refusal_at(attempts, now=now, retry_after_seconds=pause, spread=spread)

        return self.record.refused(task, error, next_at, now)

    def _ticket_of_refusal(
        self, task: Task, error: ProviderBusyError | ProviderUnreachableError
    ) -> Ticket | None:
        """Get a ticket if Kie.ai has had too many creations; None for every other trouble."""
        if not isinstance(error, ProviderBusyError) or error.provider_code not in TOO_MANY:
            return None
        pause = error.retry_after_seconds

        def report() -> bool:
            state = self.submit_queue.state()
            if state is not None and state.covers(task.price):
                # The queue waits for credits, of which this one needs no more than there are.
                return False
            self.submit_queue.report_refusal(pause)
            return True

        return self._ticket_after(report, task)

    def _ticket_after(self, report: Callable[[], bool], task: Task) -> Ticket | None:
        """Report a refusal to the queue and get a ticket; None if there is no queue to wait in."""
        try:
            return self.submit_queue.enqueue(task.owner) if report() else None
        except BackendUnavailableError as trouble:
            # The refusal itself is worth recording; without a ticket it is sent again by the clock.
            _log.warning("no ticket in the submit queue for %s: %s", task.task_id, trouble)
            return None

    def _out_of_credits(
        self, task: Task, error: ProviderNoCreditsError, funds: Decimal | None
    ) -> Task:
        """
        Wait for somebody to top up the account; others wait, too, only if nothing is left for them.

        Args:
            funds: What is left of the account, None if that is not known.
        """
        _log.error("Kie.ai refuses for lack of credits: %s (balance: %s)", error.message, funds)

        def report() -> bool:
            if funds is None or self._is_left_for_others(task, funds):
                return False
            self.submit_queue.pause_for_credits(funds)
            return True

        ticket = self._ticket_after(report, task)
        now = self.now()
        if ticket is not None:
            return self.record.queued(task, error, ticket, now)
        is_short = funds is None or task.price is None or funds < task.price
        return self.record.refused(
            task,
            error,
            lambda current: after_want_of_credits_at(current.submission_attempts, now),
            now,
            # The index of those who wait wants a turn; in the queue it gets another.
            turn=0 if is_short else None,
            short_of_credits=is_short,
        )

    def _is_left_for_others(self, task: Task, funds: Decimal) -> bool:
        """Whether what is left would do for the task itself, or for somebody in the queue."""
        if funds <= 0:
            return False
        if task.price is None or task.price <= funds:
            return True
        front = self.submit_queue.front()[:_LOOKED_AT]
        return any(
            other is not None
            and other.is_in_submit_queue
            and other.task_id != task.task_id
            and (other.price is None or other.price <= funds)
            for other in (self.tasks.get(task_id) for task_id in front)
        )
