"""The route that tells where to send an input file."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.web.access import needs
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import json_response
from kie_gateway.web.routing import new_router
from kie_gateway.web.uploads import schemas
from kie_gateway.web.uploads.presenters import upload_schema

router = new_router()


@router.post(
    "/v1/uploads",
    **operation(
        "createUpload", "uploads", {201: Success("The form and the reference.")}, *OF_A_BODY
    ),
)
@needs(Scope.TASKS_WRITE)
def create_upload(context: CurrentContext, body: schemas.CreateUpload) -> Response[schemas.Upload]:
    """
    Create an upload. The response has a form that accepts one file of exactly this type and size.

    Once the file is sent, use `reference` in the input of a task in place of a link.
    """
    upload = context.use_cases.create_upload(context.owner, body.content_type, body.bytes)
    return json_response(upload_schema(upload, body), HTTPStatus.CREATED)
