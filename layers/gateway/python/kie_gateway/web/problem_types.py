"""Every kind of problem that the API reports: one table of codes, each with a page for people."""

from enum import StrEnum

from kie_gateway.web.problem_type import ProblemType
from kie_gateway.web.webhooks.problem_types import WEBHOOK_TYPES

_RETRY = "Send the same request again after the number of seconds in `Retry-After`."

_TYPES = (
    ProblemType(
        "malformed_json",
        400,
        "Malformed request body",
        "The request body is not valid JSON, or it contains something that JSON does not allow,"
        " such as `NaN` or half of a surrogate pair.",
        "Fix the body. The problem names the line and the column where reading stopped.",
    ),
    ProblemType(
        "unauthorized",
        401,
        "Authentication required",
        "The request has no API key or token, or one that is unknown, has expired or was revoked.",
        "Send a valid key as `Authorization: Bearer <key>`. Ask the operator of this gateway for"
        " a new key if yours has expired.",
    ),
    ProblemType(
        "insufficient_credits",
        402,
        "Not enough credits",
        "Your balance does not cover the estimated cost of the task. Kie.ai was not called.",
        "Ask the operator of this gateway for more credits, wait until open tasks release what"
        " they have reserved, or choose a cheaper model. `GET /v1/credits` shows your balance.",
    ),
    ProblemType(
        "budget_exceeded",
        402,
        "Monthly budget exceeded",
        "The task would spend more than your budget for this calendar month (UTC). Kie.ai was not"
        " called.",
        "Wait for the next month, or ask the operator of this gateway for a higher budget.",
    ),
    ProblemType(
        "forbidden",
        403,
        "Scope missing",
        "Your key is valid, but it does not have the scope that this call requires.",
        "Use a key with the scope that the problem names.",
    ),
    ProblemType(
        "origin_not_allowed",
        403,
        "Origin not allowed",
        "The request comes from a page of an origin that is not in `AllowedOrigins`, a parameter of"
        " this gateway.",
        "Call the gateway from your own server, or ask the operator of this gateway to add the"
        " origin of the page.",
    ),
    ProblemType(
        "no_such_route",
        404,
        "No such path",
        "The API has nothing under this path.",
        "Check the path. `/docs` lists every call.",
    ),
    ProblemType(
        "task_not_found",
        404,
        "Task not found",
        "There is no such task, it was deleted, or it belongs to another owner.",
        "Check the id. `GET /v1/tasks` lists your tasks.",
    ),
    ProblemType(
        "batch_not_found",
        404,
        "Batch not found",
        "There is no such batch, or it belongs to another owner.",
        "Check the id. `GET /v1/batches` lists your batches.",
    ),
    ProblemType(
        "model_not_found",
        404,
        "Model not found",
        "The catalogue has no model with this id. A model that is too new for the catalogue can"
        " still be used to create tasks.",
        "Check the id. `GET /v1/models` lists the catalogue.",
    ),
    ProblemType(
        "recipe_not_found",
        404,
        "Recipe not found",
        "This gateway has no recipe with this name.",
        "Check the name. `GET /v1/recipes` lists the recipes.",
    ),
    ProblemType(
        "key_not_found",
        404,
        "Key not found",
        "There is no such API key, or it can no longer be rotated because it has expired or was"
        " revoked.",
        "Check the id. `GET /v1/keys` lists all keys. Create a new key instead of rotating one"
        " that has expired.",
    ),
    ProblemType(
        "output_not_found",
        404,
        "Output not found",
        "The task has no output with this index, or does not have it yet.",
        "Read the task: `outputs` lists what is stored.",
    ),
    ProblemType(
        "file_not_found",
        404,
        "File not found",
        "The permalink leads to no file: it is not complete, the file was deleted, or permalinks"
        " are switched off.",
        "Ask whoever gave you the link for a new one, or for the file.",
    ),
    ProblemType(
        "method_not_allowed",
        405,
        "Method not allowed",
        "The path exists, but it does not support this method.",
        "Use one of the methods in the header `Allow`.",
    ),
    ProblemType(
        "batch_settled",
        409,
        "Batch has already ended",
        "A batch that was canceled already, or whose tasks have all ended, cannot be canceled.",
        "Read the batch: `status` says how it ended.",
    ),
    ProblemType(
        "task_settled",
        409,
        "Task has already ended",
        "A task that has ended cannot be canceled.",
        "Read the task: `status` says how it ended.",
    ),
    ProblemType(
        "task_not_failed",
        409,
        "Task has not failed",
        "Only a failed task can be retried. Any other task may still deliver a result that you pay"
        " for, so that a retry could cost twice.",
        "Wait for the task to end, or refresh it. Create a new task if you want a second result.",
    ),
    ProblemType(
        "live_updates_off",
        409,
        "Live updates are off",
        "This gateway was deployed without live updates, so there is nothing to connect to.",
        "Wait for tasks with `?wait=`, or ask the operator of this gateway to deploy it with"
        " `LiveUpdates=true`.",
    ),
    ProblemType(
        "output_deleted",
        410,
        "Output deleted",
        "The file was deleted when its retention period ended.",
        "Create the task again. `retention_days` sets how long the files of a task are kept.",
    ),
    ProblemType(
        "request_too_large",
        413,
        "Request too large",
        "The request body is larger than 256 KiB.",
        "Send files with `POST /v1/uploads` and put the reference into `input`.",
    ),
    ProblemType(
        "unsupported_content_type",
        415,
        "Unsupported content type",
        "The request body was sent as something other than JSON.",
        "Send JSON with `Content-Type: application/json`.",
    ),
    ProblemType(
        "validation_failed",
        422,
        "Validation failed",
        "One or more fields, parameters or headers of the request are wrong, unknown or missing.",
        "Fix what `errors` lists. Each entry names a field by JSON Pointer, or a parameter by its"
        " name, and says what is expected.",
    ),
    ProblemType(
        "idempotency_key_reused",
        422,
        "Idempotency key reused",
        "The same `Idempotency-Key` was used before for a different request.",
        "Use a new key for a new request. Use the same key only to repeat the very same request.",
    ),
    ProblemType(
        "too_many_requests",
        429,
        "Too many requests",
        "You have sent more requests in this minute than your key or your owner may send.",
        _RETRY + " The headers `RateLimit` and `RateLimit-Policy` tell what is left.",
    ),
    ProblemType(
        "too_many_tasks",
        429,
        "Too many open tasks",
        "You have as many open tasks as your key or your owner may have at the same time.",
        "Wait for a task to end, or cancel one, and send the request again.",
    ),
    ProblemType(
        "internal_error",
        500,
        "Internal error",
        "Something went wrong inside the gateway.",
        "Send the same request again, with the same `Idempotency-Key` if it creates a task. Report"
        " the `request_id` to the operator of this gateway if the problem persists.",
    ),
    ProblemType(
        "upstream_error",
        502,
        "Kie.ai failed",
        "Kie.ai did not answer as it should.",
        "Send the same request again later.",
    ),
    ProblemType(
        "upstream_rejected",
        502,
        "Kie.ai refused the request",
        "Kie.ai refused the request for good; the problem quotes its reason.",
        "Fix what Kie.ai objects to. The same request will be refused again.",
    ),
    ProblemType(
        "upstream_unauthorized",
        502,
        "Kie.ai does not accept the gateway's key",
        "Kie.ai does not know this gateway's API key, or does not allow it to do this.",
        "Tell the operator of this gateway.",
    ),
    ProblemType(
        "upstream_input_refused",
        502,
        "Kie.ai refused the input",
        "Kie.ai does not accept the input, for its form or for its content.",
        "Change the input.",
    ),
    ProblemType(
        "upstream_credits_exhausted",
        502,
        "Kie.ai account out of credits",
        "The account of this gateway at Kie.ai has no credits left.",
        "Tell the operator of this gateway.",
    ),
    ProblemType(
        "upstream_not_understood",
        502,
        "Unexpected answer from Kie.ai",
        "Kie.ai answered in a form that the gateway does not know.",
        "Send the same request again later. Tell the operator of this gateway if the problem"
        " persists.",
    ),
    ProblemType(
        "submission_unknown",
        502,
        "Unknown whether Kie.ai accepted the task",
        "The task was sent to Kie.ai and no clear answer came. It may be running, and it may be"
        " charged, so the gateway does not send it a second time.",
        "Read the task later. It settles when Kie.ai's webhook arrives or at its deadline.",
    ),
    ProblemType(
        "upstream_unreachable",
        502,
        "Kie.ai cannot be reached",
        "No connection to Kie.ai could be made. Nothing was sent.",
        "Send the same request again later.",
    ),
    ProblemType(
        "upstream_busy",
        503,
        "Kie.ai is busy",
        "Kie.ai refuses requests for now. Nothing was queued and nothing was charged.",
        _RETRY,
    ),
    ProblemType(
        "out_of_time",
        503,
        "Not enough time left",
        "The request was not processed in the time that the gateway has for an answer. Nothing was"
        " changed.",
        _RETRY,
    ),
    ProblemType(
        "creations_stopped",
        503,
        "New tasks are stopped",
        "An administrator has stopped the creation of tasks; the problem quotes the reason."
        " Everything else still works.",
        "Try again later, or ask the operator of this gateway.",
    ),
    ProblemType(
        "issuer_unavailable",
        503,
        "Token issuer unavailable",
        "The gateway could not fetch the keys of the issuer of your token, so that it cannot tell"
        " whether the token is valid.",
        _RETRY,
    ),
    ProblemType(
        "temporarily_unavailable",
        503,
        "Temporarily unavailable",
        "The gateway's storage did not answer. Nothing was changed.",
        _RETRY,
    ),
    ProblemType(
        "record_refused",
        503,
        "Record refused",
        "The gateway's storage does not accept what was to be written. Nothing was changed.",
        "Send a smaller request, for example with less metadata. Report the `request_id` to the"
        " operator of this gateway if the problem persists.",
    ),
    ProblemType(
        "storage_failed",
        503,
        "File storage failed",
        "A file could not be read from or written to the gateway's bucket.",
        _RETRY,
    ),
    ProblemType(
        "source_forbidden",
        503,
        "Source not allowed",
        "A link leads to a host that the gateway does not fetch results from.",
        "Ask the operator of this gateway to add the host to `ResultHosts`.",
    ),
    ProblemType(
        "source_gone",
        503,
        "Source expired",
        "The link to a result has expired.",
        "Refresh the task: the gateway asks Kie.ai for a fresh link.",
    ),
    ProblemType(
        "source_unavailable",
        503,
        "Source unavailable",
        "The host of a result failed, timed out or broke the connection.",
        _RETRY,
    ),
    ProblemType(
        "source_broken",
        503,
        "Source broken",
        "The file behind a link to a result is empty, cut short, too large, or not a media file.",
        "Refresh the task: the gateway asks Kie.ai for a fresh link.",
    ),
)

TYPES = {one.code: one for one in (*_TYPES, *WEBHOOK_TYPES)}

# What `code` may be, for the API's document. mypy knows only members that are written out.
ProblemCode = StrEnum("ProblemCode", {code.upper(): code for code in TYPES})  # type: ignore[misc]


def type_url(code: str, base_url: str) -> str:
    """Return the address of a problem type's page."""
    return f"{base_url}/problems/{code}"
