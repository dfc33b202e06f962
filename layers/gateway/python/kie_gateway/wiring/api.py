"""ApiFunction."""

from collections.abc import Callable
from dataclasses import dataclass

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.batch_table import BatchTable
from kie_gateway.aws.creation_switch import CreationSwitch
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.request_counts import RequestCounts
from kie_gateway.aws.signed_links import CloudFrontLinks
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.thumbnails import ThumbnailMaker
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.catalogue import catalogue
from kie_gateway.core.callers.origins import AllowedOrigins
from kie_gateway.core.credits.account import Account
from kie_gateway.core.deadline import ANSWER_SECONDS, AWS_CALL_SECONDS, share
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.errors.provider_errors import OutOfTimeError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.task import CompletedBy, Step, Task
from kie_gateway.fetch.input_links import HttpInputLinks
from kie_gateway.flows.credits.change_account import ChangeAccount
from kie_gateway.flows.files.list_outputs import ListOutputs
from kie_gateway.flows.files.make_thumbnail import MakeThumbnail
from kie_gateway.flows.files.permalinks import FindLinkedFile
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.find_descendants import FindDescendants
from kie_gateway.flows.groups.plans import Plans
from kie_gateway.flows.groups.request_batch import RequestBatch
from kie_gateway.flows.inputs.check_links import CheckLinks
from kie_gateway.flows.inputs.create_upload import CreateUpload
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.manage_keys import IssueKey, RevokeKey, RotateKey
from kie_gateway.flows.submitting.resume_submit_queue import ResumeSubmitQueue
from kie_gateway.flows.submitting.submit_now import SubmitNow
from kie_gateway.flows.submitting.submit_watched import SubmitWatched
from kie_gateway.flows.tasks.await_task import AwaitTask
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.create_task import CreateTask
from kie_gateway.flows.tasks.delete_task import DeleteTask
from kie_gateway.flows.tasks.import_task import ImportTask
from kie_gateway.flows.tasks.list_tasks import ListTasks
from kie_gateway.flows.tasks.refresh_task import RefreshTask
from kie_gateway.flows.tasks.request_import import RequestImport
from kie_gateway.flows.tasks.request_task import RequestTask
from kie_gateway.flows.tasks.retry_task import RetryTask
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.client import KieClient
from kie_gateway.observability import count, logger
from kie_gateway.oidc.token_reader import TokenReader
from kie_gateway.recipes import recipes
from kie_gateway.settings import ApiFunctionSettings, load
from kie_gateway.web.authentication import Authentication
from kie_gateway.web.use_cases import FileLinker, UseCases
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.drafting import (
    make_cancel_batch,
    make_create_batch_tasks,
    make_plan_group,
)
from kie_gateway.wiring.ids import new_batch_id, new_key_id, new_task_id, new_upload_id
from kie_gateway.wiring.known_models import KnownModels
from kie_gateway.wiring.live import make_live_endpoint, make_realtime_tokens
from kie_gateway.wiring.permalinks import make_permalinks
from kie_gateway.wiring.polling import Polling, make_polling
from kie_gateway.wiring.recipe_filling import fill_recipe
from kie_gateway.wiring.runtime import Runtime, make_runtime
from kie_gateway.wiring.submitting import make_submit_queue, make_submit_task
from kie_gateway.wiring.time_left import TimeLeft
from kie_gateway.wiring.webhooks import make_webhooks

# Recording a task, having it watched, and taking it back if that fails; or moving it in the queue.
_RECORD_AND_WATCH_SECONDS = 3 * AWS_CALL_SECONDS


@dataclass(frozen=True)
class ApiFunction:
    """What ApiFunction uses."""

    time_left: TimeLeft
    clients: Clients
    tasks: TaskTable
    accounts: AccountTable
    keys: KeyTable
    bucket: OutputBucket
    executions: WatchExecutions
    kie: KieClient
    times: TimesTable
    authenticate: Authentication
    create_task: CreateTask
    submit_now: SubmitNow
    use_cases: UseCases


@dataclass(frozen=True)
class _Parts:
    """What several of the API's use cases are made of."""

    settings: ApiFunctionSettings
    runtime: Runtime
    accounts: AccountTable
    tasks: TaskTable
    batches: BatchTable
    polling: Polling
    executions: WatchExecutions
    watches: Watches
    store_queue: SqsStoreQueue
    keys: KeyTable
    creation_switch: CreationSwitch
    models: KnownModels

    def has_time(self) -> bool:
        """Whether there is time to record something more and have it watched."""
        return self.runtime.time_left() > _RECORD_AND_WATCH_SECONDS


