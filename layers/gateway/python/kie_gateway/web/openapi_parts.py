"""Parts of the API's document that Powertools does not write: headers, links, tags and names."""

from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import Tag

from kie_gateway.web.requests import MAX_WAIT_SECONDS

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}

TAGS = [
    Tag(
        name="tasks",
        description="Create generation tasks, follow them to their result, and import work that"
        " was created elsewhere.",
    ),
    Tag(
        name="batches",
        description="Up to 100 tasks in one request. If one of them cannot be created, none is.",
    ),
    Tag(name="outputs", description="The stored files of your tasks."),
    Tag(name="uploads", description="Input files that you send to the gateway first."),
    Tag(
        name="models",
        description="The catalogue: what each model takes, what it costs and how long it takes.",
    ),
    Tag(
        name="recipes",
        description="Ready-made wishes: what each takes, and which models it is made for.",
    ),
    Tag(
        name="webhooks",
        description="Have events sent to you as they happen, signed by Standard Webhooks.",
    ),
    Tag(
        name="realtime",
        description="Live updates: what happens to your tasks, sent to browsers by WebSocket.",
    ),
    Tag(name="credits", description="Your balance, your ledger and your limits."),
    Tag(name="keys", description="API keys. Only for keys with the scope `admin`."),
    Tag(
        name="service",
        description="Health, documentation, and the switch that stops new tasks.",
    ),
]

# By name: the schema, the description and an example of each header.
REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "A key of your choice, 1 to 255 visible ASCII characters. Requests with the"
        " same key and the same content are carried out once. A refused request does not use up"
        " the key.",
        "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
        "example": "order-4711",
    },
    "Prefer": {
        "description": "`wait=N` delays the response until the task has ended, for up to"
        f" {MAX_WAIT_SECONDS} seconds (RFC 7240). Without a number, the wait is as long as"
        " possible.",
        "schema": TEXT,
        "example": "wait=20",
    },
    "If-None-Match": {
        "description": "The `ETag` of your copy. If nothing has changed, the response is 304.",
        "schema": TEXT,
        "example": 'W/"3-0"',
    },
    "Accept": {
        "description": "`text/csv` for a table instead of JSON.",
        "schema": TEXT,
        "example": "text/csv",
    },
}

RESPONSE_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "Identifies the request. Quote it when you report a problem.",
        "schema": TEXT,
    },
    "X-Error-Code": {
        "description": "The `code` of the problem, because some proxies replace bodies.",
        "schema": {"$ref": "#/components/schemas/ProblemCode"},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": TEXT,
        "example": 'Bearer realm="kie-gateway"',
    },
    "Retry-After": {
        "description": "After how many seconds to send the request again; for a task that has not"
        " ended, when to read it again.",
        "schema": WHOLE,
        "example": 5,
    },
    "Location": {
        "description": "Where to go: the address of the task, or a link to the file.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "ETag": {
        "description": "Identifies this state of what is returned. Send it back in"
        " `If-None-Match`.",
        "schema": TEXT,
        "example": 'W/"3-0"',
    },
    "Cache-Control": {
        "description": "Whether and for how long the response may be cached.",
        "schema": TEXT,
        "example": "private, no-cache",
    },
    "Vary": {"description": "The request headers that the response depends on.", "schema": TEXT},
    "Idempotent-Replayed": {
        "description": "`true` if an earlier request with the same `Idempotency-Key` was carried"
        " out, and this response returns its result.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Preference-Applied": {
        "description": "The preference that was honoured.",
        "schema": TEXT,
        "example": "wait=20",
    },
    "X-Next-Cursor": {
        "description": "Send it as `cursor` to read the next page; missing on the last page.",
        "schema": TEXT,
    },
    "RateLimit-Policy": {
        "description": "How many requests you may send in a window of time (IETF draft"
        " draft-ietf-httpapi-ratelimit-headers). Missing if your requests are not limited.",
        "schema": TEXT,
        "example": '"requests";q=600;w=60',
    },
    "RateLimit": {
        "description": "How many requests are left, and in how many seconds the window ends.",
        "schema": TEXT,
        "example": '"requests";r=599;t=42',
    },
    "RateLimit-Limit": {
        "description": "How many requests you may send in the window.",
        "schema": WHOLE,
        "example": 600,
    },
    "RateLimit-Remaining": {
        "description": "How many requests are left in the window.",
        "schema": WHOLE,
        "example": 599,
    },
    "RateLimit-Reset": {
        "description": "In how many seconds the window ends.",
        "schema": WHOLE,
        "example": 42,
    },
}
OF_EVERY_RESPONSE = ("X-Request-Id",)
OF_A_KNOWN_CALLER = tuple(name for name in RESPONSE_HEADERS if name.startswith("RateLimit"))
OF_EVERY_PROBLEM = ("X-Error-Code",)
OF_A_PROBLEM = {
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}

