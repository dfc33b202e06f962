"""ApiFunction."""

from collections.abc import Callable, Mapping
from typing import Any

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.creation_switch import CreationSwitch
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.request_counts import RequestCounts
from kie_gateway.aws.signed_links import CloudFrontLinks
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.thumbnails import ThumbnailMaker
from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.read_input import read_input
from kie_gateway.core.account import Account
from kie_gateway.core.deadline import ANSWER_SECONDS, AWS_CALL_SECONDS, share
from kie_gateway.core.errors import (
    ConfigurationError,
    FieldFault,
    InvalidRequestError,
    OutOfTimeError,
    SourceForbiddenError,
)
from kie_gateway.core.reservation import Reservation, as_credits
from kie_gateway.core.task import CompletedBy, Step, Task
from kie_gateway.fetch.input_links import HttpInputLinks
from kie_gateway.flows.await_task import await_task
from kie_gateway.flows.cancel_task import CancelTask
from kie_gateway.flows.check_links import check_links
from kie_gateway.flows.create_task import Created, NewTask, create_task
from kie_gateway.flows.create_upload import CreateUpload
from kie_gateway.flows.delete_task import DeleteTask
from kie_gateway.flows.import_task import Adoption, Imported, import_task
from kie_gateway.flows.make_thumbnail import MakeThumbnail
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.request_import import RequestImport
from kie_gateway.flows.request_task import RequestTask
from kie_gateway.flows.retry_task import RetryTask
from kie_gateway.flows.submit_now import submit_now
from kie_gateway.observability import count, logger
from kie_gateway.oidc.token_reader import TokenReader
from kie_gateway.settings import ApiFunctionSettings, load
from kie_gateway.web.authentication import Authentication
from kie_gateway.web.use_cases import FileLinker, UseCases
from kie_gateway.wiring.asking import Asking
from kie_gateway.wiring.ids import new_key_id, new_task_id, new_upload_id
from kie_gateway.wiring.models import KnownModels

# Recording a task, having it watched, and taking it back if that fails; or moving it in the queue.
_RECORD_AND_WATCH_SECONDS = 3 * AWS_CALL_SECONDS


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

    def use_cases(self) -> UseCases:
        """Return what the routes of the HTTP API call."""
        settings, models = self.settings, KnownModels()
        request_task = RequestTask(
            tasks=self.tasks,
            models=models,
            create=self.create,
            upload_size=self.bucket.size_of,
            check_links=self.check_links,
            reservation=self.reservation,
            deadline_seconds=settings.deadline_seconds,
        )
        return UseCases(
            now=self._tell_time,
            public_base_url=settings.public_base_url,
            tasks_at_once=settings.tasks_at_once,
            authenticate=Authentication(
                self.keys,
                self.tokens,
                self.request_counts,
                settings.requests_per_minute,
                self._tell_time,
            ),
            tasks=self.tasks,
            whole_input=self.inputs.whole_if_there,
            read_input=read_input,
            request_task=request_task,
            retry_task=RetryTask(self.inputs.whole, request_task),
            cancel_task=CancelTask(self.tasks, self._tell_time),
            refresh_task=self.send_or_refresh,
            delete_task=DeleteTask(self.tasks, self.bucket, self._tell_time),
            await_task=self.await_task,
            request_import=RequestImport(
                models, self.check_link, self.adopt, settings.deadline_seconds
            ),
            link_file=self.link_file,
            make_thumbnail=MakeThumbnail(self.bucket.size_of, self.thumbnails),
            create_upload=CreateUpload(self.bucket, self.new_upload_id, self._tell_time),
            catalogue=catalogue,
            observed=self.policy.observed,
            accounts=self.accounts,
            upstream_credits=self.upstream_credits,
            keys=self.keys,
            new_key_id=self.new_key_id,
            creation_switch=self.creation_switch,
        )

    def await_task(self, task: Task, wait_seconds: int) -> Task:
        """Wait for a task to end, for a while that leaves time to answer."""
        return await_task(
            task,
            wait_seconds=share(self.time_left(), most=wait_seconds, keep=ANSWER_SECONDS),
            tasks=self.tasks,
            sleep=self._pause,
            now=self._tell_time,
        )

    def send_or_refresh(self, task: Task) -> Task:
        """Do at once what a task lacks."""
        return self.submit_now(task) if task.next_step is Step.SUBMIT else self.refresh(task)

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

    def _linker(self) -> FileLinker:
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
