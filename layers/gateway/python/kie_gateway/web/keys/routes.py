"""Routes by which administrators make, list, rotate and revoke API keys."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from kie_gateway.core.callers.api_key import OWNER_PATTERN, Scope
from kie_gateway.flows.manage_keys import Issued, NewKey
from kie_gateway.web.access import needs
from kie_gateway.web.cursor import KEYS
from kie_gateway.web.keys import schemas
from kie_gateway.web.keys.presenters import issued_key_schema, key_schema
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import PageCursor, PageSize
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import json_response, no_content
from kie_gateway.web.routing import new_router

router = new_router()

_TAG = "keys"
_KeyId = Annotated[str, Path(description="The `id` of the key, which is not its secret.")]
_ISSUED = ("Cache-Control",)


@router.post(
    "/v1/keys",
    **operation(
        "createKey",
        _TAG,
        {201: Success("The key with its secret, which is shown only once.", _ISSUED)},
        *OF_A_BODY,
    ),
)
@needs(Scope.ADMIN)
def create_key(context: CurrentContext, body: schemas.CreateKey) -> Response[schemas.IssuedApiKey]:
    """Create an API key for an owner. Its secret is shown only once."""
    now, days = context.use_cases.now(), body.expires_in_days
    new = NewKey(
        body.owner,
        body.name,
        scopes=frozenset(body.scopes),
        expires_at=now + timedelta(days=days) if days is not None else None,
        requests_per_minute=body.requests_per_minute,
        tasks_at_once=body.tasks_at_once,
    )
    return _respond(context.use_cases.issue_key(new))


@router.get("/v1/keys", **operation("listKeys", _TAG, {200: Success("A page of keys.")}))
@needs(Scope.ADMIN)
def list_keys(
    context: CurrentContext,
    owner: Annotated[
        str | None, Query(pattern=f"^{OWNER_PATTERN}$", description="Only keys of this owner.")
    ] = None,
    limit: PageSize = 20,
    cursor: PageCursor = None,
) -> schemas.ApiKeyList:
    """List API keys, the oldest first. Keys that have expired or were revoked are included."""
    after = KEYS.read(cursor) if cursor is not None else None
    found, last = context.use_cases.keys.list_keys(owner, limit=limit, after=after)
    return schemas.ApiKeyList(
        data=[key_schema(key) for key in found],
        has_more=last is not None,
        next_cursor=KEYS.write(last) if last is not None else None,
    )


@router.post(
    "/v1/keys/<key_id>/rotate",
    **operation(
        "rotateKey",
        _TAG,
        {201: Success("The new key with its secret, which is shown only once.", _ISSUED)},
        404,
    ),
)
@needs(Scope.ADMIN)
def rotate(context: CurrentContext, key_id: _KeyId) -> Response[schemas.IssuedApiKey]:
    """Rotate an API key. The new key has the same rights, and the old one expires in 24 hours."""
    return _respond(context.use_cases.rotate_key(key_id))


@router.delete(
    "/v1/keys/<key_id>",
    **operation("revokeKey", _TAG, {204: Success("The key is revoked.")}, 404),
)
@needs(Scope.ADMIN)
def revoke(context: CurrentContext, key_id: _KeyId) -> Response[None]:
    """Revoke an API key. It stops working everywhere within 30 seconds."""
    context.use_cases.revoke_key(key_id)
    return no_content()


def _respond(issued: Issued) -> Response[schemas.IssuedApiKey]:
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    return json_response(issued_key_schema(issued), HTTPStatus.CREATED, headers)
