"""Routes to the stored files."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.errors.caller_errors import OutputDeletedError, OutputNotFoundError
from kie_gateway.flows.files.list_outputs import OutputQuery
from kie_gateway.web.access import needs
from kie_gateway.web.cursor import OUTPUTS
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.outputs.presenters import deleted_at, file_name, output_of_task_schema
from kie_gateway.web.outputs.queries import Download, Width
from kie_gateway.web.outputs.schemas import OutputList
from kie_gateway.web.queries import OwnerToList, PageCursor, PageSize, TaskId
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import redirect
from kie_gateway.web.routing import new_router
from kie_gateway.web.schemas import Media

router = new_router()

_TAG = "outputs"


@router.get("/v1/outputs", **operation("listOutputs", _TAG, {200: Success("A page of files.")}))
@needs(Scope.TASKS_READ)
def list_files(
    context: CurrentContext,
    media: Annotated[Media | None, Query(description="Only files of this kind.")] = None,
    limit: PageSize = 20,
    cursor: PageCursor = None,
    owner: OwnerToList = None,
) -> OutputList:
    """List your files. Those of the newest task come first."""
    now = context.use_cases.now()
    after = OUTPUTS.read(cursor) if cursor is not None else None
    page = context.use_cases.list_outputs(
        OutputQuery(context.owner_to_list(owner), limit, media, after)
    )
    next_cursor = OUTPUTS.write(page.next_after) if page.next_after else None
    return OutputList(
        data=[
            output_of_task_schema(output, task, context.output_links, now)
            for task, output in page.files
        ],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get(
    "/v1/tasks/<task_id>/outputs/<index>/content",
    **operation(
        "getOutputContent",
        _TAG,
        {302: Success("`Location` is a link to the file.", headers=("Location", "Cache-Control"))},
        *(404, 410),
    ),
)
@needs(Scope.TASKS_READ)
def get_output_content(
    context: CurrentContext,
    task_id: TaskId,
    index: Annotated[int, Path(description="The `index` of the output.")],
    download: Download = False,
    w: Width = None,
) -> Response[None]:
    """Open an output. Redirects to a fresh link that is valid for an hour."""
    task = context.owned_task(task_id)
    output = next((one for one in task.outputs if one.index == index), None)
    if output is None:
        raise OutputNotFoundError(f"the task is {task.status.value} and has no output {index}")
    if deleted_at(task, context.use_cases.now()) is not None:
        raise OutputDeletedError("the file was deleted when its retention period ended")
    name = file_name(task, output) if download else None
    key = output.key if w is None else context.use_cases.make_thumbnail(output, w)
    link = context.link_key(key, download_name=name)
    return redirect(link, headers={"Cache-Control": "no-store"})
