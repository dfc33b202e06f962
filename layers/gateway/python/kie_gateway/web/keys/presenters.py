"""API keys, from what is kept of them to what administrators see."""

from kie_gateway.core.callers.api_key import ApiKey
from kie_gateway.flows.manage_keys import Issued
from kie_gateway.web.keys import schemas


def key_schema(key: ApiKey) -> schemas.ApiKey:
    """Present a key, without its secret."""
    return schemas.ApiKey(
        id=key.key_id,
        owner=key.owner,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        requests_per_minute=key.requests_per_minute,
        tasks_at_once=key.tasks_at_once,
    )


def issued_key_schema(issued: Issued) -> schemas.IssuedApiKey:
    """Present a new key with its secret."""
    return schemas.IssuedApiKey(**key_schema(issued.key).model_dump(), secret=issued.secret)
