"""ApiFunction."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.creation_switch import CreationSwitch
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.request_counts import RequestCounts
from kie_gateway.aws.signed_links import CloudFrontLinks
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.thumbnails import ThumbnailMaker
from kie_gateway.core.account import Account
from kie_gateway.core.deadline import AWS_CALL_SECONDS
from kie_gateway.core.errors import (
    ConfigurationError,
    FieldFault,
    InvalidRequestError,
    OutOfTimeError,
    SourceForbiddenError,
)
from kie_gateway.core.reservation import Reservation, as_credits
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.fetch.input_links import HttpInputLinks
from kie_gateway.flows.check_links import check_links
from kie_gateway.flows.create_task import Created, NewTask, create_task
from kie_gateway.flows.import_task import Adoption, Imported, import_task
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.submit_now import submit_now
from kie_gateway.observability import count, logger
from kie_gateway.oidc.token_reader import TokenReader
from kie_gateway.settings import ApiFunctionSettings, load
from kie_gateway.wiring.asking import Asking
from kie_gateway.wiring.ids import new_key_id, new_task_id, new_upload_id

# Recording a task, having it watched, and taking it back if that fails; or moving it in the queue.
_RECORD_AND_WATCH_SECONDS = 3 * AWS_CALL_SECONDS


class Linker(Protocol):
    """Makes links to files that open without a key."""

    def __call__(self, key: str, *, lifetime_seconds: int, download_name: str | None = None) -> str:
        """Make a link to an object of the bucket."""


class ApiGateway(Asking):
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
        self.input_links = HttpInputLinks(self.hosts)
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
            tell_refused=lambda why: logger.info("token refused", extra={"why": why}),
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

    def submit_now(self, task: Task) -> Task:
        """Send a creation that Kie.ai refused for now sooner than planned."""
        return submit_now(
            task,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            submit_queue=self.submit_queue,
            submit=self.submit,
            now=self._tell_time,
            may_go_on=lambda: self.time_left() > _RECORD_AND_WATCH_SECONDS,
        )

    def refresh(self, task: Task) -> Task:
        """Do at once what the watch would do later."""
        return refresh_task(
            task,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            ask=lambda task: self.ask(task, CompletedBy.REFRESH, whole_ladder=True),
            now=self._tell_time,
        )

    def create(self, new: NewTask, check: Callable[[], None] | None = None) -> Created:
        """Create a task, unless new ones are stopped."""
        return create_task(
            new,
            task_id=self.new_task_id(),
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            submit=self.submit,
            policy=self.policy,
            submit_queue=self.submit_queue,
            inputs=self.inputs,
            now=self.now,
            stopped=self.creation_switch.reason(),
            check=check,
        )

    def check_links(self, task_input: Mapping[str, Any]) -> None:
        """Make sure that no link of an input is known to lead to no file."""
        check_links(task_input, links=self.input_links, time_left=self.time_left())

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
            check_time=self._check_time_to_import,
        )

    def _check_time_to_import(self) -> None:
        if self.time_left() < _RECORD_AND_WATCH_SECONDS:
            raise OutOfTimeError("not reached in time, and nothing was changed; import it again")


def count_over_budget(account: Account) -> None:
    """Count a task beyond its owner's soft budget: somebody may want to look at that."""
    logger.warning("soft budget exceeded", extra={"owner": account.owner})
    count("SoftBudgetExceeded")
