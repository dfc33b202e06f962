"""Outputs, from the record to what callers see."""

from datetime import datetime

from kie_gateway.core.files.bucket_keys import number_in
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task
from kie_gateway.web.outputs import schemas
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.schemas import Media


def output_schema(output: Output, task: Task, links: OutputLinks, now: datetime) -> schemas.Output:
    """Present a stored file."""
    gone_at = deleted_at(task, now)
    return schemas.Output(
        index=output.index,
        media=Media(output.media),
        content_type=output.content_type,
        bytes=output.bytes,
        sha256=output.sha256,
        width=output.width,
        height=output.height,
        duration_seconds=output.duration_seconds,
        animated=output.animated,
        upstream_id=output.upstream_id,
        url=links.link(output) if gone_at is None else None,
        permalink=links.permalink(task, output) if gone_at is None else None,
        deleted_at=gone_at,
    )


def output_of_task_schema(
    output: Output, task: Task, links: OutputLinks, now: datetime
) -> schemas.OutputOfTask:
    """Present a stored file together with the task it belongs to."""
    return schemas.OutputOfTask(
        **output_schema(output, task, links, now).model_dump(),
        task_id=task.task_id,
        model=task.model,
        metadata=dict(task.metadata),
        created_at=task.created_at,
    )


def deleted_at(task: Task, now: datetime) -> datetime | None:
    """Return since when a task's files are gone, None while they are there."""
    return task.delete_at if task.has_lost_its_files(now) else None


def file_name(task: Task, output: Output) -> str:
    """Return a file name that is recognized in a folder of downloads."""
    model = task.model.replace("/", "-")
    extension = output.key.rpartition(".")[2]
    number = number_in(output.key)
    return f"{model}-{task.task_id.removeprefix('task_')}-{number}.{extension}"
