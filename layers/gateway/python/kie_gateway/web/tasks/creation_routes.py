"""Routes that create tasks: new ones, and those like a failed one."""

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.callers.idempotency import fingerprint
from kie_gateway.flows.tasks.create_task import Created
from kie_gateway.flows.tasks.request_task import TaskRequest
from kie_gateway.flows.tasks.retry_task import Retry
from kie_gateway.observability import count, logger
from kie_gateway.web import requests
from kie_gateway.web.access import needs
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import TaskId
from kie_gateway.web.request_context import CurrentContext, RequestContext
from kie_gateway.web.responses import Headers
from kie_gateway.web.routing import new_router
from kie_gateway.web.tasks import schemas
from kie_gateway.web.tasks.body_schemas import CreateTask
from kie_gateway.web.tasks.presenters import created_task_schema
from kie_gateway.web.tasks.responses import TaskResponses
from kie_gateway.web.tasks.routes import TAG, TASK_HEADERS, TASK_LINKS
from kie_gateway.web.tasks.specs import TaskSpecs

router = new_router()

_OF_A_CREATION = (*TASK_HEADERS, "Idempotent-Replayed", "Preference-Applied")
_CREATED = {
    200: Success(
        "The task, which has ended within the preferred wait.", _OF_A_CREATION, TASK_LINKS
    ),
    202: Success("The task is accepted.", ("Location", *_OF_A_CREATION), TASK_LINKS),
}
_TAKES = ("Idempotency-Key", "Prefer")


@router.post("/v1/tasks", **operation("createTask", TAG, _CREATED, 402, *OF_A_BODY, takes=_TAKES))
@needs(Scope.TASKS_WRITE)
def create_task(context: CurrentContext, body: CreateTask) -> Response[schemas.CreatedTask]:
    """
    Create a task. It runs at Kie.ai, and its results are stored in the gateway's bucket.

    Send an `Idempotency-Key` so that the request can be repeated safely: a repeated request returns
    the same task. With `Prefer: wait=N`, the response is delayed until the task has ended, for up
    to 25 seconds.
    """
    created = context.use_cases.request_task(
        TaskRequest(
            owner=context.owner,
            task=task_specs(context).read(body),
            callback_base_url=context.base_url,
            tasks_at_once=context.tasks_at_once,
            fingerprint=fingerprint({"create": body.model_dump(mode="json", exclude_unset=True)}),
            idempotency_key=requests.idempotency_key(context.headers),
            check_inputs=body.check_inputs,
        )
    )
    return _respond(context, created)


@router.post(
    "/v1/tasks/<task_id>/retry",
    **operation("retryTask", TAG, _CREATED, 402, 404, 409, takes=_TAKES),
)
@needs(Scope.TASKS_WRITE)
def retry_task(context: CurrentContext, task_id: TaskId) -> Response[schemas.CreatedTask]:
    """
    Retry a failed task. This creates a new task with the same input.

    If the task had a `fallback`, all of its models are tried again, from the first on; what was to
    follow it follows the new task.
    """
    created = context.use_cases.retry_task(
        Retry(
            failed=context.owned_task(task_id),
            callback_base_url=context.base_url,
            tasks_at_once=context.tasks_at_once,
            idempotency_key=requests.idempotency_key(context.headers),
        )
    )
    return _respond(context, created)


def task_specs(context: RequestContext) -> TaskSpecs:
    """Make what reads bodies of tasks."""
    use_cases = context.use_cases
    return TaskSpecs(
        use_cases.fill_recipe, use_cases.deadline_seconds, use_cases.webhooks.check_url
    )


def _respond(context: RequestContext, created: Created) -> Response[schemas.CreatedTask]:
    task = created.task
    logger.info(
        "task replayed" if created.replayed else "task created",
        extra={"task_id": task.task_id, "status": task.status.value, "model": task.model},
    )
    count("TaskReplayed" if created.replayed else "TaskCreated")
    headers: Headers = {"Idempotent-Replayed": "true"} if created.replayed else {}
    # Read before the wait, which leaves time for the answer and for nothing else.
    secret: str | None = None
    if task.webhook is not None:
        secret = context.use_cases.webhooks.secret_of_tasks(task.owner)
        headers["Cache-Control"] = "no-store"
    wait_seconds = requests.preferred_wait_seconds(context.headers)
    if wait_seconds:
        headers["Preference-Applied"] = f"wait={wait_seconds}"
        task = context.use_cases.await_task(task, wait_seconds)

    def present(shown: schemas.Task) -> schemas.Task:
        return created_task_schema(shown, secret)

    responses = TaskResponses.to(context)
    if wait_seconds and task.status.is_settled:
        return responses.task(task, headers=headers, present=present)
    return responses.accepted(task, headers, present)