def make() -> ApiFunction:
    """Make ApiFunction's parts. Raises ConfigurationError."""
    settings = load(ApiFunctionSettings)
    parts = _parts(settings, make_runtime(settings.bucket_name))
    create, submit_now = _submitting(parts)
    authenticate = _authentication(parts)
    return ApiFunction(
        time_left=parts.runtime.time_left,
        clients=parts.runtime.clients,
        tasks=parts.tasks,
        accounts=parts.accounts,
        keys=parts.keys,
        bucket=parts.runtime.bucket,
        executions=parts.executions,
        kie=parts.polling.kie.client,
        times=parts.polling.times,
        authenticate=authenticate,
        create_task=create,
        submit_now=submit_now,
        use_cases=_use_cases(parts, authenticate, create, submit_now),
    )


def _parts(settings: ApiFunctionSettings, runtime: Runtime) -> _Parts:
    dynamodb, table = runtime.clients.dynamodb, settings.table_name
    accounts = AccountTable(dynamodb, table, new_owner_credits=settings.starting_credits)
    tasks = TaskTable(dynamodb, table, accounts, report_soft_budget=count_over_budget)
    executions = WatchExecutions(runtime.clients.stepfunctions, settings.watch_machine_arn)
    return _Parts(
        settings=settings,
        runtime=runtime,
        accounts=accounts,
        tasks=tasks,
        batches=BatchTable(dynamodb, table, accounts),
        polling=make_polling(settings, runtime, tasks),
        executions=executions,
        watches=Watches(tasks, executions, runtime.now),
        store_queue=SqsStoreQueue(runtime.clients.sqs, settings.store_queue_url),
        keys=KeyTable(dynamodb, table),
        creation_switch=CreationSwitch(dynamodb, table),
        models=KnownModels(),
    )


def _submitting(parts: _Parts) -> tuple[CreateTask, SubmitNow]:
    settings, runtime, tasks = parts.settings, parts.runtime, parts.tasks
    submit_queue = make_submit_queue(settings, runtime)
    submit = SubmitWatched(
        tasks=tasks,
        submit=make_submit_task(settings, runtime, tasks, parts.polling, submit_queue),
        watches=parts.watches,
        store_queue=parts.store_queue,
        now=runtime.now,
    )
    create = CreateTask(
        tasks=tasks,
        executions=parts.executions,
        submit=submit,
        policy=parts.polling.policy,
        submit_queue=submit_queue,
        inputs=LargeInputs(runtime.bucket),
        plans=Plans(runtime.bucket),
        new_task_id=new_task_id,
        now=runtime.now,
        stopped=parts.creation_switch.reason,
    )
    submit_now = SubmitNow(
        tasks=tasks,
        submit_queue=submit_queue,
        submit=submit,
        resume=ResumeSubmitQueue(tasks, submit_queue, parts.watches, runtime.now),
        now=runtime.now,
        has_time=parts.has_time,
    )
    return create, submit_now


def _use_cases(
    parts: _Parts, authenticate: Authentication, create: CreateTask, submit_now: SubmitNow
) -> UseCases:
    settings, runtime, tasks = parts.settings, parts.runtime, parts.tasks
    bucket, now, inputs = runtime.bucket, runtime.now, LargeInputs(runtime.bucket)
    request_task = RequestTask(
        plan=make_plan_group(settings, runtime, tasks, parts.polling.policy.expected_seconds),
        create=create,
        check_links=CheckLinks(HttpInputLinks(parts.polling.hosts), runtime.time_left),
        new_task_id=new_task_id,
    )
    cascade = Cascade(tasks)
    cancel = CancelTask(tasks, cascade, now)
    cancel_batch = make_cancel_batch(runtime, tasks, parts.batches, cancel)
    permalinks = make_permalinks(settings, runtime.secrets)
    return UseCases(
        now=now,
        public_base_url=settings.public_base_url,
        allowed_origins=AllowedOrigins.parse(settings.allowed_origins),
        tasks_at_once=settings.tasks_at_once,
        authenticate=authenticate,
        tasks=tasks,
        whole_input=inputs.whole_if_there,
        list_tasks=ListTasks(tasks, parts.batches),
        find_descendants=FindDescendants(tasks),
        deadline_seconds=settings.deadline_seconds,
        request_task=request_task,
        retry_task=RetryTask(inputs.whole, Plans(bucket).read, request_task),
        cancel_task=cancel,
        refresh_task=_refreshing(parts, submit_now),
        delete_task=DeleteTask(tasks, bucket, cascade, now),
        await_task=_waiting(parts),
        batches=parts.batches,
        request_batch=_batches(parts),
        cancel_batch=lambda batch: cancel_batch(batch, parts.has_time),
        request_import=_importing(parts),
        list_outputs=ListOutputs(tasks, now),
        link_file=_linker(settings, runtime),
        permalinks=permalinks,
        find_linked_file=FindLinkedFile(tasks, permalinks, now),
        make_thumbnail=_thumbnails(settings, runtime),
        create_upload=CreateUpload(bucket, new_upload_id, now),
        catalogue=catalogue,
        recipes=recipes,
        fill_recipe=fill_recipe,
        observed=parts.polling.policy.observed,
        accounts=parts.accounts,
        upstream_credits=parts.polling.kie.balance,
        change_account=ChangeAccount(parts.accounts, now),
        keys=parts.keys,
        issue_key=IssueKey(parts.keys, new_key_id, now),
        rotate_key=RotateKey(parts.keys, new_key_id, now),
        revoke_key=RevokeKey(parts.keys, now),
        creation_switch=parts.creation_switch,
        webhooks=make_webhooks(settings, runtime, parts.has_time),
        live_endpoint=make_live_endpoint(settings),
        issue_realtime_token=make_realtime_tokens(settings, runtime, tasks),
    )


