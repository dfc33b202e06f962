"""What callers ask of webhooks that cannot be done."""

from kie_gateway.core.errors.caller_errors import CallerError


class EndpointNotFoundError(CallerError):
    """There is no such webhook endpoint, or it is somebody else's."""

    code = "webhook_endpoint_not_found"


class EndpointDisabledError(CallerError):
    """Nothing is delivered to the endpoint until it is enabled."""

    code = "webhook_endpoint_disabled"


class TooManyEndpointsError(CallerError):
    """The owner has as many webhook endpoints as it may."""

    code = "too_many_webhook_endpoints"


class DeliveryNotFoundError(CallerError):
    """There is no such delivery, it is not kept any more, or it is somebody else's."""

    code = "delivery_not_found"


class EventDeletedError(CallerError):
    """The event of the delivery was deleted with the task that it is about."""

    code = "delivery_task_deleted"
