"""Routes by which administrators stop new tasks, and let them be created again."""

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.web.access import needs
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import no_content
from kie_gateway.web.routing import new_router
from kie_gateway.web.service.schemas import StopCreations

router = new_router()

_TAG = "service"


@router.post(
    "/v1/creations/stop",
    **operation("stopCreations", _TAG, {204: Success("New tasks are refused.")}, *OF_A_BODY),
)
@needs(Scope.ADMIN)
def stop_creations(context: CurrentContext, body: StopCreations) -> Response[None]:
    """Stop accepting new tasks, within 10 seconds. Existing tasks continue."""
    context.use_cases.creation_switch.stop(body.reason, context.use_cases.now())
    return no_content()


@router.delete(
    "/v1/creations/stop",
    **operation("resumeCreations", _TAG, {204: Success("New tasks are accepted.")}),
)
@needs(Scope.ADMIN)
def resume_creations(context: CurrentContext) -> Response[None]:
    """Accept new tasks again. It takes effect within 10 seconds."""
    context.use_cases.creation_switch.resume()
    return no_content()