def _waiting(parts: _Parts) -> Callable[[Task, int], Task]:
    runtime = parts.runtime
    await_task = AwaitTask(parts.tasks, runtime.sleep, runtime.now)

    def await_in_time(task: Task, wait_seconds: int) -> Task:
        time_left = runtime.time_left()
        return await_task(task, share(time_left, most=wait_seconds, keep=ANSWER_SECONDS))

    return await_in_time


def _refreshing(parts: _Parts, submit_now: SubmitNow) -> Callable[[Task], Task]:
    refresh = RefreshTask(
        tasks=parts.tasks,
        watches=parts.watches,
        store_queue=parts.store_queue,
        ask=lambda task: parts.polling.ask(task, CompletedBy.REFRESH, all_sources=True),
        now=parts.runtime.now,
    )

    def submit_or_refresh(task: Task) -> Task:
        return submit_now(task) if task.next_step is Step.SUBMIT else refresh(task)

    return submit_or_refresh


def _batches(parts: _Parts) -> RequestBatch:
    settings, runtime = parts.settings, parts.runtime
    create_tasks = make_create_batch_tasks(
        settings,
        runtime,
        parts.tasks,
        parts.batches,
        parts.executions,
        parts.polling.policy.expected_seconds,
    )
    return RequestBatch(
        batches=parts.batches,
        plan_group=create_tasks.plan_group,
        plans=create_tasks.batch_plans,
        create_tasks=create_tasks,
        new_batch_id=new_batch_id,
        release_after_seconds=settings.release_after_seconds,
        now=runtime.now,
        has_time=parts.has_time,
        stopped=parts.creation_switch.reason,
    )


def _importing(parts: _Parts) -> RequestImport:
    def check_link(url: str) -> None:
        try:
            parts.polling.hosts.check(url)
        except SourceForbiddenError as error:
            raise InvalidRequestError(error.message, [FieldFault("/url", error.message)]) from None

    def check_time() -> None:
        if not parts.has_time():
            raise OutOfTimeError("not reached in time, and nothing was changed; import it again")

    adopt = ImportTask(
        tasks=parts.tasks,
        watches=parts.watches,
        store_queue=parts.store_queue,
        kie=parts.polling.kie.client,
        policy=parts.polling.policy,
        new_task_id=new_task_id,
        now=parts.runtime.now,
        check_time=check_time,
    )
    return RequestImport(parts.models, check_link, adopt, parts.settings.deadline_seconds)


def _authentication(parts: _Parts) -> Authentication:
    counts = RequestCounts(parts.runtime.clients.dynamodb, parts.settings.table_name)
    return Authentication(
        parts.keys,
        _token_reader(parts.settings),
        counts,
        parts.settings.requests_per_minute,
        parts.runtime.now,
    )


def _token_reader(settings: ApiFunctionSettings) -> TokenReader | None:
    if not settings.jwt_issuer:
        return None
    if not settings.jwt_audience:
        raise ConfigurationError(
            "JWT_AUDIENCE is missing: tokens for other audiences would be accepted"
        )
    return TokenReader(
        settings.jwt_issuer,
        settings.jwt_audience,
        owner_claim=settings.jwt_owner_claim,
        may_admin=settings.jwt_may_admin,
        report_refused=lambda why: logger.info("token refused", extra={"why": why}),
    )


def _linker(settings: ApiFunctionSettings, runtime: Runtime) -> FileLinker:
    """Choose who serves files: CloudFront where there is a distribution, or else S3."""
    if not settings.files_domain:
        return runtime.bucket.presign
    return CloudFrontLinks(
        settings.files_domain,
        settings.files_key_id,
        runtime.secret(settings.files_key_secret_arn),
        runtime.now,
    ).link


def _thumbnails(settings: ApiFunctionSettings, runtime: Runtime) -> MakeThumbnail:
    maker = ThumbnailMaker(lambda: runtime.clients.functions, settings.thumbnail_function_name)
    return MakeThumbnail(runtime.bucket.size_of, maker)


def count_over_budget(account: Account) -> None:
    """Count a task beyond its owner's soft budget: somebody may want to look at that."""
    logger.warning("soft budget exceeded", extra={"owner": account.owner})
    count("SoftBudgetExceeded")
