"""The one place that knows the concrete classes; clients are made once, while a function starts."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import httpx
from botocore.config import Config
from ulid import ULID

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.creation_switch import CreationSwitch
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.pace_table import PaceTable
from kie_gateway.aws.request_counts import RequestCounts
from kie_gateway.aws.secrets import KieKeys, Secrets
from kie_gateway.aws.signed_links import CloudFrontLinks
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.thumbnails import ThumbnailMaker
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.catalogue import catalogue
from kie_gateway.core.account import Account
from kie_gateway.core.errors import (
    ConfigurationError,
    FieldFault,
    InvalidRequestError,
    ProviderError,
    ProviderUnreachableError,
    RecordUnavailableError,
    SourceForbiddenError,
)
from kie_gateway.core.model_times import Observed
from kie_gateway.core.pace import Rate
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.reservation import Reservation, as_credits
from kie_gateway.core.result_hosts import ResultHosts
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.fetch.guessed_links import GuessedLinks
from kie_gateway.flows.ask_kie import ask_kie
from kie_gateway.flows.close_reservation import close_reservation
from kie_gateway.flows.host_inputs import host_inputs
from kie_gateway.flows.import_task import Adoption, Imported, import_task
from kie_gateway.flows.learn_time import learn_time
from kie_gateway.flows.record_webhook import WebhookRecorder
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.release_credits import release_credits
from kie_gateway.flows.rungs import GuessRung, HistoryRung, Rung
from kie_gateway.flows.store_outputs import StoreOutputs
from kie_gateway.flows.submit_task import refused_for_now, submit_task
from kie_gateway.flows.use_uploads import link_uploads
from kie_gateway.flows.watch_task import Watch
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.uploads import KieUploads
from kie_gateway.kie.webhook import KieWebhooks
from kie_gateway.media.measure import measure
from kie_gateway.observability import count, logger
from kie_gateway.oidc.token_reader import TokenReader
from kie_gateway.settings import (
    ApiFunctionSettings,
    BooksFunctionSettings,
    CallbackFunctionSettings,
    StoreFunctionSettings,
    ThumbnailFunctionSettings,
    WatchFunctionSettings,
    load,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_AWS = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
# A picture takes seconds, and a second call would only draw it twice.
_FUNCTIONS = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
# Uploads wait for the slower of two links.
_S3 = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 4},
    signature_version="s3v4",
)

# Kie.ai fetches inputs when it comes to the task, which may take a while.
_UPLOAD_LINK_SECONDS = 6 * 3600


def utc_now() -> datetime:
    """Tell the time in whole milliseconds, as precisely as the record keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_task_id() -> str:
    """Make a task id; ids sort by time of creation."""
    return f"task_{str(ULID()).lower()}"


def new_upload_id() -> str:
    """Make the id of an upload, which nobody can guess."""
    return f"upload_{str(ULID()).lower()}"


def new_key_id() -> str:
    """Make the id that a key is called by."""
    return f"key_{str(ULID()).lower()}"


class Linker(Protocol):
    """Makes links to files that open without a key."""

    def __call__(self, key: str, *, lifetime_seconds: int, download_name: str | None = None) -> str:
        """Make a link to an object of the bucket."""


class _Clients:
    """AWS clients from one session; a session of its own for each would cost more than they do."""

    @cached_property
    def _session(self) -> boto3.session.Session:
        return boto3.session.Session()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", config=_AWS)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", config=_S3)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", config=_AWS)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        return self._session.client("stepfunctions", config=_AWS)

    @cached_property
    def functions(self) -> "LambdaClient":
        return self._session.client("lambda", config=_FUNCTIONS)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        return self._session.client("secretsmanager", config=_AWS)


class _Common:
    """What several functions have."""

    def __init__(self, table_name: str, bucket_name: str, kie_secret_arn: str) -> None:
        clients = self.clients = _Clients()
        self.tasks = TaskTable(clients.dynamodb, table_name)
        self.bucket = OutputBucket(clients.s3, bucket_name)
        self.secrets = Secrets(clients.secretsmanager)
        self._kie_secret_arn = kie_secret_arn
        self.now: Callable[[], datetime] = utc_now
        self.sleep: Callable[[float], None] = time.sleep

    def kie_keys(self) -> KieKeys:
        return self.secrets.kie_keys(self._kie_secret_arn)


