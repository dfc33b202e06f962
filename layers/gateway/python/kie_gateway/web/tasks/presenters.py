"""Tasks and their timelines, from the record to what callers see."""

import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.failure import Failure
from kie_gateway.core.groups.child import Child, ChildState, with_descendants
from kie_gateway.core.groups.group_status import group_status
from kie_gateway.core.progress import outlook, seconds_to_next_read
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.core.task import Attention, Status, Submission, Task
from kie_gateway.core.timeline import Entry
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.outputs.presenters import deleted_at, output_schema
from kie_gateway.web.outputs.schemas import MissingOutput
from kie_gateway.web.schemas import ModelFamily, ModelKind
from kie_gateway.web.tasks import schemas

# A task with links looks new this often, so that nobody keeps a dead link because of a 304.
_LINKS_RENEWED_SECONDS = 1800
_UNCREATED = {
    ChildState.PLANNED: "pending",
    ChildState.CREATED: "skipped",
    ChildState.SKIPPED: "skipped",
    ChildState.UNNEEDED: "skipped",
}
# A watch that has not recorded an expiry this long after the deadline is broken.
_OVERDUE_SECONDS = 600


def task_schema(
    task: Task,
    *,
    descendants: Mapping[str, Task],
    base_url: str,
    links: OutputLinks,
    now: datetime,
) -> schemas.Task:
    """
    Present a task.

    Args:
        descendants: By id: what belongs to it, as far as it is created.
        base_url: Public address of the API, without a slash at the end.
    """
    own, expected = f"{base_url}/v1/tasks/{task.task_id}", outlook(task, now)
    return schemas.Task(
        id=task.task_id,
        status=task.status,
        progress=expected.progress,
        expected_at=expected.expected_at,
        attention=_attention(task, now),
        model=task.model,
        family=ModelFamily(task.family),
        kind=ModelKind(task.kind),
        input=dict(task.input),
        input_truncated=task.input_bytes is not None,
        metadata=dict(task.metadata),
        upstream=_upstream_schema(task),
        outputs=[output_schema(output, task, links, now) for output in task.outputs],
        missing_outputs=[MissingOutput(index=one.index, reason=one.reason) for one in task.missing],
        previews=[output_schema(preview, task, links, now) for preview in task.previews],
        error=_error_schema(task.error),
        credits=schemas.TaskCredits(
            estimated=_number(task.credits_estimated), charged=_number(task.credits_charged)
        ),
        attempts=attempt_schemas(task),
        max_credits=_number(task.max_credits),
        completed_by=task.completed_by,
        recipe=_recipe_schema(task.recipe),
        parent_id=task.parent_id,
        children=[_child_schema(child, descendants) for child in task.children],
        group_status=group_status(task, descendants) if task.children else None,
        batch_id=task.batch_id,
        retry_of=task.retry_of,
        webhook=_webhook_schema(task.webhook),
        created_at=task.created_at,
        submitted_at=task.submitted_at,
        upstream_completed_at=task.upstream_completed_at,
        completed_at=task.completed_at,
        deadline_at=task.deadline_at,
        urls=schemas.TaskUrls(
            self=own, cancel=f"{own}/cancel", refresh=f"{own}/refresh", events=f"{own}/events"
        ),
    )


def _upstream_schema(task: Task) -> schemas.Upstream:
    return schemas.Upstream(
        task_id=task.upstream_task_id,
        state=task.upstream_state,
        code=task.upstream_code,
        message=task.upstream_message,
        facts=dict(task.upstream_facts),
    )


def created_task_schema(shown: schemas.Task, secret: str | None) -> schemas.CreatedTask:
    """
    Present a task to whoever has just created it.

    Args:
        secret: That signs its webhook; None if it is not shown any more.
    """
    fields = {name: getattr(shown, name) for name in schemas.Task.model_fields}
    if shown.webhook is not None:
        fields["webhook"] = schemas.IssuedTaskWebhook(**shown.webhook.model_dump(), secret=secret)
    return schemas.CreatedTask(**fields)


def _webhook_schema(webhook: TaskWebhook | None) -> schemas.TaskWebhook | None:
    if webhook is None:
        return None
    return schemas.TaskWebhook(url=webhook.url, events=list(webhook.events))


def _child_schema(child: Child, tasks: Mapping[str, Task]) -> schemas.Child:
    task = tasks.get(child.task_id)
    status = task.status.value if task is not None else _UNCREATED[child.state]
    return schemas.Child(
        name=child.name,
        id=child.task_id if task is not None else None,
        status=schemas.ChildStatus(status),
        required=child.required,
    )


def event_schema(entry: Entry) -> schemas.Event:
    """Present an entry of the timeline; facts that are not known are left out."""
    facts = {name: value for name, value in entry.facts.items() if value is not None}
    return schemas.Event(type=entry.happened, at=entry.at, message=entry.message, facts=facts)


def etag(task: Task, descendants: Mapping[str, Task], now: datetime) -> str:
    """
    Return the entity tag of this state of the task; weak, because links differ every time.

    What changes by time alone, without a new version of the record, is part of it.
    """
    has_links = bool(task.outputs or task.previews)
    renewal = int(now.timestamp() // _LINKS_RENEWED_SECONDS) if has_links else 0
    by_time = "-stalled" if _attention(task, now) is not task.attention else ""
    if has_links and deleted_at(task, now) is not None:
        by_time += "-gone"
    of_group = "".join(
        f".{descendants[child.task_id].version}"
        for child in with_descendants(task.children)
        if child.task_id in descendants
    )
    by_time += _outlook_tag(task, now)
    return f'W/"{task.version}{of_group}-{renewal}{by_time}"'


def retry_after_seconds(task: Task, now: datetime) -> int:
    """Suggest when to read an open task again."""
    return math.ceil(seconds_to_next_read(task, now))


def _outlook_tag(task: Task, now: datetime) -> str:
    """Return what tells two steps of an open task's progress apart."""
    if task.status.is_settled:
        return ""
    expected = outlook(task, now)
    end = expected.expected_at.timestamp() if expected.expected_at is not None else 0
    return f"-{expected.percent or 0}.{end:.3f}"


def _attention(task: Task, now: datetime) -> Attention | None:
    if task.attention is None and task.is_overdue(now):
        overdue_seconds = (now - task.deadline_at).total_seconds()
        return Attention.STALLED if overdue_seconds > _OVERDUE_SECONDS else None
    return task.attention


def attempt_schemas(task: Task) -> list[schemas.Attempt]:
    """Present the models that a task was tried with, the one at work last."""
    over = [
        schemas.Attempt(
            model=one.tried.model,
            status=one.status.value,
            error=_error_schema(one.error),
            credits=_number(one.credits),
        )
        for one in task.attempts
    ]
    has_failed = task.status is Status.FAILED
    is_refused = has_failed and task.submission is Submission.WAITING
    last = schemas.Attempt(
        model=task.model,
        status="refused" if is_refused else task.status.value,
        error=_error_schema(task.error),
        credits=0 if has_failed else _number(task.credits_charged),
    )
    return [*over, last]


def _error_schema(error: Failure | None) -> schemas.TaskError | None:
    if error is None:
        return None
    return schemas.TaskError(
        code=error.code,
        category=error.category,
        message=error.message,
        retryable=error.retryable,
    )


def _recipe_schema(recipe: RecipeVersion | None) -> schemas.RecipeVersion | None:
    if recipe is None:
        return None
    return schemas.RecipeVersion(name=recipe.name, version=recipe.version)


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