_TASK_ID = {"task_id": "$response.body#/id"}
_BATCH_ID = {"batch_id": "$response.body#/id"}
_ENDPOINT_ID = {"endpoint_id": "$response.body#/id"}
_DELIVERY_ID = {"delivery_id": "$response.body#/id"}
_KEY_ID = {"key_id": "$response.body#/id"}
# By operation id: where what a response returns can be read or changed.
LINKS: dict[str, dict[str, Any]] = {
    "getTask": {"description": "Read the task.", "parameters": _TASK_ID},
    "listTaskEvents": {"description": "Read its timeline.", "parameters": _TASK_ID},
    "cancelTask": {"description": "Cancel the task.", "parameters": _TASK_ID},
    "refreshTask": {"description": "Ask Kie.ai about it now.", "parameters": _TASK_ID},
    "getBatch": {"description": "Read the batch.", "parameters": _BATCH_ID},
    "cancelBatch": {"description": "Cancel the batch.", "parameters": _BATCH_ID},
    "getWebhookEndpoint": {"description": "Read the endpoint.", "parameters": _ENDPOINT_ID},
    "listDeliveries": {"description": "List what was sent to it.", "parameters": _ENDPOINT_ID},
    "retryDelivery": {"description": "Send it again.", "parameters": _DELIVERY_ID},
    "rotateKey": {"description": "Rotate the key.", "parameters": _KEY_ID},
    "revokeKey": {"description": "Revoke the key.", "parameters": _KEY_ID},
}

# Enumerations of `core`, under names that say more to whoever reads the document alone.
SCHEMA_NAMES = {
    # Before that of a timeline takes its name.
    "EventType": "WebhookEventType",
    "EndpointStatus": "WebhookEndpointStatus",
    "Trouble": "DeliveryTrouble",
    "Status": "TaskStatus",
    "Attention": "TaskAttention",
    "Category": "FailureCategory",
    "Happened": "EventType",
    "Reason": "LedgerReason",
}
# What enumerations mean to callers, by their names in the document.
SCHEMA_DESCRIPTIONS = {
    "TaskStatus": "Where a task stands. `queued`, `running` and `storing` (the results are being"
    " copied) are open; the others are final, except that an `expired` task becomes `succeeded` if"
    " a late result arrives.",
    "TaskAttention": "Why a person should look at a task. `submission_unknown`: it is unknown"
    " whether Kie.ai accepted it; `stalled`: there was no result by the deadline;"
    " `storage_failed`: the results could not be copied.",
    "FailureCategory": "What kind of trouble ended the task. `input`: the input is wrong;"
    " `content_policy`: Kie.ai or the maker of the model does not allow the content; `upstream`:"
    " Kie.ai failed; `upstream_timeout`: Kie.ai did not finish in its own time;"
    " `insufficient_credits`: the gateway's account at Kie.ai is empty; `storage`: the results"
    " could not be copied; `internal`: the gateway is set up wrongly, as with an invalid key.",
    "CompletedBy": "How the gateway learned of the result.",
    "EventType": "What happened to the task.",
    "WebhookEventType": "What an event tells of. `task.recovered` is the success of a task that had"
    " expired; `task.attention`: a person should look at the task; `webhook.test` is what"
    " `POST /v1/webhook-endpoints/{endpoint_id}/test` sends.",
    "WebhookEndpointStatus": "Whether events are sent to the endpoint.",
    "DisabledReason": "Why nothing is sent. `by_owner`: you have disabled the endpoint; `gone`: it"
    " has answered 410; `failing`: nothing came through for five days.",
    "DeliveryStatus": "Where a delivery stands. `pending`: it is being tried.",
    "DeliveryTrouble": "Why there was no answer. `refused_address`: the address leads to a private"
    " network, or is not valid; `endpoint_deleted`, `task_deleted`: the endpoint, or the task that"
    " the event is about, was deleted; `endpoint_disabled`: nothing is sent to the endpoint.",
    "LedgerAccount": "Where credits can be. `outside`: where grants come from; `unlimited`: where"
    " the credits of owners without a balance come from; `balance`; `planned`: set aside for tasks"
    " that do not exist yet; `reserved`: set aside for open tasks; `spent`; `owed`: what"
    " the balance could not pay.",
    "LedgerReason": "Why credits moved. `start`: what a new owner begins with; `grant` and"
    " `adjust`: by an administrator; `reserve`: a task was created or planned; `charge`: Kie.ai has"
    " reported its price; `release`: what was reserved is returned; `late_success`: a task"
    " succeeded after its reservation was released.",
    "JsonValue": "Any JSON value.",
    "Scope": "What a key may do. `admin` includes everything, for every owner.",
    "ProblemCode": "The kind of problem, for programs.",
    "UploadContentType": "Media types that input files can have.",
}
