"""Outputs: the files themselves, and lists of them."""

from typing import TYPE_CHECKING, Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.core.api_key import Scope
from kie_gateway.core.errors import (
    FieldFault,
    InvalidRequestError,
    OutputDeletedError,
    OutputNotFoundError,
)
from kie_gateway.core.task import Output, Task
from kie_gateway.flows.list_outputs import list_outputs
from kie_gateway.web.cursor import OUTPUTS
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import OutputListBody, OutputOfTaskBody
from kie_gateway.web.present import deleted_at, output_body
from kie_gateway.web.queries import PageCursor, PageSize, Whose
from kie_gateway.web.resolver import answers

if TYPE_CHECKING:
    from kie_gateway.wiring.api import ApiGateway

# Few widths, so that few pictures are kept for each.
WIDTHS = (160, 320, 640, 1280)
_WIDTH_WORDS = f"Width of a thumbnail, rounded up to one of {', '.join(map(str, WIDTHS))}."

type Media = Literal["image", "video", "audio", "text", "archive", "other"]


def add_output_routes(desk: Desk) -> None:
    """Add the routes."""
    app, gateway = desk.app, desk.gateway

    @app.get("/v1/outputs", responses=answers({200: "A page of files"}), tags=["outputs"])
    @app.needs(Scope.TASKS_READ)
    def outputs(
        media: Annotated[Media | None, Query()] = None,
        limit: PageSize = 20,
        cursor: PageCursor = None,
        owner: Whose = None,
    ) -> OutputListBody:
        """List your files, those of the newest task first."""
        now = gateway.now()
        page = list_outputs(
            desk.whose(owner),
            media=media,
            limit=limit,
            after=OUTPUTS.read(cursor) if cursor is not None else None,
            tasks=gateway.tasks,
            now=now,
        )
        after = OUTPUTS.write(page.next_after) if page.next_after else None
        return OutputListBody(
            data=[
                OutputOfTaskBody(
                    **output_body(output, task, desk.link, now).model_dump(),
                    task_id=task.task_id,
                    model=task.model,
                    metadata=dict(task.metadata),
                    created_at=task.created_at,
                )
                for task, output in page.files
            ],
            has_more=after is not None,
            next_cursor=after,
        )

    @app.get(
        "/v1/tasks/<task_id>/outputs/<index>/content",
        responses=answers({302: "Location leads to the file"}, 404, 410),
        tags=["outputs"],
    )
    @app.needs(Scope.TASKS_READ)
    def output_content(
        task_id: str,
        index: int,
        download: Annotated[bool, Query()] = False,
        w: Annotated[int | None, Query(ge=16, le=WIDTHS[-1], description=_WIDTH_WORDS)] = None,
    ) -> Response[None]:
        """Go to a fresh link to an output."""
        task = desk.owned(task_id)
        output = next((one for one in task.outputs if one.index == index), None)
        if output is None:
            raise OutputNotFoundError(f"the task is {task.status.value} and has no output {index}")
        if deleted_at(task, gateway.now()) is not None:
            raise OutputDeletedError("the file was kept for as long as it should be")
        name = file_name(task, output) if download else None
        key = output.key if w is None else _thumbnail_key(gateway, output, w)
        return Response(
            302,
            headers={
                "Location": desk.link_key(key, download_name=name),
                "Cache-Control": "no-store",
            },
        )


def _thumbnail_key(gateway: "ApiGateway", output: Output, asked_width: int) -> str:
    """Find the thumbnail of the next larger of a few widths; make it if it is not there yet."""
    if output.media != "image":
        raise InvalidRequestError(
            "only pictures have thumbnails", [FieldFault("/w", f"the output is {output.media}")]
        )
    width = next(width for width in WIDTHS if width >= asked_width)
    if output.width is not None and output.width <= width:
        return output.key
    key = f"{output.key.replace('outputs/', 'thumbnails/', 1).rpartition('.')[0]}-w{width}.webp"
    if gateway.bucket.size_of(key) is None:
        why = gateway.thumbnails.make(output.key, key, width)
        if why is not None:
            raise InvalidRequestError(why, [FieldFault("/w", why)])
    return key


def file_name(task: Task, output: Output) -> str:
    """Name a file so that it is known again in a folder of downloads."""
    model = task.model.replace("/", "-")
    extension = output.key.rpartition(".")[2]
    return f"{model}-{task.task_id.removeprefix('task_')}-{output.index}.{extension}"
