"""The route that permalinks lead to, which takes no key."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from kie_gateway.web.access import needs
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.outputs.presenters import file_name
from kie_gateway.web.outputs.queries import Download, Width
from kie_gateway.web.queries import TaskId
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import Headers, redirect
from kie_gateway.web.routing import new_router

router = new_router()

# Far less than the life of the link behind it (`request_context.LINK_SECONDS`). Kept by the browser
# alone, so that nobody else opens a file by it once the task is deleted.
_HEADERS: Headers = {
    "Cache-Control": "private, max-age=300",
    # A script may not read a redirect that was kept for a plain <img>, which names no origin.
    "Vary": "Origin",
    # The bucket's host is not told which page shows the file.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get(
    "/files/<task_id>/<number>/<signature>",
    **operation(
        "openPermalink",
        "outputs",
        {302: Success("`Location` is a link to the file.", headers=("Location", "Cache-Control"))},
        *(404, 503),
        is_open=True,
    ),
)
@needs(None)
def open_permalink(
    context: CurrentContext,
    task_id: TaskId,
    number: Annotated[
        str, Path(description="The `index` of an output; of a preview, as in its permalink.")
    ],
    signature: Annotated[str, Path(description="The signature, as in the permalink.")],
    download: Download = False,
    w: Width = None,
) -> Response[None]:
    """
    Open a file by its permalink. No key is needed, and any page may show the file.

    Redirects to a fresh link. Once the file is deleted, the answer is the same as for a permalink
    that was never valid.
    """
    task, output = context.use_cases.find_linked_file(task_id, number, signature)
    name = file_name(task, output) if download else None
    key = output.key if w is None else context.use_cases.make_thumbnail(output, w)
    return redirect(context.link_key(key, download_name=name), headers=dict(_HEADERS))
