"""Find what a caller may see of webhooks."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from kie_gateway.core.errors.webhook_errors import EndpointNotFoundError
from kie_gateway.core.events.endpoint import Endpoint, is_endpoint_id
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.web.request_context import RequestContext

# No `type` statements: their names would stand in the API's document in place of the parameters.
EndpointId = Annotated[str, Path(description="The `id` of the webhook endpoint.")]
EndpointIdOrTasks = Annotated[
    str,
    Path(
        description="The `id` of the webhook endpoint, or `per-task` for the webhooks of your"
        " tasks."
    ),
]


def owned_endpoint(context: RequestContext, endpoint_id: str, owner: str | None) -> Endpoint:
    """
    Find an endpoint of the caller's, or of whom an admin names.

    Raises:
        EndpointNotFoundError: There is none, or it is somebody else's.
        ForbiddenError: The caller names another owner.
    """
    whose = context.owner_to_list(owner)
    # What is kept of the secret of tasks' webhooks is no endpoint, and has another id.
    found = None
    if is_endpoint_id(endpoint_id):
        found = context.use_cases.webhooks.endpoints.get(whose, endpoint_id)
    if found is None:
        raise EndpointNotFoundError("there is no such webhook endpoint")
    return found


def owner_of_endpoint(context: RequestContext, endpoint_id: str, owner: str | None) -> str:
    """
    Return whose endpoint is meant, which the use case looks for; `per-task` is everybody's.

    Raises:
        EndpointNotFoundError: There is no endpoint with such an id.
        ForbiddenError: The caller names another owner.
    """
    whose = context.owner_to_list(owner)
    if endpoint_id != PER_TASK and not is_endpoint_id(endpoint_id):
        raise EndpointNotFoundError("there is no such webhook endpoint")
    return whose
