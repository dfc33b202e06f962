"""
Ask Kie.ai how a task stands, and record the answer.

The status call comes first. Sources that may also know the truth
(`flows/polling/fallback_sources.py`) are asked when the status call is not understood or lags, and
each shows on the timeline. An answer that lacks some of the results is no verdict until the
deadline; then what there is has to do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.moves.alternative_moves import is_same_attempt, of_attempt
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed, Finished, NotUnderstood, Partial, Report
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import WITHOUT_VERDICT, CompletedBy, Submission, Task
from kie_gateway.core.timeline import Entry
from kie_gateway.flows.polling.archive_answer import ArchiveAnswer
from kie_gateway.flows.polling.fallback_sources import FallbackSource
from kie_gateway.flows.polling.record_answer import RecordAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission


@dataclass(frozen=True)
class AskKie:
    """
    Asks about tasks that have no verdict yet.

    Attributes:
        fallbacks: Who else may know, in order.
        report_unclear: Told of answers that were not understood.
    """

    tasks: TaskStore
    kie: Provider
    archive_answer: ArchiveAnswer
    record_answer: RecordAnswer
    record_submission: RecordSubmission
    now: Callable[[], datetime]
    fallbacks: Sequence[FallbackSource] = ()
    report_unclear: Callable[[Task, str], None] = lambda _task, _reason: None

    def __call__(
        self, task: Task, by: CompletedBy, *, all_sources: bool = False, must_answer: bool = False
    ) -> Task:
        """
        Ask about a task.

        Args:
            by: Who is asking; becomes the task's `completed_by` if the status call is a verdict.
            all_sources: Ask all fallbacks, whether it is their time or not.
            must_answer: Raise in the end if the status call brought no answer, and no fallback a
                verdict.

        Returns:
            The record afterwards. It is not expired here, whatever the time.

        Raises:
            ProviderError: It is recorded that Kie.ai did not answer.
        """
        if task.upstream_task_id is None:
            return self._without_id(task)
        report, trouble = None, None
        try:
            report, after = self._ask(task, by)
        except ProviderError as error:
            trouble = error
            after = self.record_answer.none(task, error, self.now())
        after = self._ask_fallbacks(task, after, report, all_sources=all_sources)
        if must_answer and trouble is not None and after.status in WITHOUT_VERDICT:
            raise trouble
        return after

    def _ask(self, task: Task, by: CompletedBy) -> tuple[Report, Task]:
        answer = self.kie.ask(task)
        report = answer.report
        if isinstance(report, Finished | Partial | Failed | NotUnderstood):
            self.archive_answer(task, answer.raw)
        if isinstance(report, NotUnderstood):
            self.report_unclear(task, report.reason)
        by = CompletedBy.IMPORT if task.submission is Submission.IMPORTED else by
        return report, self.record_answer(task, report, by, self.now())

    def _ask_fallbacks(
        self, before: Task, after: Task, report: Report | None, *, all_sources: bool
    ) -> Task:
        for source in self.fallbacks:
            if after.status not in WITHOUT_VERDICT or not is_same_attempt(before, after):
                return after
            # As it stood before this question: the first question alone is no sign of a lag.
            if all_sources or source.is_due(before, report, self.now()):
                after = self._ask_fallback(after, source, self.now())
        return after

    def _ask_fallback(self, task: Task, source: FallbackSource, now: datetime) -> Task:
        found = source.ask(task, now)
        if found is None:
            return task
        self.tasks.note(task.task_id, Entry(source.happened, now, found.words, found.facts))
        finished = found.finished
        if finished is None:
            return task

        def decide(current: Task) -> Move | None:
            return verdict_moves.answer_finished(current, finished, by=source.by, now=now)

        return self.tasks.move(task, of_attempt(task, decide)).task

    def _without_id(self, task: Task) -> Task:
        """Nothing can be asked about a creation whose answer never came; a webhook still can."""
        if task.submission is Submission.SENDING:
            words = "The sender ended before an answer came."
            return self.record_submission.lost(task, words, self.now())
        return self.record_answer.impossible(task, self.now())
