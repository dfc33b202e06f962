"""Routes that create, read and cancel batches."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.callers.idempotency import fingerprint
from kie_gateway.core.errors.caller_errors import BatchNotFoundError
from kie_gateway.core.groups.batch import Batch
from kie_gateway.flows.groups.request_batch import BatchRequest
from kie_gateway.observability import count, logger
from kie_gateway.web import requests
from kie_gateway.web.access import needs
from kie_gateway.web.batches import schemas
from kie_gateway.web.batches.plans import batch_plan
from kie_gateway.web.batches.presenters import batch_schema
from kie_gateway.web.cursor import BATCHES
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import OwnerToList, PageCursor, PageSize
from kie_gateway.web.request_context import CurrentContext, RequestContext
from kie_gateway.web.responses import Headers, json_response
from kie_gateway.web.routing import new_router
from kie_gateway.web.tasks.creation_routes import task_specs

router = new_router()

_TAG = "batches"
_BatchId = Annotated[
    str,
    Path(description="The `id` of the batch."),
]
_LINKS = ("getBatch", "cancelBatch")


@router.post(
    "/v1/batches",
    **operation(
        "createBatch",
        _TAG,
        {202: Success("The batch is accepted.", ("Location", "Idempotent-Replayed"), _LINKS)},
        *(402, *OF_A_BODY),
        takes=("Idempotency-Key",),
    ),
)
@needs(Scope.TASKS_WRITE)
def create_batch(context: CurrentContext, body: schemas.CreateBatch) -> Response[schemas.Batch]:
    """
    Create up to 100 tasks at once.

    All of them are checked before the first is created; if one is wrong, none is created. The cost
    of all of them is reserved at once.
    """
    requested = context.use_cases.request_batch(
        BatchRequest(
            owner=context.owner,
            plan=batch_plan(body, task_specs(context)),
            callback_base_url=context.base_url,
            tasks_at_once=context.tasks_at_once,
            fingerprint=fingerprint({"batch": body.model_dump(mode="json", exclude_unset=True)}),
            idempotency_key=requests.idempotency_key(context.headers),
        )
    )
    batch = requested.batch
    logger.info("batch created", extra={"batch_id": batch.batch_id, "total": batch.total})
    count("BatchReplayed" if requested.replayed else "BatchCreated")
    headers: Headers = {"Idempotent-Replayed": "true"} if requested.replayed else {}
    return _accepted(context, batch, headers)


@router.get("/v1/batches", **operation("listBatches", _TAG, {200: Success("A page of batches.")}))
@needs(Scope.TASKS_READ)
def list_batches(
    context: CurrentContext,
    limit: PageSize = 20,
    cursor: PageCursor = None,
    owner: OwnerToList = None,
) -> schemas.BatchList:
    """List your batches. The newest come first."""
    after = BATCHES.read(cursor) if cursor is not None else None
    found, last = context.use_cases.batches.list_batches(
        context.owner_to_list(owner), limit=limit, after=after
    )
    return schemas.BatchList(
        data=[batch_schema(batch, context.base_url) for batch in found],
        has_more=last is not None,
        next_cursor=BATCHES.write(last) if last is not None else None,
    )


@router.get(
    "/v1/batches/<batch_id>",
    **operation("getBatch", _TAG, {200: Success("The batch.", (), _LINKS)}, 404),
)
@needs(Scope.TASKS_READ)
def get_batch(
    context: CurrentContext, batch_id: _BatchId, owner: OwnerToList = None
) -> schemas.Batch:
    """Read a batch. `GET /v1/tasks?batch_id=` lists its tasks."""
    return batch_schema(_owned_batch(context, batch_id, owner), context.base_url)


@router.post(
    "/v1/batches/<batch_id>/cancel",
    **operation(
        "cancelBatch",
        _TAG,
        {202: Success("The batch is canceled.", ("Location",), _LINKS)},
        *(404, 409),
    ),
)
@needs(Scope.TASKS_WRITE)
def cancel_batch(
    context: CurrentContext, batch_id: _BatchId, owner: OwnerToList = None
) -> Response[schemas.Batch]:
    """
    Cancel a batch. Its open tasks are canceled, and those that do not exist yet are never created.

    Whatever belongs to its tasks is canceled with them.
    """
    batch = context.use_cases.cancel_batch(_owned_batch(context, batch_id, owner))
    return _accepted(context, batch, {})


def _owned_batch(context: RequestContext, batch_id: str, owner: str | None) -> Batch:
    batch = context.use_cases.batches.get(context.owner_to_list(owner), batch_id)
    if batch is None:
        raise BatchNotFoundError("there is no such batch")
    return batch


def _accepted(context: RequestContext, batch: Batch, headers: Headers) -> Response[schemas.Batch]:
    shown = batch_schema(batch, context.base_url)
    return json_response(shown, HTTPStatus.ACCEPTED, {"Location": shown.urls.self, **headers})
