"""Outputs: the files themselves, and lists of them."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.core.errors import OutputNotFoundError
from kie_gateway.core.task import Output, Task
from kie_gateway.web.desk import Desk
from kie_gateway.web.resolver import PROBLEMS


def add_output_routes(desk: Desk) -> None:
    """Add the routes."""
    app = desk.app

    @app.get("/v1/tasks/<task_id>/outputs/<index>/content", responses=PROBLEMS, tags=["outputs"])
    def output_content(
        task_id: str, index: int, download: Annotated[bool, Query()] = False
    ) -> Response[None]:
        """Go to a fresh link to an output."""
        task = desk.owned(task_id)
        output = next((one for one in task.outputs if one.index == index), None)
        if output is None:
            raise OutputNotFoundError(f"the task is {task.status.value} and has no output {index}")
        name = file_name(task, output) if download else None
        return Response(
            302,
            headers={
                "Location": desk.link(output, download_name=name),
                "Cache-Control": "no-store",
            },
        )


def file_name(task: Task, output: Output) -> str:
    """Name a file so that it is known again in a folder of downloads."""
    model = task.model.replace("/", "-")
    extension = output.key.rpartition(".")[2]
    return f"{model}-{task.task_id.removeprefix('task_')}-{output.index}.{extension}"
