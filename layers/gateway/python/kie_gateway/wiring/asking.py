"""Functions that speak to Kie.ai."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from ulid import ULID

from kie_gateway.aws.submit_queue_table import SubmitQueueTable
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.catalogue import catalogue
from kie_gateway.core.errors import (
    BackendUnavailableError,
    ConfigurationError,
    ProviderError,
    ProviderUnreachableError,
    StorageError,
)
from kie_gateway.core.model_times import Observed
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.result_hosts import ResultHosts
from kie_gateway.core.submit_queue import Rate
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.fetch.guessed_links import GuessedLinks
from kie_gateway.flows.ask_kie import ask_kie
from kie_gateway.flows.close_reservation import close_reservation
from kie_gateway.flows.host_inputs import host_inputs
from kie_gateway.flows.keep_input import Inputs
from kie_gateway.flows.rungs import GuessRung, HistoryRung, Rung
from kie_gateway.flows.submit_task import keep_sending, refused_for_now, submit_task
from kie_gateway.flows.use_uploads import link_uploads
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.uploads import KieUploads
from kie_gateway.observability import count, logger
from kie_gateway.settings import (
    ApiFunctionSettings,
    StoreFunctionSettings,
    SweepFunctionSettings,
    WatchFunctionSettings,
)
from kie_gateway.wiring.common import Common

# Kie.ai fetches inputs when it comes to the task, which may take a while. AWS ends such a link with
# the credentials that have signed it, those of the function's role, which AWS renews by a schedule
# that it does not document (repost.aws/knowledge-center/presigned-url-s3-bucket-expiration): links
# of Lambda were seen to last 12 hours at most, and so less when they are signed late.
_UPLOAD_LINK_SECONDS = 6 * 3600


class Asking(Common):
    """Functions that speak to Kie.ai."""

    def __init__(
        self,
        settings: ApiFunctionSettings
        | SweepFunctionSettings
        | StoreFunctionSettings
        | WatchFunctionSettings,
    ) -> None:
        super().__init__(settings.table_name, settings.bucket_name, settings.kie_secret_arn)
        self._callback_secret_arn = settings.callback_secret_arn
        self.times = TimesTable(self.clients.dynamodb, settings.table_name)
        self.submit_queue = SubmitQueueTable(
            self.clients.dynamodb,
            settings.table_name,
            Rate(settings.kie_creations_per_10_seconds),
            self._tell_time,
        )
        self.policy = PollPolicy(
            settings.first_poll_seconds,
            settings.poll_cap_seconds,
            typical_seconds=typical_seconds,
            observed=lambda model: observed_times(model, self.times),
        )
        self.inputs = Inputs(self.bucket)
        self.hosts = ResultHosts.parse(settings.result_hosts)
        http = httpx.Client(base_url=settings.kie_base_url, follow_redirects=False)
        kie_http = KieHttp(http, lambda: self.kie_keys().api_key, time_left=self.time_left)
        self.kie = KieClient(kie_http)
        self._kie_balance = KieBalance(kie_http)
        self.uploads = KieUploads(
            httpx.Client(base_url=settings.kie_upload_base_url),
            lambda: self.kie_keys().api_key,
            lambda: str(ULID()).lower(),
            time_left=self.time_left,
        )
        history = KieHistory(
            http,
            self._history_session,
            api_key=lambda: self.kie_keys().api_key,
            now=self._tell_time,
            time_left=self.time_left,
        )
        self.rungs: list[Rung] = [HistoryRung(history)]
        if settings.guess_after_seconds:
            links = GuessedLinks(
                FileFetcher(self.hosts, max_bytes=0, time_left=self.time_left),
                settings.guess_base_url,
                guessed_paths,
            )
            self.rungs.append(GuessRung(links, timedelta(seconds=settings.guess_after_seconds)))

    def callback_secret(self) -> str:
        """Read what callback tokens are made with. Raises ConfigurationError."""
        return self.secrets.text(self._callback_secret_arn)

    def _pause(self, seconds: float) -> None:
        self.sleep(seconds)

    def _history_session(self) -> Session | None:
        keys = self.kie_keys()
        if keys.history_token is None:
            return None
        return Session(keys.history_token, keys.history_unique_id)

    def submit(self, task: Task) -> Task:
        """Send the creation of a task whose record says `sending`, for us."""
        try:
            self.kie_keys()
            secret = self.callback_secret()
        except ConfigurationError as error:
            # Surely not sent: it waits for the secrets like for a Kie.ai that is not there.
            unreachable = ProviderUnreachableError(str(error))
            return refused_for_now(task, unreachable, tasks=self.tasks, now=self.now())
        return submit_task(
            task,
            tasks=self.tasks,
            kie=self.kie,
            archive=self.bucket,
            policy=self.policy,
            callback_secret=secret,
            now=self.now,
            submit_queue=self.submit_queue,
            prepare=self._prepare,
            balance=self.upstream_credits,
        )

    def _prepare(self, task: Task) -> Mapping[str, Any]:
        try:
            task = self.inputs.whole(task)
        except StorageError as error:
            # Surely not sent: it waits for its input.
            raise ProviderUnreachableError(error.message) from error
        return host_inputs(
            link_uploads(task.input, task.owner, self._link_upload),
            host=self.uploads,
            all_links=family(task.family).hosts_inputs,
            keep=lambda: keep_sending(task, tasks=self.tasks, now=self.now()),
        )

    def _link_upload(self, key: str) -> str:
        return self.bucket.presign(key, lifetime_seconds=_UPLOAD_LINK_SECONDS)

    def ask(
        self, task: Task, by: CompletedBy, *, whole_ladder: bool = False, must_answer: bool = False
    ) -> Task:
        """Ask Kie.ai how a task stands, or whoever else may know, and record the answer."""
        return ask_kie(
            task,
            by=by,
            tasks=self.tasks,
            kie=self.kie,
            archive=self.bucket,
            policy=self.policy,
            callback_secret=self.callback_secret(),
            now=self.now,
            rungs=self.rungs,
            whole_ladder=whole_ladder,
            tell_unclear=count_unclear,
            must_answer=must_answer,
        )

    def upstream_credits(self) -> Decimal | None:
        """Read what is left of the account at Kie.ai; None if it does not say."""
        try:
            return self._kie_balance.read()
        except (ProviderError, ConfigurationError) as error:
            logger.warning("Kie.ai did not tell its balance", extra={"why": str(error)})
            return None

    def close_reservation(self, task: Task, *, must_answer: bool = False) -> Task:
        """Ask Kie.ai what a canceled or deleted task has cost."""
        return close_reservation(
            task, tasks=self.tasks, kie=self.kie, now=self.now, must_answer=must_answer
        )


def typical_seconds(model: str) -> float:
    """Tell the median time of a model: the catalogue's, or else that of its family."""
    return catalogue.typical_seconds(model) or family_of(model).typical_seconds


def count_unclear(task: Task, reason: str) -> None:
    """Count an answer that was not understood: somebody should teach us its shape."""
    logger.warning("answer not understood", extra={"family": task.family, "reason": reason})
    count("KieAnswerNotUnderstood")


def observed_times(model: str, times: TimesTable) -> Observed | None:
    """Read what was observed of a model; a table that does not answer has observed nothing."""
    try:
        return times.observed(model)
    except BackendUnavailableError:
        return None


def guessed_paths(task: Task) -> Sequence[str]:
    """Name the paths that the task's family puts results under."""
    if task.upstream_task_id is None:
        return ()
    return family(task.family).guesses(task.upstream_task_id, task.upstream_completed_at)
