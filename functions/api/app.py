"""The HTTP API: parse, one flow, present."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core import moves
from kie_gateway.core.api_key import ApiKey
from kie_gateway.core.errors import (
    OutputNotFoundError,
    TaskNotFailedError,
    TaskNotFoundError,
    TaskSettledError,
)
from kie_gateway.core.idempotency import fingerprint
from kie_gateway.core.model_facts import model_facts
from kie_gateway.core.ports import TaskFilter
from kie_gateway.core.task import CompletedBy, Output, Status, Task
from kie_gateway.flows.await_task import await_task
from kie_gateway.flows.create_task import NewTask, create_task
from kie_gateway.flows.import_task import Adoption, Imported
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.kie.families.registry import family_of
from kie_gateway.observability import count, logger, metrics
from kie_gateway.version import VERSION
from kie_gateway.web import requests
from kie_gateway.web.answers import TaskAnswers
from kie_gateway.web.cursor import read_cursor
from kie_gateway.web.docs_page import docs_page
from kie_gateway.web.imports import import_item
from kie_gateway.web.models import (
    CreateTask,
    EventListBody,
    HealthBody,
    ImportItem,
    ImportListBody,
    ImportResultBody,
    ImportTasks,
    TaskBody,
    TaskListBody,
)
from kie_gateway.web.present import LINK_SECONDS, event_body
from kie_gateway.web.resolver import PROBLEMS, GatewayResolver
from kie_gateway.wiring import ApiGateway, start

gateway = start(ApiGateway)
app = GatewayResolver()

_IMPORTS_AT_ONCE = 8

Wait = Annotated[int, Query(ge=0, le=requests.MAX_WAIT_SECONDS, description="Seconds to wait.")]


@app.post("/v1/tasks", responses={202: {"description": "Accepted"}, **PROBLEMS}, tags=["tasks"])
def create(body: CreateTask) -> Response[TaskBody]:
    """Create a task. With Prefer: wait=N, wait up to 25 s for its end."""
    return _create(
        body.model,
        body.input,
        body.metadata,
        deadline_seconds=body.deadline_seconds,
        fingerprinted={"create": body.model_dump(mode="json")},
    )


@app.post(
    "/v1/tasks/import",
    responses={207: {"description": "Each item with its own result"}, **PROBLEMS},
    tags=["tasks"],
)
def import_tasks(body: ImportTasks) -> Response[ImportListBody]:
    """Adopt up to a hundred tasks of Kie.ai, or links to results. Twice gives the same task."""
    answers, owner, request_id = _answers(), _owner(), app.request_id

    def adopt(item: ImportItem) -> Imported:
        if item.url is not None:
            gateway.check_link(item.url)
        return gateway.adopt(
            Adoption(
                owner=owner,
                model=item.model,
                family=family_of(item.model).name,
                kind=model_facts(item.model).kind,
                deadline_seconds=gateway.settings.deadline_seconds,
                upstream_task_id=item.upstream_task_id,
                url=item.url,
                metadata=item.metadata,
            )
        )

    def one(index: int) -> ImportResultBody:
        return import_item(
            index, body.items[index], adopt=adopt, present=answers.body, request_id=request_id
        )

    with ThreadPoolExecutor(_IMPORTS_AT_ONCE) as pool:
        results = list(pool.map(one, range(len(body.items))))
    count("TaskImported", sum(result.status == 201 for result in results))
    return Response(207, content_type="application/json", body=ImportListBody(data=results))


@app.get("/v1/tasks", responses=PROBLEMS, tags=["tasks"])
def list_tasks(
    status: Annotated[Status | None, Query()] = None,
    model: Annotated[str | None, Query(max_length=100)] = None,
    created_after: Annotated[datetime | None, Query()] = None,
    created_before: Annotated[datetime | None, Query()] = None,
    batch_id: Annotated[str | None, Query(max_length=100)] = None,
    parent_id: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    order: Annotated[Literal["desc", "asc"], Query()] = "desc",
) -> TaskListBody:
    """List your tasks, newest first."""
    page = gateway.tasks.list_tasks(
        _owner(),
        TaskFilter(status, model, created_after, created_before, batch_id, parent_id),
        limit=limit,
        after=read_cursor(cursor) if cursor is not None else None,
        newest_first=order == "desc",
    )
    return _answers().page(page)


@app.get("/v1/tasks/<task_id>", responses=PROBLEMS, tags=["tasks"])
def get_task(task_id: str, wait: Wait = 0) -> Response[TaskBody]:
    """Read a task; with wait=N, wait up to 25 s for its end."""
    task = _wait(_owned(task_id), wait)
    answers = _answers()
    answer = answers.task(task)
    if requests.matches_etag(app.request_headers, str(answer.headers["ETag"])):
        return answers.unchanged(task)
    return answer


@app.post("/v1/tasks/<task_id>/refresh", responses=PROBLEMS, tags=["tasks"])
def refresh(task_id: str) -> Response[TaskBody]:
    """Ask Kie.ai now, and store the results if it is done. Never generates again."""
    task = refresh_task(
        _owned(task_id),
        tasks=gateway.tasks,
        executions=gateway.executions,
        queue=gateway.queue,
        ask=lambda task: gateway.ask(task, CompletedBy.REFRESH, whole_ladder=True),
        now=gateway.now(),
    )
    wait_seconds = requests.preferred_wait_seconds(app.request_headers)
    return _answers().task(_wait(task, wait_seconds))


@app.post("/v1/tasks/<task_id>/cancel", responses=PROBLEMS, tags=["tasks"])
def cancel(task_id: str) -> Response[TaskBody]:
    """Stop waiting for a task. Kie.ai cannot be stopped and charges all the same."""
    moved = gateway.tasks.move(_owned(task_id), lambda task: moves.cancel(task, gateway.now()))
    if not moved.changed:
        raise TaskSettledError(f"the task is {moved.task.status.value} already")
    return _answers().created(moved.task, {})


@app.post("/v1/tasks/<task_id>/retry", responses=PROBLEMS, tags=["tasks"])
def retry(task_id: str) -> Response[TaskBody]:
    """Create a new task like a failed one."""
    failed = _owned(task_id)
    if failed.status is not Status.FAILED:
        raise TaskNotFailedError(
            f"the task is {failed.status.value}; only a failed one is retried, or it may cost twice"
        )
    return _create(
        failed.model,
        failed.input,
        failed.metadata,
        deadline_seconds=int((failed.deadline_at - failed.created_at).total_seconds()),
        fingerprinted={"retry": task_id},
        retry_of=task_id,
    )


@app.get("/v1/tasks/<task_id>/events", responses=PROBLEMS, tags=["tasks"])
def events(task_id: str) -> EventListBody:
    """Read everything that happened to a task."""
    task = _owned(task_id)
    return EventListBody(data=[event_body(entry) for entry in gateway.tasks.entries(task.task_id)])


@app.get("/v1/tasks/<task_id>/outputs/<index>/content", responses=PROBLEMS, tags=["tasks"])
def output_content(
    task_id: str, index: int, download: Annotated[bool, Query()] = False
) -> Response[None]:
    """Go to a fresh link to an output."""
    task = _owned(task_id)
    output = next((one for one in task.outputs if one.index == index), None)
    if output is None:
        raise OutputNotFoundError(f"the task is {task.status.value} and has no output {index}")
    return Response(
        302,
        headers={"Location": _link(output, download=download), "Cache-Control": "no-store"},
    )


@app.get("/v1/health", tags=["service"], security=[])
def health() -> HealthBody:
    """Tell that the gateway answers. No key needed."""
    return HealthBody(version=VERSION)


@app.get("/v1/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    """Describe the API. No key needed."""
    return Response(200, content_type="application/json", body=app.get_openapi_json_schema())


@app.get("/docs", include_in_schema=False)
def docs() -> Response[str]:
    """Show the API to people. No key needed."""
    page = docs_page(app.get_openapi_json_schema())
    return Response(200, content_type="text/html; charset=utf-8", body=page)


@app.get("/", include_in_schema=False)
def root() -> Response[None]:
    """Lead people to the documentation."""
    return Response(302, headers={"Location": "/docs"})


def _create(
    model: str,
    task_input: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    deadline_seconds: int | None,
    fingerprinted: Mapping[str, Any],
    retry_of: str | None = None,
) -> Response[TaskBody]:
    created = create_task(
        NewTask(
            owner=_owner(),
            model=model,
            family=family_of(model).name,
            input=task_input,
            metadata=metadata,
            deadline_seconds=deadline_seconds or gateway.settings.deadline_seconds,
            callback_base_url=_base_url(),
            idempotency_key=requests.idempotency_key(app.request_headers),
            fingerprint=fingerprint(fingerprinted),
            retry_of=retry_of,
        ),
        task_id=gateway.new_task_id(),
        tasks=gateway.tasks,
        executions=gateway.executions,
        queue=gateway.queue,
        submit=gateway.submit,
        policy=gateway.policy,
        now=gateway.now(),
    )
    logger.info(
        "task replayed" if created.replayed else "task created",
        extra={
            "task_id": created.task.task_id,
            "status": created.task.status.value,
            "model": model,
        },
    )
    count("TaskReplayed" if created.replayed else "TaskCreated")
    headers: dict[str, str | list[str]] = {}
    if created.replayed:
        headers["Idempotent-Replayed"] = "true"
    wait_seconds = requests.preferred_wait_seconds(app.request_headers)
    if not wait_seconds:
        return _answers().created(created.task, headers)
    headers["Preference-Applied"] = f"wait={wait_seconds}"
    task = _wait(created.task, wait_seconds)
    if task.status.is_settled:
        return _answers().task(task, headers=headers)
    return _answers().created(task, headers)


def _wait(task: Task, wait_seconds: int) -> Task:
    return await_task(
        task,
        wait_seconds=wait_seconds,
        tasks=gateway.tasks,
        sleep=gateway.sleep,
        now=gateway.now,
    )


def _owned(task_id: str) -> Task:
    """Find the caller's task; somebody else's does not exist for them."""
    task = gateway.tasks.get(task_id)
    if task is None or task.owner != _owner():
        raise TaskNotFoundError("there is no such task")
    logger.append_keys(task_id=task_id)
    return task


def _owner() -> str:
    caller: ApiKey = app.context["caller"]
    return caller.owner


def _answers() -> TaskAnswers:
    return TaskAnswers(_base_url(), _link, gateway.now())


def _base_url() -> str:
    context = app.current_event.raw_event["requestContext"]
    return gateway.settings.public_base_url or f"https://{context['domainName']}"


def _link(output: Output, *, download: bool = False) -> str:
    name = output.key.rsplit("/", 1)[-1] if download else None
    return gateway.bucket.presign(output.key, lifetime_seconds=LINK_SECONDS, download_name=name)


def authenticate(headers: Mapping[str, str]) -> ApiKey:
    """Find the caller. Raises UnauthorizedError."""
    key = gateway.keys.find(requests.bearer_key(headers))
    if key is None or not key.is_in_force(gateway.now()):
        requests.raise_unauthorized()
    return key


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API."""
    return app.answer(event, context, authenticate)
