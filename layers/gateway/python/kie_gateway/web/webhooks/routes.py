"""Routes that create, read, change, try and delete webhook endpoints."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.flows.events.manage_endpoints import EndpointUpdate, IssuedEndpoint, NewEndpoint
from kie_gateway.observability import logger
from kie_gateway.web.access import needs
from kie_gateway.web.cursor import ENDPOINTS
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import OwnerToList, PageCursor, PageSize
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import Headers, json_response, no_content
from kie_gateway.web.routing import new_router
from kie_gateway.web.webhooks import schemas
from kie_gateway.web.webhooks.access import (
    EndpointId,
    EndpointIdOrTasks,
    owned_endpoint,
    owner_of_endpoint,
)
from kie_gateway.web.webhooks.delivery_routes import accepted_delivery
from kie_gateway.web.webhooks.presenters import endpoint_schema, issued_endpoint_schema

router = new_router()

_TAG = "webhooks"
_LINKS = ("getWebhookEndpoint", "listDeliveries")
_ISSUED = ("Cache-Control",)


@router.post(
    "/v1/webhook-endpoints",
    **operation(
        "createWebhookEndpoint",
        _TAG,
        {
            201: Success(
                "The endpoint with its secret, which is shown only once.",
                ("Location", *_ISSUED),
                _LINKS,
            )
        },
        *(409, *OF_A_BODY),
    ),
)
@needs(Scope.TASKS_WRITE)
def create_webhook_endpoint(
    context: CurrentContext, body: schemas.CreateWebhookEndpoint
) -> Response[schemas.IssuedWebhookEndpoint]:
    """
    Create a webhook endpoint. Events of your tasks, batches and credits are sent there.

    The secret that signs them is shown only once.
    """
    new = NewEndpoint(context.owner, body.url, body.events, body.description)
    issued = context.use_cases.webhooks.create_endpoint(new)
    endpoint_id = issued.endpoint.endpoint_id
    logger.info("webhook endpoint created", extra={"endpoint_id": endpoint_id})
    location = f"{context.base_url}/v1/webhook-endpoints/{endpoint_id}"
    return _issued(issued, HTTPStatus.CREATED, {"Location": location})


@router.get(
    "/v1/webhook-endpoints",
    **operation("listWebhookEndpoints", _TAG, {200: Success("A page of endpoints.")}),
)
@needs(Scope.TASKS_READ)
def list_webhook_endpoints(
    context: CurrentContext,
    limit: PageSize = 20,
    cursor: PageCursor = None,
    owner: OwnerToList = None,
) -> schemas.WebhookEndpointList:
    """List your webhook endpoints. The oldest come first."""
    after = ENDPOINTS.read(cursor) if cursor is not None else ""
    every = context.use_cases.webhooks.endpoints.of_owner(context.owner_to_list(owner))
    found = [one for one in every if one.endpoint_id > after]
    page, has_more = found[:limit], len(found) > limit
    return schemas.WebhookEndpointList(
        data=[endpoint_schema(one) for one in page],
        has_more=has_more,
        next_cursor=ENDPOINTS.write(page[-1].endpoint_id) if has_more else None,
    )


@router.get(
    "/v1/webhook-endpoints/<endpoint_id>",
    **operation("getWebhookEndpoint", _TAG, {200: Success("The endpoint.", (), _LINKS)}, 404),
)
@needs(Scope.TASKS_READ)
def get_webhook_endpoint(
    context: CurrentContext, endpoint_id: EndpointId, owner: OwnerToList = None
) -> schemas.WebhookEndpoint:
    """Read a webhook endpoint. Its secret is not shown."""
    return endpoint_schema(owned_endpoint(context, endpoint_id, owner))


@router.patch(
    "/v1/webhook-endpoints/<endpoint_id>",
    **operation(
        "updateWebhookEndpoint",
        _TAG,
        {200: Success("The endpoint as it is now.", (), _LINKS)},
        *(404, *OF_A_BODY),
    ),
)
@needs(Scope.TASKS_WRITE)
def update_webhook_endpoint(
    context: CurrentContext,
    endpoint_id: EndpointId,
    body: schemas.UpdateWebhookEndpoint,
    owner: OwnerToList = None,
) -> schemas.WebhookEndpoint:
    """
    Change a webhook endpoint. What you do not send stays as it is.

    To have events delivered again that failed while it was disabled, enable it and call `/recover`.
    """
    endpoint = owned_endpoint(context, endpoint_id, owner)
    sent = {name: getattr(body, name) for name in body.model_fields_set}
    updated = context.use_cases.webhooks.update_endpoint(endpoint, EndpointUpdate(**sent))
    return endpoint_schema(updated)


@router.delete(
    "/v1/webhook-endpoints/<endpoint_id>",
    **operation("deleteWebhookEndpoint", _TAG, {204: Success("The endpoint is deleted.")}, 404),
)
@needs(Scope.TASKS_WRITE)
def delete_webhook_endpoint(
    context: CurrentContext, endpoint_id: EndpointId, owner: OwnerToList = None
) -> Response[None]:
    """Delete a webhook endpoint. What is still to be delivered to it is given up."""
    context.use_cases.webhooks.delete_endpoint(owned_endpoint(context, endpoint_id, owner))
    return no_content()


@router.post(
    "/v1/webhook-endpoints/<endpoint_id>/rotate-secret",
    **operation(
        "rotateWebhookSecret",
        _TAG,
        {200: Success("The endpoint with its new secret, which is shown only once.", _ISSUED)},
        404,
    ),
)
@needs(Scope.TASKS_WRITE)
def rotate_webhook_secret(
    context: CurrentContext, endpoint_id: EndpointIdOrTasks, owner: OwnerToList = None
) -> Response[schemas.IssuedWebhookEndpoint]:
    """Rotate the secret of a webhook endpoint. For 24 hours, the old secret signs as well."""
    whose = owner_of_endpoint(context, endpoint_id, owner)
    return _issued(context.use_cases.webhooks.rotate_secret(whose, endpoint_id))


@router.post(
    "/v1/webhook-endpoints/<endpoint_id>/test",
    **operation(
        "testWebhookEndpoint",
        _TAG,
        {202: Success("The delivery of the event.", ("Location",), ("retryDelivery",))},
        *(404, 409),
    ),
)
@needs(Scope.TASKS_WRITE)
def send_test_event(
    context: CurrentContext, endpoint_id: EndpointId, owner: OwnerToList = None
) -> Response[schemas.Delivery]:
    """Test a webhook endpoint. An event `webhook.test` is sent to it, whatever types it lists."""
    endpoint = owned_endpoint(context, endpoint_id, owner)
    return accepted_delivery(context, context.use_cases.webhooks.send_test_event(endpoint))


def _issued(
    issued: IssuedEndpoint, status: HTTPStatus = HTTPStatus.OK, more: Headers | None = None
) -> Response[schemas.IssuedWebhookEndpoint]:
    headers: Headers = {"Cache-Control": "no-store", **(more or {})}
    return json_response(issued_endpoint_schema(issued), status, headers)