class _Asking(_Common):
    """Functions that speak to Kie.ai."""

    def __init__(
        self,
        settings: ApiFunctionSettings
        | BooksFunctionSettings
        | StoreFunctionSettings
        | WatchFunctionSettings,
    ) -> None:
        super().__init__(settings.table_name, settings.bucket_name, settings.kie_secret_arn)
        self._callback_secret_arn = settings.callback_secret_arn
        self.times = TimesTable(self.clients.dynamodb, settings.table_name)
        self.line = PaceTable(
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
        self.hosts = ResultHosts.parse(settings.result_hosts)
        http = httpx.Client(base_url=settings.kie_base_url, follow_redirects=False)
        kie_http = KieHttp(http, lambda: self.kie_keys().api_key)
        self.kie = KieClient(kie_http)
        self._kie_balance = KieBalance(kie_http)
        self.uploads = KieUploads(
            httpx.Client(base_url=settings.kie_upload_base_url),
            lambda: self.kie_keys().api_key,
            lambda: str(ULID()).lower(),
        )
        self.rungs: list[Rung] = [HistoryRung(KieHistory(http, self._history_session))]
        if settings.guess_after_seconds:
            links = GuessedLinks(
                FileFetcher(self.hosts, max_bytes=0), settings.guess_base_url, guessed_paths
            )
            self.rungs.append(GuessRung(links, timedelta(seconds=settings.guess_after_seconds)))

    def callback_secret(self) -> str:
        return self.secrets.text(self._callback_secret_arn)

    def _tell_time(self) -> datetime:
        return self.now()

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
            line=self.line,
            prepare=self._prepare,
        )

    def _prepare(self, task: Task) -> Mapping[str, Any]:
        return host_inputs(
            link_uploads(task.input, task.owner, self._link_upload),
            host=self.uploads,
            all_links=family(task.family).hosts_inputs,
        )

    def _link_upload(self, key: str) -> str:
        return self.bucket.presign(key, lifetime_seconds=_UPLOAD_LINK_SECONDS)

    def ask(self, task: Task, by: CompletedBy, *, whole_ladder: bool = False) -> Task:
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
        )

    def upstream_credits(self) -> Decimal | None:
        """Read what is left of the account at Kie.ai; None if it does not say."""
        try:
            return self._kie_balance.read()
        except (ProviderError, ConfigurationError) as error:
            logger.warning("Kie.ai did not tell its balance", extra={"why": str(error)})
            return None

    def close_reservation(self, task: Task) -> Task:
        """Ask Kie.ai what a canceled task has cost."""
        return close_reservation(task, tasks=self.tasks, kie=self.kie, now=self.now)


class ApiGateway(_Asking):
    """Everything ApiFunction uses."""

    def __init__(self) -> None:
        self.settings = load(ApiFunctionSettings)
        super().__init__(self.settings)
        self.accounts = AccountTable(
            self.clients.dynamodb,
            self.settings.table_name,
            new_owner_credits=self.settings.starting_credits,
        )
        self.tasks = TaskTable(
            self.clients.dynamodb,
            self.settings.table_name,
            self.accounts,
            tell_soft_budget=count_over_budget,
        )
        self.keys = KeyTable(self.clients.dynamodb, self.settings.table_name)
        self.tokens = self._token_reader()
        self.request_counts = RequestCounts(self.clients.dynamodb, self.settings.table_name)
        self.creation_switch = CreationSwitch(self.clients.dynamodb, self.settings.table_name)
        self.queue = SqsStoreQueue(self.clients.sqs, self.settings.store_queue_url)
        self.executions = WatchExecutions(
            self.clients.stepfunctions, self.settings.watch_machine_arn
        )
        self.link_file = self._linker()
        self.thumbnails = ThumbnailMaker(
            lambda: self.clients.functions, self.settings.thumbnail_function_name
        )
        self.new_task_id = new_task_id
        self.new_upload_id = new_upload_id
        self.new_key_id = new_key_id

    def _token_reader(self) -> TokenReader | None:
        settings = self.settings
        if not settings.jwt_issuer:
            return None
        if not settings.jwt_audience:
            raise ConfigurationError("JWT_AUDIENCE is missing: tokens for others would be taken")
        return TokenReader(
            settings.jwt_issuer,
            settings.jwt_audience,
            owner_claim=settings.jwt_owner_claim,
            may_admin=settings.jwt_may_admin,
        )

    def _linker(self) -> Linker:
        """Choose who serves files: CloudFront where there is a distribution, or else S3."""
        settings = self.settings
        if not settings.files_domain:
            return self.bucket.presign
        return CloudFrontLinks(
            settings.files_domain,
            settings.files_key_id,
            lambda: self.secrets.text(settings.files_key_secret_arn),
            self.now,
        ).link

    def reservation(self, estimated: float | None) -> Reservation:
        """Tell what is set aside for a new task."""
        unknown = self.settings.unknown_estimate_credits
        return Reservation(
            as_credits(unknown if estimated is None else estimated),
            self.settings.release_after_seconds,
        )

    def check_link(self, url: str) -> None:
        """Make sure that a caller's link is one that results may be fetched from."""
        try:
            self.hosts.check(url)
        except SourceForbiddenError as error:
            raise InvalidRequestError(error.message, [FieldFault("/url", error.message)]) from None

    def adopt(self, adoption: Adoption) -> Imported:
        """Adopt work that was created elsewhere."""
        return import_task(
            adoption,
            task_id=self.new_task_id(),
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            kie=self.kie,
            policy=self.policy,
            now=self.now(),
        )


