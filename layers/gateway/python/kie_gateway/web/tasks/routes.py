"""Routes that read tasks, and that refresh, cancel and delete them."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BeforeValidator, Field

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.ports.tasks import TaskFilter
from kie_gateway.core.task import Status
from kie_gateway.flows.tasks.list_tasks import TaskQuery
from kie_gateway.web import requests
from kie_gateway.web.access import needs
from kie_gateway.web.cursor import TASKS
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.queries import DateTime, OwnerToList, PageCursor, PageSize, TaskId
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import no_content
from kie_gateway.web.routing import new_router
from kie_gateway.web.tasks import schemas
from kie_gateway.web.tasks.presenters import event_schema
from kie_gateway.web.tasks.responses import TaskResponses

router = new_router()

TAG = "tasks"
# Headers of a response with a task, and calls that it leads to.
TASK_HEADERS = ("ETag", "Cache-Control", "Retry-After")
TASK_LINKS = ("getTask", "listTaskEvents", "cancelTask", "refreshTask")
_Wait = Annotated[
    int,
    Field(ge=0, le=requests.MAX_WAIT_SECONDS),
    BeforeValidator(requests.wait_word),
    Query(description="How many seconds to wait for the task to end."),
]


_Cascade = Annotated[bool, Query(description="Whether to include all its descendants.")]


@router.get("/v1/tasks", **operation("listTasks", TAG, {200: Success("A page of tasks.")}))
@needs(Scope.TASKS_READ)
def list_tasks(
    context: CurrentContext,
    status: Annotated[Status | None, Query(description="Only tasks with this status.")] = None,
    model: Annotated[
        str | None, Query(min_length=1, max_length=100, description="Only tasks of this model.")
    ] = None,
    created_after: Annotated[
        DateTime, Query(description="Only tasks that were created after this time (RFC 3339).")
    ] = None,
    created_before: Annotated[
        DateTime, Query(description="Only tasks that were created before this time (RFC 3339).")
    ] = None,
    batch_id: Annotated[
        str | None, Query(min_length=1, max_length=100, description="Only tasks of this batch.")
    ] = None,
    parent_id: Annotated[
        str | None,
        Query(min_length=1, max_length=100, description="Only children of this task."),
    ] = None,
    limit: PageSize = 20,
    cursor: PageCursor = None,
    order: Annotated[
        Literal["desc", "asc"], Query(description="`desc` lists the newest task first.")
    ] = "desc",
    owner: OwnerToList = None,
) -> schemas.TaskList:
    """List your tasks. The newest come first, unless `order` says otherwise."""
    page = context.use_cases.list_tasks(
        TaskQuery(
            context.owner_to_list(owner),
            TaskFilter(status, model, created_after, created_before),
            limit=limit,
            newest_first=order == "desc",
            after=TASKS.read(cursor) if cursor is not None else None,
            batch_id=batch_id,
            parent_id=parent_id,
        )
    )
    return TaskResponses.to(context).page(page)


@router.get(
    "/v1/tasks/<task_id>",
    **operation(
        "getTask",
        TAG,
        {
            200: Success("The task.", TASK_HEADERS, TASK_LINKS),
            304: Success("Your copy is still good.", TASK_HEADERS),
        },
        404,
        takes=("If-None-Match",),
    ),
)
@needs(Scope.TASKS_READ)
def get_task(
    context: CurrentContext, task_id: TaskId, wait: _Wait = 0
) -> Response[schemas.Task | None]:
    """
    Read a task. It includes the results as soon as they are stored.

    Poll as `Retry-After` says, with `If-None-Match`: it leads to soon after the expected end, and
    `progress` moves in between. With `wait`, the response is delayed until the task has ended, for
    up to 25 seconds. That is the last resort: a wait occupies the gateway for as long as it lasts.
    """
    task = context.use_cases.await_task(context.owned_task(task_id), wait)
    response: Response[Any] = TaskResponses.to(context).task(
        task, is_known=lambda tag: requests.matches_etag(context.headers, tag)
    )
    return response


@router.get(
    "/v1/tasks/<task_id>/events",
    **operation("listTaskEvents", TAG, {200: Success("The timeline.")}, 404),
)
@needs(Scope.TASKS_READ)
def list_task_events(context: CurrentContext, task_id: TaskId) -> schemas.EventList:
    """Read the timeline of a task. It lists everything that happened to the task, in order."""
    task = context.owned_task(task_id)
    entries = context.use_cases.tasks.entries(task.task_id)
    return schemas.EventList(data=[event_schema(entry) for entry in entries])


@router.post(
    "/v1/tasks/<task_id>/refresh",
    **operation(
        "refreshTask",
        TAG,
        {200: Success("The task as it is now.", TASK_HEADERS, TASK_LINKS)},
        *(404, 502),
        takes=("Prefer",),
    ),
)
@needs(Scope.TASKS_WRITE)
def refresh_task(context: CurrentContext, task_id: TaskId) -> Response[schemas.Task]:
    """
    Ask Kie.ai about a task now. If the results are ready, they are stored.

    A refresh never generates anything a second time. A queued task that Kie.ai has rejected
    temporarily is submitted again, unless it is waiting in the submit queue.
    """
    task = context.use_cases.refresh_task(context.owned_task(task_id))
    wait_seconds = requests.preferred_wait_seconds(context.headers)
    task = context.use_cases.await_task(task, wait_seconds)
    return TaskResponses.to(context).task(task)


@router.post(
    "/v1/tasks/<task_id>/cancel",
    **operation(
        "cancelTask",
        TAG,
        {202: Success("The task is canceled.", ("Location", *TASK_HEADERS), TASK_LINKS)},
        *(404, 409),
    ),
)
@needs(Scope.TASKS_WRITE)
def cancel_task(
    context: CurrentContext, task_id: TaskId, cascade: _Cascade = False
) -> Response[schemas.Task]:
    """
    Cancel a task. Nobody waits for its result any longer.

    Kie.ai cannot be stopped and charges for the result all the same. A result that arrives later is
    recorded in the timeline, but not delivered.
    """
    task = context.use_cases.cancel_task(context.owned_task(task_id), cascade=cascade)
    return TaskResponses.to(context).accepted(task, {})


@router.delete(
    "/v1/tasks/<task_id>",
    **operation("deleteTask", TAG, {204: Success("The task is deleted.")}, 404),
)
@needs(Scope.TASKS_WRITE)
def delete_task(
    context: CurrentContext, task_id: TaskId, cascade: _Cascade = False
) -> Response[None]:
    """Delete a task with its files and its input. An open task is canceled first."""
    context.use_cases.delete_task(context.owned_task(task_id), cascade=cascade)
    return no_content()
