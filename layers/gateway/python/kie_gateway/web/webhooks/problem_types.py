"""The kinds of problems that only routes of webhooks report."""

from kie_gateway.web.problem_type import ProblemType

WEBHOOK_TYPES = (
    ProblemType(
        "webhook_endpoint_not_found",
        404,
        "Webhook endpoint not found",
        "There is no such webhook endpoint, it was deleted, or it belongs to another owner.",
        "Check the id. `GET /v1/webhook-endpoints` lists your endpoints.",
    ),
    ProblemType(
        "delivery_not_found",
        404,
        "Delivery not found",
        "There is no such delivery, it is older than 30 days, or it belongs to another owner.",
        "Check the id. `GET /v1/webhook-endpoints/{endpoint_id}/deliveries` lists deliveries.",
    ),
    ProblemType(
        "delivery_task_deleted",
        409,
        "Task of the delivery was deleted",
        "The event cannot be sent again: it was deleted together with the task that it is about.",
        "Nothing needs to be done. Deliveries of deleted tasks are listed, and never sent.",
    ),
    ProblemType(
        "webhook_endpoint_disabled",
        409,
        "Webhook endpoint is disabled",
        "Nothing is sent to the webhook endpoint, because you have disabled it or because it could"
        " not be reached; `disabled_reason` says which.",
        "Enable the endpoint with `PATCH /v1/webhook-endpoints/{endpoint_id}` and"
        ' `{"status": "enabled"}`, and send the request again.',
    ),
    ProblemType(
        "too_many_webhook_endpoints",
        409,
        "Too many webhook endpoints",
        "You have as many webhook endpoints as an owner may have.",
        "Delete an endpoint that you no longer need, or change its address.",
    ),
)