class BooksGateway(_Asking):
    """Everything BooksFunction uses."""

    def __init__(self) -> None:
        settings = load(BooksFunctionSettings)
        super().__init__(settings)
        self.queue = SqsStoreQueue(self.clients.sqs, settings.store_queue_url)
        self.executions = WatchExecutions(self.clients.stepfunctions, settings.watch_machine_arn)

    def release_credits(self) -> int:
        """Give credits back for tasks of which nothing has been heard for too long."""
        return release_credits(
            releases=self.tasks,
            tasks=self.tasks,
            refresh=self._refresh,
            close=self.close_reservation,
            now=self._tell_time,
        )

    def _refresh(self, task: Task) -> Task:
        return refresh_task(
            task,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            ask=lambda task: self.ask(task, CompletedBy.POLL),
            now=self.now(),
        )


class ThumbnailGateway:
    """Everything ThumbnailFunction uses."""

    def __init__(self) -> None:
        self.bucket = OutputBucket(_Clients().s3, load(ThumbnailFunctionSettings).bucket_name)


class CallbackGateway(_Common):
    """Everything CallbackFunction uses."""

    def __init__(self) -> None:
        settings = load(CallbackFunctionSettings)
        super().__init__(settings.table_name, settings.bucket_name, settings.kie_secret_arn)
        hosts = ResultHosts.parse(settings.result_hosts)
        self.webhooks = WebhookRecorder(
            tasks=self.tasks,
            reader=KieWebhooks(),
            queue=SqsStoreQueue(self.clients.sqs, settings.store_queue_url),
            executions=WatchExecutions(self.clients.stepfunctions, settings.watch_machine_arn),
            archive=self.bucket,
            is_usable=lambda url: _is_allowed(hosts, url),
            callback_secret=lambda: self.secrets.text(settings.callback_secret_arn),
            hmac_key=lambda: self.kie_keys().webhook_hmac_key,
        )


class _Storing(_Asking):
    """Functions that copy results."""

    def __init__(self, settings: StoreFunctionSettings | WatchFunctionSettings) -> None:
        super().__init__(settings)
        self.store = StoreOutputs(
            tasks=self.tasks,
            files=FileFetcher(self.hosts, max_bytes=settings.max_result_bytes),
            outputs=self.bucket,
            kie=self.kie,
            policy=self.policy,
            measure=measure,
            now=self.now,
            retention_days=settings.asset_retention_days,
            minimum=smallest_picture,
            in_parts=takes_apart,
            tell_success=lambda task: learn_time(task, self.times, self.now()),
        )


class StoreGateway(_Storing):
    """Everything StoreFunction uses."""

    def __init__(self) -> None:
        settings = load(StoreFunctionSettings)
        super().__init__(settings)
        self.queue = SqsStoreQueue(self.clients.sqs, settings.store_queue_url)


class WatchGateway(_Storing):
    """Everything WatchFunction uses."""

    def __init__(self) -> None:
        super().__init__(load(WatchFunctionSettings))
        self.watch = Watch(
            tasks=self.tasks,
            submit=self.submit,
            ask=lambda task: self.ask(task, CompletedBy.POLL),
            store=self.store,
            line=self.line,
            now=self._tell_time,
            pause=self._pause,
        )


def typical_seconds(model: str) -> float:
    """Tell the median time of a model: the catalogue's, or else that of its family."""
    return catalogue.typical_seconds(model) or family_of(model).typical_seconds


def smallest_picture(model: str) -> tuple[int, int] | None:
    """Tell the smallest picture that a model delivers, if that is known."""
    known = catalogue.find(model)
    return known.minimum if known is not None else None


def takes_apart(model: str) -> bool:
    """Tell whether a model takes pictures apart."""
    known = catalogue.find(model)
    return known is not None and "layer_decomposition" in known.tasks


def count_unclear(task: Task, reason: str) -> None:
    """Count an answer that was not understood: somebody should teach us its shape."""
    logger.warning("answer not understood", extra={"family": task.family, "reason": reason})
    count("KieAnswerNotUnderstood")


def count_over_budget(account: Account) -> None:
    """Count a task beyond its owner's soft budget: somebody may want to look at that."""
    logger.warning("soft budget exceeded", extra={"owner": account.owner})
    count("SoftBudgetExceeded")


def observed_times(model: str, times: TimesTable) -> Observed | None:
    """Read what was observed of a model; a table that does not answer has observed nothing."""
    try:
        return times.observed(model)
    except RecordUnavailableError:
        return None


def guessed_paths(task: Task) -> Sequence[str]:
    """Name the paths that the task's family puts results under."""
    if task.upstream_task_id is None:
        return ()
    return family(task.family).guesses(task.upstream_task_id, task.upstream_completed_at)


def _is_allowed(hosts: ResultHosts, url: str) -> bool:
    try:
        hosts.check(url)
    except SourceForbiddenError:
        return False
    return True


def start[G](gateway: type[G]) -> G:
    """
    Make a function's collaborators.

    A wrong setting ends the process with one line that names it, instead of a traceback.
    """
    try:
        return gateway()
    except ConfigurationError as error:
        raise SystemExit(f"configuration_error: {error}") from None
