"""Keys of callers, for admins."""

from datetime import timedelta

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.api_key import ApiKey, Scope
from kie_gateway.flows.manage_keys import Issued, issue_key, revoke_key, rotate_key
from kie_gateway.web.cursor import KEYS
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import CreateKey, IssuedKeyBody, KeyBody, KeyListBody
from kie_gateway.web.queries import PageCursor, PageSize, Whose
from kie_gateway.web.resolver import OF_A_BODY, answers


def add_key_routes(desk: Desk) -> None:
    """Add the routes."""
    app, gateway = desk.app, desk.gateway

    @app.post(
        "/v1/keys",
        responses=answers({201: "The key, shown only now"}, *OF_A_BODY),
        tags=["keys"],
    )
    @app.needs(Scope.ADMIN)
    def create_key(body: CreateKey) -> Response[IssuedKeyBody]:
        """Make a key for an owner."""
        now, days = gateway.now(), body.expires_in_days
        issued = issue_key(
            body.owner,
            body.name,
            keys=gateway.keys,
            key_id=gateway.new_key_id(),
            now=now,
            scopes=frozenset(body.scopes),
            expires_at=now + timedelta(days=days) if days is not None else None,
            requests_per_minute=body.requests_per_minute,
            tasks_at_once=body.tasks_at_once,
        )
        return _issued(issued)

    @app.get("/v1/keys", responses=answers({200: "A page of keys"}), tags=["keys"])
    @app.needs(Scope.ADMIN)
    def list_keys(
        owner: Whose = None,
        limit: PageSize = 20,
        cursor: PageCursor = None,
    ) -> KeyListBody:
        """List keys, oldest first, those out of force among them."""
        after = KEYS.read(cursor) if cursor is not None else None
        found, last = gateway.keys.list_keys(owner, limit=limit, after=after)
        return KeyListBody(
            data=[_body(key) for key in found],
            has_more=last is not None,
            next_cursor=KEYS.write(last) if last is not None else None,
        )

    @app.post(
        "/v1/keys/<key_id>/rotate",
        responses=answers({201: "The new key, shown only now"}, 404),
        tags=["keys"],
    )
    @app.needs(Scope.ADMIN)
    def rotate(key_id: str) -> Response[IssuedKeyBody]:
        """Make a new key like an old one, which stays good for 24 hours."""
        issued = rotate_key(
            key_id, keys=gateway.keys, new_key_id=gateway.new_key_id(), now=gateway.now()
        )
        return _issued(issued)

    @app.delete("/v1/keys/<key_id>", responses=answers({204: "Out of force"}, 404), tags=["keys"])
    @app.needs(Scope.ADMIN)
    def revoke(key_id: str) -> Response[None]:
        """Put a key out of force, everywhere within 30 seconds."""
        revoke_key(key_id, keys=gateway.keys, now=gateway.now())
        return Response(204)


def _issued(issued: Issued) -> Response[IssuedKeyBody]:
    body = IssuedKeyBody(**_body(issued.key).model_dump(), secret=issued.secret)
    headers = {"Cache-Control": "no-store"}
    return Response(201, content_type="application/json", body=body, headers=headers)


def _body(key: ApiKey) -> KeyBody:
    return KeyBody(
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
