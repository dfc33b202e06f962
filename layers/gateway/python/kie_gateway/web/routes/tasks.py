"""Tasks: create, look, and what may be done with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BeforeValidator, Field

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.check import check_input, fill, spelt
from kie_gateway.catalogue.estimate import estimate
from kie_gateway.core import moves
from kie_gateway.core.api_key import Scope
from kie_gateway.core.errors import (
    FieldFault,
    InvalidRequestError,
    TaskNotFailedError,
    TaskSettledError,
)
from kie_gateway.core.idempotency import fingerprint
from kie_gateway.core.ports import TaskFilter
from kie_gateway.core.task import Status, Step
from kie_gateway.flows.check_references import check_references
from kie_gateway.flows.create_task import NewTask
from kie_gateway.flows.delete_task import delete_task
from kie_gateway.flows.use_uploads import check_uploads
from kie_gateway.kie.families.registry import family_of
from kie_gateway.observability import count, logger
from kie_gateway.web import requests
from kie_gateway.web.cursor import TASKS
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import CreateTask, EventListBody, TaskBody, TaskListBody
from kie_gateway.web.present import event_body
from kie_gateway.web.queries import Moment, Name, PageCursor, PageSize, Whose
from kie_gateway.web.resolver import OF_A_BODY, answers

Wait = Annotated[
    int,
    Field(ge=0, le=requests.MAX_WAIT_SECONDS),
    BeforeValidator(requests.wait_word),
    Query(description="Seconds to wait."),
]


def add_task_routes(desk: Desk) -> None:
    """Add the routes."""
    _add_looking(desk)
    _add_doing(desk, _Creations(desk))


def _add_doing(desk: Desk, creations: "_Creations") -> None:
    app, gateway = desk.app, desk.gateway

    @app.post(
        "/v1/tasks",
        responses=answers({202: "Accepted", 200: "Settled within the wait"}, 402, *OF_A_BODY),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_WRITE)
    def create(body: CreateTask) -> Response[TaskBody]:
        """Create a task. With Prefer: wait=N, wait up to 25 s for its end."""
        known = catalogue.find(body.model)
        task_input = body.input if known is None else spelt(known, body.input)
        if known is not None and body.checked:
            refuse_retired(known)
            task_input = fill(known, body.input)
            if faults := check_input(known, task_input):
                raise InvalidRequestError(f"the input does not fit {body.model}", faults)
        return creations.create(
            body.model,
            task_input,
            body.metadata,
            deadline_seconds=body.deadline_seconds,
            fingerprinted={"create": body.model_dump(mode="json", exclude_unset=True)},
            retention_days=body.retention_days,
            check_inputs=body.check_inputs,
        )

    @app.post(
        "/v1/tasks/<task_id>/refresh",
        responses=answers({200: "The task as it stands now"}, 404, 502),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_WRITE)
    def refresh(task_id: str) -> Response[TaskBody]:
        """
        Ask Kie.ai now, and store the results if it is done. Never generates again.

        A creation that Kie.ai has refused for now is sent again, unless it waits for its turn.
        """
        task = desk.owned(task_id)
        task = gateway.submit_now(task) if task.next_step is Step.SUBMIT else gateway.refresh(task)
        wait_seconds = requests.preferred_wait_seconds(app.request_headers)
        return desk.answers().task(desk.wait(task, wait_seconds))

    @app.post(
        "/v1/tasks/<task_id>/cancel", responses=answers({202: "Canceled"}, 404, 409), tags=["tasks"]
    )
    @app.needs(Scope.TASKS_WRITE)
    def cancel(task_id: str) -> Response[TaskBody]:
        """Stop waiting for a task. Kie.ai cannot be stopped and charges all the same."""
        moved = gateway.tasks.move(
            desk.owned(task_id), lambda task: moves.cancel(task, gateway.now())
        )
        if not moved.changed:
            raise TaskSettledError(f"the task is {moved.task.status.value} already")
        return desk.answers().created(moved.task, {})

    @app.post(
        "/v1/tasks/<task_id>/retry",
        responses=answers({202: "A new task", 200: "Settled within the wait"}, 402, 404, 409),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_WRITE)
    def retry(task_id: str) -> Response[TaskBody]:
        """Create a new task like a failed one."""
        failed = desk.owned(task_id)
        if failed.status is not Status.FAILED:
            raise TaskNotFailedError(
                f"the task is {failed.status.value}; only a failed one is retried, or it may cost"
                " twice"
            )
        failed = gateway.inputs.whole(failed)
        return creations.create(
            failed.model,
            failed.input,
            failed.metadata,
            deadline_seconds=int((failed.deadline_at - failed.created_at).total_seconds()),
            fingerprinted={"retry": task_id},
            retry_of=task_id,
            retention_days=failed.retention_days,
            owner=failed.owner,
        )

    @app.delete(
        "/v1/tasks/<task_id>",
        responses=answers({204: "Deleted"}, 404),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_WRITE)
    def delete(task_id: str) -> Response[None]:
        """Delete a task with its files and its input; an open one is canceled first."""
        delete_task(desk.owned(task_id), tasks=gateway.tasks, files=gateway.bucket, now=gateway.now)
        return Response(204)


def _add_looking(desk: Desk) -> None:
    app, gateway = desk.app, desk.gateway

    @app.get("/v1/tasks", responses=answers({200: "A page of tasks"}), tags=["tasks"])
    @app.needs(Scope.TASKS_READ)
    def list_tasks(
        status: Annotated[Status | None, Query()] = None,
        model: Name = None,
        created_after: Moment = None,
        created_before: Moment = None,
        batch_id: Name = None,
        parent_id: Name = None,
        limit: PageSize = 20,
        cursor: PageCursor = None,
        order: Annotated[Literal["desc", "asc"], Query()] = "desc",
        owner: Whose = None,
    ) -> TaskListBody:
        """List your tasks, newest first."""
        page = gateway.tasks.list_tasks(
            desk.whose(owner),
            TaskFilter(status, model, created_after, created_before, batch_id, parent_id),
            limit=limit,
            after=TASKS.read(cursor) if cursor is not None else None,
            newest_first=order == "desc",
        )
        return desk.answers().page(page)

    @app.get(
        "/v1/tasks/<task_id>",
        responses=answers({200: "The task", 304: "Your copy is good"}, 404),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_READ)
    def get_task(task_id: str, wait: Wait = 0) -> Response[TaskBody | None]:
        """Read a task; with wait=N, wait up to 25 s for its end."""
        task = desk.wait(desk.owned(task_id), wait)
        answers = desk.answers()
        if requests.matches_etag(app.request_headers, answers.etag(task)):
            return answers.unchanged(task)
        answer: Response[Any] = answers.task(task)
        return answer

    @app.get(
        "/v1/tasks/<task_id>/events", responses=answers({200: "The timeline"}, 404), tags=["tasks"]
    )
    @app.needs(Scope.TASKS_READ)
    def events(task_id: str) -> EventListBody:
        """Read everything that happened to a task."""
        task = desk.owned(task_id)
        entries = gateway.tasks.entries(task.task_id)
        return EventListBody(data=[event_body(entry) for entry in entries])


def refuse_retired(model: catalogue.Model) -> None:
    """Refuse a model that Kie.ai has switched off. Raises InvalidRequestError."""
    if model.status == "retired":
        detail = "retired by Kie.ai; GET /v1/models lists what there is"
        raise InvalidRequestError("the model is retired", [FieldFault("/model", detail)])


@dataclass(frozen=True)
class _Creations:
    """Creating tasks, new ones and those like an earlier one."""

    desk: Desk

    def create(
        self,
        model: str,
        task_input: Mapping[str, Any],
        metadata: Mapping[str, Any],
        *,
        deadline_seconds: int | None,
        fingerprinted: Mapping[str, Any],
        retry_of: str | None = None,
        retention_days: int | None = None,
        owner: str | None = None,
        check_inputs: bool = False,
    ) -> Response[TaskBody]:
        desk, gateway = self.desk, self.desk.gateway
        asked = desk.app.request_headers
        owner = owner or desk.owner()
        check_uploads(task_input, owner, gateway.bucket.size_of)
        check_references(task_input, owner, gateway.tasks)
        known = catalogue.find(model)
        estimated = estimate(known, task_input) if known is not None else None
        created = gateway.create(
            NewTask(
                owner=owner,
                model=model,
                family=family_of(model).name,
                input=task_input,
                metadata=metadata,
                deadline_seconds=deadline_seconds or gateway.settings.deadline_seconds,
                callback_base_url=desk.base_url(),
                idempotency_key=requests.idempotency_key(asked),
                fingerprint=fingerprint(fingerprinted),
                retry_of=retry_of,
                retention_days=retention_days,
                kind=known.kind if known is not None else None,
                credits_estimated=estimated,
                reservation=gateway.reservation(estimated),
                tasks_at_once=desk.tasks_at_once(),
            ),
            check=partial(gateway.check_links, task_input) if check_inputs else None,
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
        wait_seconds = requests.preferred_wait_seconds(asked)
        if not wait_seconds:
            return desk.answers().created(created.task, headers)
        headers["Preference-Applied"] = f"wait={wait_seconds}"
        task = desk.wait(created.task, wait_seconds)
        if task.status.is_settled:
            return desk.answers().task(task, headers=headers)
        return desk.answers().created(task, headers)
