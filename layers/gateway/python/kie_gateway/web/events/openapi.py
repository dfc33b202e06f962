"""What receivers of webhooks get, for the API's document."""

from typing import Any

from kie_gateway.core.events.event_type import EventType
from kie_gateway.web.events.examples import event_examples

type Json = dict[str, Any]

# What happened, in a sentence, and the schema of what the event is about.
_TOLD: dict[EventType, tuple[str, str | None]] = {
    EventType.TASK_RUNNING: ("Kie.ai is at work on a task", "Task"),
    EventType.TASK_STORING: ("Kie.ai is done, and the results are being stored", "Task"),
    EventType.TASK_SUCCEEDED: ("A task has succeeded, and its files are stored", "Task"),
    EventType.TASK_FAILED: ("A task has failed", "Task"),
    EventType.TASK_CANCELED: ("A task was canceled", "Task"),
    EventType.TASK_EXPIRED: ("A task has expired without a result", "Task"),
    EventType.TASK_RECOVERED: ("A task that had expired has succeeded after all", "Task"),
    EventType.TASK_ATTENTION: ("Somebody should look at a task", "Task"),
    EventType.BATCH_COMPLETED: ("The last task of a batch has ended", "Batch"),
    EventType.CREDITS_LOW: ("A balance has fallen below the deployment's threshold", "Account"),
    EventType.WEBHOOK_DISABLED: (
        "A webhook endpoint was disabled, because its receiver is gone or keeps failing",
        "WebhookEndpoint",
    ),
    EventType.WEBHOOK_TEST: ("A test of a webhook endpoint", None),
}
_HEADERS = {
    "webhook-id": "The id of the event. It is the same whenever the event is sent again.",
    "webhook-timestamp": "When it was sent, in unix seconds.",
    "webhook-signature": "`v1,` and a signature in Base64, as Standard Webhooks defines it."
    " After a rotation of the secret there are two, separated by a space.",
}
_DESCRIPTION = (
    "Sent to your webhook endpoints, and to the `webhook` of a task. Verify the signature by a"
    " library of Standard Webhooks, answer within 15 seconds, and expect an event more than once."
    " `data` is what the API shows, with permalinks and without links that end; the names of what"
    " was left out because it is too large are in `left_out`."
)


def event_webhooks() -> Json:
    """Return the `webhooks` of the document: one for each type of event."""
    bodies = event_examples()
    return {type_.value: {"post": _operation(type_, bodies[type_])} for type_ in EventType}


def _operation(type_: EventType, body: Json) -> Json:
    told, about = _TOLD[type_]
    subject, _, what = type_.partition(".")
    return {
        "operationId": f"on{subject.title()}{what.title()}",
        "summary": told,
        "description": _DESCRIPTION,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": description,
                "schema": {"type": "string"},
            }
            for name, description in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _schema(type_, about), "example": body}},
        },
        "responses": {
            "2XX": {"description": "You have it.", "headers": {}},
            "410": {
                "description": "Send nothing here any more: the endpoint is disabled.",
                "headers": {},
            },
            "4XX": {
                "description": "It is sent again later, by the schedule.",
                "headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}},
            },
        },
    }


def _schema(type_: EventType, about: str | None) -> Json:
    test: Json = {
        "type": "object",
        "required": ["endpoint_id"],
        "properties": {"endpoint_id": {"type": "string"}},
    }
    return {
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": {"type": "string"},
            "type": {"const": type_.value},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"$ref": f"#/components/schemas/{about}"} if about else test,
        },
    }
