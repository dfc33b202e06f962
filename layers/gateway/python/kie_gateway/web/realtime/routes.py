"""Routes that lead to live updates."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.web.access import needs
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.realtime import schemas
from kie_gateway.web.realtime.presenters import realtime_schema, realtime_token_schema
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import json_response
from kie_gateway.web.routing import new_router

router = new_router()

_TAG = "realtime"


@router.get(
    "/v1/realtime",
    **operation("getRealtime", _TAG, {200: Success("Where and how to connect.")}),
)
@needs(Scope.TASKS_READ)
def get_realtime(context: CurrentContext) -> schemas.Realtime:
    """Read where and how to connect for live updates, if this gateway has them."""
    return realtime_schema(context.use_cases.live_endpoint)


@router.post(
    "/v1/realtime/tokens",
    **operation(
        "createRealtimeToken",
        _TAG,
        {201: Success("The token and the channels that it opens.", ("Cache-Control",))},
        *(*OF_A_BODY, 409),
    ),
)
@needs(Scope.TASKS_WRITE)
def create_realtime_token(
    context: CurrentContext, body: schemas.CreateRealtimeToken
) -> Response[schemas.RealtimeToken]:
    """
    Create a token with which a browser follows some of your tasks, or all of them.

    It opens nothing else, so a page may have it. Once it has expired, it opens nothing more.
    """
    issued = context.use_cases.issue_realtime_token(context.owner, body.tasks, body.ttl_seconds)
    return json_response(
        realtime_token_schema(issued, body.tasks),
        HTTPStatus.CREATED,
        {"Cache-Control": "no-store"},
    )
