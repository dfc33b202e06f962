"""Parts that ask Kie.ai how tasks stand, and choose when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kie_gateway.aws.times_table import TimesTable
from kie_gateway.catalogue import catalogue
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.core.polling.model_times import Observed
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.fetch.guessed_links import GuessedLinks
from kie_gateway.flows.polling.archive_answer import ArchiveAnswer
from kie_gateway.flows.polling.ask_kie import AskKie
from kie_gateway.flows.polling.fallback_sources import (
    FallbackSource,
    GuessedLinkSource,
    HistorySource,
)
from kie_gateway.flows.polling.record_answer import RecordAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.observability import count, logger
from kie_gateway.settings import PollSettings
from kie_gateway.wiring.kie import Kie, make_kie
from kie_gateway.wiring.runtime import Runtime


@dataclass(frozen=True)
class Polling:
    """
    Parts that ask Kie.ai how tasks stand, and choose when.

    Attributes:
        hosts: Where results may be fetched from.
    """

    times: TimesTable
    policy: PollPolicy
    kie: Kie
    hosts: ResultHosts
    ask: AskKie


def make_polling(settings: PollSettings, runtime: Runtime, tasks: TaskStore) -> Polling:
    """Make what asks Kie.ai, or whoever else may know."""
    times = TimesTable(runtime.clients.dynamodb, settings.table_name)
    policy = PollPolicy(
        settings.first_poll_seconds,
        settings.poll_cap_seconds,
        typical_seconds=_typical_seconds,
        observed=lambda model: _observed(model, times),
    )
    kie, hosts = make_kie(settings, runtime), ResultHosts.parse(settings.result_hosts)
    fallbacks: list[FallbackSource] = [HistorySource(kie.history)]
    if settings.guess_after_seconds:
        fetcher = FileFetcher(hosts, max_bytes=0, time_left=runtime.time_left)
        links = GuessedLinks(fetcher, settings.guess_base_url, _guessed_paths)
        fallbacks.append(GuessedLinkSource(links, timedelta(seconds=settings.guess_after_seconds)))
    ask = AskKie(
        tasks=tasks,
        kie=kie.client,
        archive_answer=ArchiveAnswer(runtime.bucket, runtime.now),
        record_answer=RecordAnswer(tasks, policy),
        record_submission=RecordSubmission(tasks, policy),
        now=runtime.now,
        fallbacks=fallbacks,
        report_unclear=_report_unclear,
    )
    return Polling(times, policy, kie, hosts, ask)


def _typical_seconds(model: str) -> float:
    """Return the median time of a model: the catalogue's, or else that of its family."""
    return catalogue.typical_seconds(model) or family_of(model).typical_seconds


def _observed(model: str, times: TimesTable) -> Observed | None:
    """Read what was observed of a model; a table that does not answer has observed nothing."""
    try:
        return times.observed(model)
    except BackendUnavailableError:
        return None


def _guessed_paths(task: Task) -> Sequence[str]:
    """Return the paths that the task's family puts results under."""
    if task.upstream_task_id is None:
        return ()
    return family(task.family).guesses(task.upstream_task_id, task.upstream_completed_at)


def _report_unclear(task: Task, reason: str) -> None:
    """Count an answer that was not understood: somebody should teach us its shape."""
    logger.warning("answer not understood", extra={"family": task.family, "reason": reason})
    count("KieAnswerNotUnderstood")
