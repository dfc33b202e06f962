"""Record what Kie.ai answered about a task; somebody else's earlier verdict stays."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kie_gateway.core.errors.provider_errors import ProviderBusyError, ProviderError
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.moves.alternative_moves import of_attempt
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
from kie_gateway.core.polling.schedule import NOT_VISIBLE_GRACE
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Entry, Happened


@dataclass(frozen=True)
class RecordAnswer:
    """
    Records answers, and when Kie.ai is asked next if they are no verdict.

    An answer about an attempt that is over changes nothing.
    """

    tasks: TaskStore
    policy: PollPolicy

    def __call__(self, task: Task, report: Report, by: CompletedBy, now: datetime) -> Task:
        """Record an answer; returns the record afterwards."""
        if isinstance(report, Partial) and now >= task.deadline_at:
            report = replace(report.finished, missing=report.missing)

        def decide(current: Task) -> Move | None:
            match report:
                case Finished() if not verdict_moves.only_previews(current, report):
                    return verdict_moves.answer_finished(current, report, by=by, now=now)
                case Failed():
                    return verdict_moves.fail(current, report, by=by, now=now)
                case _:
                    return self._no_verdict(current, report, now)

        return self.tasks.move(task, of_attempt(task, decide)).task

    def none(self, task: Task, error: ProviderError, now: datetime) -> Task:
        """Record that Kie.ai did not answer."""
        entry = Entry(
            Happened.KIE_ASKED,
            now,
            f"No answer about the task: {error.message}",
            {"code": error.provider_code},
        )
        pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None

        def decide(current: Task) -> Move | None:
            next_at = self.policy.next_ask_at(current, now)
            if pause is not None:
                next_at = min(max(next_at, now + timedelta(seconds=pause)), current.deadline_at)
            return verdict_moves.asked(current, None, entry, next_at=next_at)

        return self.tasks.move(task, of_attempt(task, decide)).task

    def impossible(self, task: Task, now: datetime) -> Task:
        """Record that Kie.ai cannot be asked, as it never named an id."""

        def decide(current: Task) -> Move | None:
            if current.upstream_task_id is not None or current.status is not Status.QUEUED:
                return None
            words = "Kie.ai cannot be asked, as it never named an id for the task."
            entry = Entry(Happened.KIE_ASKED, now, words)
            return verdict_moves.asked(
                current, None, entry, next_at=self.policy.next_ask_at(current, now)
            )

        return self.tasks.move(task, of_attempt(task, decide)).task

    def _no_verdict(self, task: Task, report: Report, now: datetime) -> Move | None:
        next_at = self.policy.next_ask_at(task, now)
        completed_at: datetime | None = None
        match report:
            case Running(state):
                entry = Entry(Happened.KIE_ASKED, now, f"Kie.ai says: {state}.", {"state": state})
                return verdict_moves.asked(task, state, entry, next_at=next_at)
            case Partial(state, finished):
                entry = Entry(Happened.KIE_ASKED, now, report.words, {"state": state})
                completed_at = task.upstream_completed_at or finished.completed_at or now
                if now - completed_at < NOT_VISIBLE_GRACE:
                    next_at = self.policy.while_not_visible_at(task, now)
                return verdict_moves.asked(
                    task, state, entry, next_at=next_at, completed_at=completed_at
                )
            case Finished():
                words = "Kie.ai names only the previews that it had named before."
            case NotVisible(message):
                if now - (task.submitted_at or task.created_at) < NOT_VISIBLE_GRACE:
                    next_at = self.policy.while_not_visible_at(task, now)
                words = f"Kie.ai does not know the task yet: {message}"
            case NotUnderstood(reason):
                completed_at = report.completed_at
                words = f"Kie.ai's answer was not understood and is kept in the archive: {reason}"
            case _:
                words = "Kie.ai's answer was not understood and is kept in the archive."
        entry = Entry(Happened.KIE_ASKED, now, words)
        return verdict_moves.asked(task, None, entry, next_at=next_at, completed_at=completed_at)
