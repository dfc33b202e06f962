"""Routes that list deliveries of events, and have them tried again."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.events.delivery import Delivery, DeliveryStatus
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.web.access import needs
from kie_gateway.web.cursor import DELIVERIES
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import OwnerToList, PageCursor, PageSize
from kie_gateway.web.request_context import CurrentContext, RequestContext
from kie_gateway.web.responses import json_response
from kie_gateway.web.routing import new_router
from kie_gateway.web.webhooks import schemas
from kie_gateway.web.webhooks.access import EndpointIdOrTasks, owned_endpoint, owner_of_endpoint
from kie_gateway.web.webhooks.presenters import delivery_schema

router = new_router()

_TAG = "webhooks"


@router.get(
    "/v1/webhook-endpoints/<endpoint_id>/deliveries",
    **operation("listDeliveries", _TAG, {200: Success("A page of deliveries.")}, 404),
)
@needs(Scope.TASKS_READ)
def list_deliveries(
    context: CurrentContext,
    endpoint_id: EndpointIdOrTasks,
    status: Annotated[
        DeliveryStatus | None, Query(description="Only deliveries with this status.")
    ] = None,
    limit: PageSize = 20,
    cursor: PageCursor = None,
    owner: OwnerToList = None,
) -> schemas.DeliveryList:
    """
    List the deliveries to a webhook endpoint of the last 30 days. The newest come first.

    With `status`, a page may be short, even empty, and there may still be more.
    """
    if endpoint_id != PER_TASK:
        owned_endpoint(context, endpoint_id, owner)
    found, last = context.use_cases.webhooks.deliveries.list_deliveries(
        context.owner_to_list(owner),
        endpoint_id,
        status=status,
        since=None,
        limit=limit,
        after=DELIVERIES.read(cursor) if cursor is not None else None,
    )
    return schemas.DeliveryList(
        data=[delivery_schema(one) for one in found],
        has_more=last is not None,
        next_cursor=DELIVERIES.write(last) if last is not None else None,
    )


@router.post(
    "/v1/webhook-endpoints/<endpoint_id>/recover",
    **operation(
        "recoverDeliveries",
        _TAG,
        {202: Success("How many are being tried again.", ("Location",))},
        *(404, 409, *OF_A_BODY),
    ),
)
@needs(Scope.TASKS_WRITE)
def recover_deliveries(
    context: CurrentContext,
    endpoint_id: EndpointIdOrTasks,
    body: schemas.RecoverDeliveries,
    owner: OwnerToList = None,
) -> Response[schemas.Recovery]:
    """
    Recover deliveries. Everything that has failed since a time is tried again, the oldest first.

    That includes what should have been tried over an hour ago and was not. What is still being
    tried is left alone, and so is what is about deleted tasks. Deliveries are kept for 30 days.
    """
    recovered = context.use_cases.webhooks.recover_deliveries(
        owner_of_endpoint(context, endpoint_id, owner), endpoint_id, body.since
    )
    shown = schemas.Recovery(recovered=recovered.count, has_more=recovered.has_more)
    return json_response(shown, HTTPStatus.ACCEPTED, {"Location": _list(context, endpoint_id)})


@router.post(
    "/v1/deliveries/<delivery_id>/retry",
    **operation(
        "retryDelivery",
        _TAG,
        {202: Success("The delivery, which is tried again.", ("Location",))},
        *(404, 409),
    ),
)
@needs(Scope.TASKS_WRITE)
def retry_delivery(
    context: CurrentContext,
    delivery_id: Annotated[str, Path(description="The `id` of the delivery.")],
    owner: OwnerToList = None,
) -> Response[schemas.Delivery]:
    """
    Retry a delivery. The event is sent again now, with the same id, whatever became of it before.

    If it does not come through, it is tried as often as a new one.
    """
    whose = context.owner_to_list(owner)
    return accepted_delivery(context, context.use_cases.webhooks.retry_delivery(whose, delivery_id))


def accepted_delivery(context: RequestContext, delivery: Delivery) -> Response[schemas.Delivery]:
    """Respond with a delivery that is being tried, and where to look for what becomes of it."""
    location = _list(context, delivery.endpoint_id)
    return json_response(delivery_schema(delivery), HTTPStatus.ACCEPTED, {"Location": location})


def _list(context: RequestContext, endpoint_id: str) -> str:
    return f"{context.base_url}/v1/webhook-endpoints/{endpoint_id}/deliveries"
