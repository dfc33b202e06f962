"""Fresh links in the place of those that bring nothing any more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.errors.storage_errors import LeaseLostError
from kie_gateway.core.files.storing import (
    Results,
    never_came,
    numbered,
    results_of,
    without_beside,
)
from kie_gateway.core.moves import storing_moves
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Source
from kie_gateway.core.task import Task
from kie_gateway.flows.files.copy_attempt import CopyAttempt
from kie_gateway.flows.files.storing_lease import StoringLease


@dataclass(frozen=True)
class RenewSources:
    """Asks Kie.ai for links that have not expired, and records them."""

    tasks: TaskStore
    kie: Provider
    now: Callable[[], datetime]

    def __call__(self, lease: StoringLease, attempt: CopyAttempt) -> Sequence[Source] | None:
        """
        Renew the links of a task; what the attempt lacks is to be copied anew.

        Returns:
            The results with fresh links; None if Kie.ai gave no others.

        Raises:
            LeaseLostError: Another copy has taken over.
        """
        task = lease.task
        fresh = self._fresh_results(task, attempt)
        if fresh.sources == task.sources:
            return None
        renewed = self.tasks.move(
            task,
            lambda current: storing_moves.renew_sources(
                current, fresh, task.storing_until, self.now()
            ),
        )
        if renewed.changed:
            lease.task = renewed.task
        elif renewed.task.storing_until != task.storing_until:
            raise LeaseLostError("Another copy of the results has taken over.")
        if len(without_beside(fresh.sources)) != len(without_beside(task.sources)):
            # Not the same results: what has which number is to be found out anew.
            attempt.copied.clear()
        attempt.lacking.clear()
        return fresh.sources

    def _fresh_results(self, task: Task, attempt: CopyAttempt) -> Results:
        known = Results(task.sources, never_came(task))
        if task.upstream_task_id is None:
            return known
        try:
            report = self.kie.ask(task).report
            fresh = results_of(report, task) if isinstance(report, Finished) else known
            # Where the record still names the old links they are exchanged one by one.
            old = {index for index, _ in set(_numbered(fresh)) & set(_numbered(known))}
            sources = [
                self._exchanged(task, source) if index in old & attempt.lacking.keys() else source
                for index, source in _numbered(fresh)
            ]
        except ProviderError:
            return known
        return replace(fresh, sources=tuple(sources))

    def _exchanged(self, task: Task, source: Source) -> Source:
        fresh = self.kie.fresh_link(task, source.url) if source.url else None
        return replace(source, url=fresh) if fresh else source


def _numbered(results: Results) -> Iterator[tuple[int, Source]]:
    return numbered(results.sources, results.missing)
