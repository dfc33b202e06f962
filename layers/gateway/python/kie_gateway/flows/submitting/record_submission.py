"""Record what is known of a creation after Kie.ai was asked for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.provider_errors import ProviderError, ProviderRejectedError
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import submission_moves, verdict_moves
from kie_gateway.core.moves.alternative_moves import of_attempt
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed
from kie_gateway.core.ports.kie import Accepted
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import Ticket
from kie_gateway.core.task import Submission, Task


@dataclass(frozen=True)
class RecordSubmission:
    """
    Records submissions; each method returns the record afterwards.

    An answer that comes when another model is tried already changes nothing.
    """

    tasks: TaskStore
    policy: PollPolicy

    def accepted(self, task: Task, accepted: Accepted, now: datetime) -> Task:
        """Record that Kie.ai took the creation, with the verdict if the answer holds it."""
        upstream_task_id, verdict = accepted.upstream_task_id, accepted.at_once

        def decide(current: Task) -> Move | None:
            if verdict is not None:
                return submission_moves.answered_at_once(
                    current, upstream_task_id, verdict, now=now
                )
            if upstream_task_id is None:
                return None
            next_at = self.policy.next_ask_at(current, now)
            return submission_moves.submitted(current, upstream_task_id, next_at=next_at, now=now)

        return self.tasks.move(task, of_attempt(task, decide)).task

    def lost(self, task: Task, words: str, now: datetime) -> Task:
        """Record that nobody knows whether Kie.ai took the creation."""

        def decide(current: Task) -> Move | None:
            next_at = self.policy.next_ask_at(current, now)
            return submission_moves.lose_submission(current, words, next_at=next_at, now=now)

        return self.tasks.move(task, of_attempt(task, decide)).task

    def queued(self, task: Task, error: ProviderError, ticket: Ticket, now: datetime) -> Task:
        """Record that the creation was surely not taken, and that its ticket says when again."""
        return self.refused(task, error, lambda _: ticket.at, now, turn=ticket.turn)

    def refused(
        self,
        task: Task,
        error: ProviderError,
        next_at: Callable[[Task], datetime],
        now: datetime,
        *,
        turn: int | None = None,
        short_of_credits: bool = False,
    ) -> Task:
        """
        Record that the creation was surely not taken, and when it is submitted again.

        Args:
            next_at: Says when, of the record as it stands; no later than the deadline.
            turn: In the submit queue; None if it does not wait there.
        """

        def decide(current: Task) -> Move | None:
            return submission_moves.refuse(
                current,
                error.message,
                error.provider_code,
                next_at=min(next_at(current), current.deadline_at),
                now=now,
                turn=turn,
                short_of_credits=short_of_credits,
            )

        return self.tasks.move(task, of_attempt(task, decide)).task

    def rejected(self, task: Task, error: ProviderRejectedError, now: datetime) -> Task:
        """Record that Kie.ai will never take the creation."""
        failure = Failure(
            code=error.provider_code or "rejected",
            category=Category(error.category),
            message=error.message,
            retryable=False,
        )

        def decide(current: Task) -> Move | None:
            refused = Failed(state="", failure=failure, blames_model=error.blames_model)
            return verdict_moves.fail(
                current, refused, by=None, now=now, submission=Submission.WAITING
            )

        return self.tasks.move(task, of_attempt(task, decide)).task
