"""Credits: what an owner has, where they went, and what admins give."""

from datetime import timedelta
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.core.api_key import Scope
from kie_gateway.core.idempotency import IdempotencyKey, fingerprint
from kie_gateway.core.ports import Change
from kie_gateway.core.posting import adjust, grant, limit
from kie_gateway.core.reservation import as_credits
from kie_gateway.web import requests
from kie_gateway.web.credits import (
    AccountBody,
    AccountChange,
    AdjustCredits,
    GrantCredits,
    LedgerBody,
    SetLimits,
    UpstreamBalanceBody,
    account_body,
    ledger_csv,
    row_body,
)
from kie_gateway.web.cursor import ROWS
from kie_gateway.web.desk import Desk
from kie_gateway.web.queries import PageCursor, Whose
from kie_gateway.web.resolver import OF_A_BODY, answers

_CSV = "text/csv"
# A grant that is sent again within this time is the same grant.
_MEMORY = timedelta(days=30)


def add_credit_routes(desk: Desk) -> None:
    """Add the routes."""
    _add_looking(desk)
    _add_changing(desk)


def _add_looking(desk: Desk) -> None:
    app, gateway = desk.app, desk.gateway

    @app.get("/v1/credits", responses=answers({200: "The account"}), tags=["credits"])
    @app.needs(Scope.TASKS_READ)
    def read_credits(owner: Whose = None) -> AccountBody:
        """Read what you have, what is reserved for open tasks, and what was spent."""
        now = gateway.now()
        account = gateway.accounts.account(desk.whose(owner), now)
        return account_body(account, now, _upstream(desk) if desk.is_admin() else None)

    @app.get(
        "/v1/credits/ledger",
        responses={
            **answers({}),
            200: {
                "description": "A page of entries; CSV with Accept: text/csv",
                "content": {
                    "application/json": {"model": LedgerBody},
                    _CSV: {"schema": {"type": "string"}},
                },
            },
        },
        tags=["credits"],
    )
    @app.needs(Scope.TASKS_READ)
    def read_ledger(
        owner: Whose = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: PageCursor = None,
    ) -> Response[LedgerBody | str]:
        """List every move of your credits, newest first."""
        before = ROWS.read(cursor) if cursor is not None else None
        entries, below = gateway.accounts.ledger(desk.whose(owner), limit=limit, before=before)
        next_cursor = ROWS.write(below) if below is not None else None
        if _CSV in app.request_headers.get("accept", ""):
            headers: dict[str, Any] = {"X-Next-Cursor": next_cursor} if next_cursor else {}
            table: Response[Any] = Response(
                200, content_type=_CSV, body=ledger_csv(entries), headers=headers
            )
            return table
        body = LedgerBody(
            data=[row_body(entry) for entry in entries],
            has_more=next_cursor is not None,
            next_cursor=next_cursor,
        )
        return Response(200, content_type="application/json", body=body)


def _add_changing(desk: Desk) -> None:
    app, gateway = desk.app, desk.gateway
    changed = answers({200: "The account afterwards"}, *OF_A_BODY)

    @app.post("/v1/credits/grant", responses=changed, tags=["credits"])
    @app.needs(Scope.ADMIN)
    def grant_credits(body: GrantCredits) -> Response[AccountBody]:
        """Give an owner credits; the same Idempotency-Key gives them once."""
        now, amount = gateway.now(), as_credits(body.credits)
        return _change(desk, body, lambda account: grant(account, amount, body.reason, now))

    @app.post("/v1/credits/adjust", responses=changed, tags=["credits"])
    @app.needs(Scope.ADMIN)
    def adjust_credits(body: AdjustCredits) -> Response[AccountBody]:
        """Correct an owner's balance; the same Idempotency-Key does so once."""
        now, amount = gateway.now(), as_credits(body.credits)
        return _change(desk, body, lambda account: adjust(account, amount, body.reason, now))

    @app.put("/v1/credits/limits", responses=changed, tags=["credits"])
    @app.needs(Scope.ADMIN)
    def set_limits(body: SetLimits) -> Response[AccountBody]:
        """Say what an owner may spend, in all and in a month."""
        soft, hard = (
            as_credits(budget) if budget is not None else None
            for budget in (body.soft_budget, body.hard_budget)
        )
        return _change(desk, body, lambda account: limit(account, body.unlimited, soft, hard))


def _change(desk: Desk, body: AccountChange, change: Change) -> Response[AccountBody]:
    gateway, now = desk.gateway, desk.gateway.now()
    asked = requests.idempotency_key(desk.app.request_headers)
    once = None
    if asked is not None:
        request = fingerprint({type(body).__name__: body.model_dump(mode="json")})
        # Callers' own keys are visible characters only, so none is the same.
        once = IdempotencyKey(desk.owner(), f"\tcredits {asked}", request, now + _MEMORY)
    made = gateway.accounts.change(body.owner, change, now, once)
    headers: dict[str, Any] = {"Idempotent-Replayed": "true"} if made.replayed else {}
    answer = account_body(made.account, now)
    return Response(200, content_type="application/json", body=answer, headers=headers)


def _upstream(desk: Desk) -> UpstreamBalanceBody | None:
    balance = desk.gateway.upstream_credits()
    if balance is None:
        return None
    return UpstreamBalanceBody(balance=float(balance), as_of=desk.gateway.now())
