"""Routes to accounts and ledgers, and those by which administrators change them."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.callers.idempotency import fingerprint
from kie_gateway.core.credits.posting import adjust, grant, limit
from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.core.ports.accounts import Change
from kie_gateway.flows.credits.change_account import AccountChange
from kie_gateway.web import requests
from kie_gateway.web.access import needs
from kie_gateway.web.credits import schemas
from kie_gateway.web.credits.presenters import account_schema, entry_schema, ledger_csv
from kie_gateway.web.cursor import LEDGER
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.queries import OwnerToList, PageCursor
from kie_gateway.web.request_context import CurrentContext, RequestContext
from kie_gateway.web.responses import JSON, Headers, json_response
from kie_gateway.web.routing import new_router

router = new_router()

_TAG = "credits"
_CSV = "text/csv"
_CHANGED = {200: Success("The account after the change.", ("Idempotent-Replayed",))}
_TAKES = ("Idempotency-Key",)
_LEDGER = Success(
    "A page of entries, as JSON or as CSV.",
    ("X-Next-Cursor",),
    media={JSON: {"model": schemas.LedgerEntryList}, _CSV: {"schema": {"type": "string"}}},
)


@router.get("/v1/credits", **operation("getCredits", _TAG, {200: Success("The account.")}))
@needs(Scope.TASKS_READ)
def get_credits(context: CurrentContext, owner: OwnerToList = None) -> schemas.Account:
    """Read your account. It shows your balance, and the credits you have reserved and spent."""
    now = context.use_cases.now()
    account = context.use_cases.accounts.account(context.owner_to_list(owner), now)
    return account_schema(account, now, _upstream(context) if context.caller.is_admin else None)


@router.get(
    "/v1/credits/ledger",
    **operation("listLedgerEntries", _TAG, {200: _LEDGER}, takes=("Accept",)),
)
@needs(Scope.TASKS_READ)
def list_ledger_entries(
    context: CurrentContext,
    owner: OwnerToList = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many to list at most.")] = 100,
    cursor: PageCursor = None,
) -> Response[schemas.LedgerEntryList | str]:
    """
    List every movement of your credits. The newest come first.

    With `Accept: text/csv`, the page is a table with exact amounts, and the header `X-Next-Cursor`
    has the cursor of the next page.
    """
    entries, rest = context.use_cases.accounts.ledger(
        context.owner_to_list(owner),
        limit=limit,
        before=LEDGER.read(cursor) if cursor is not None else None,
    )
    next_cursor = LEDGER.write(rest) if rest is not None else None
    if _CSV in context.headers.get("accept", ""):
        headers: Headers = {"X-Next-Cursor": next_cursor} if next_cursor else {}
        table: Response[Any] = Response(
            200, content_type=_CSV, body=ledger_csv(entries), headers=headers
        )
        return table
    return json_response(
        schemas.LedgerEntryList(
            data=[entry_schema(entry) for entry in entries],
            has_more=next_cursor is not None,
            next_cursor=next_cursor,
        )
    )


@router.post(
    "/v1/credits/grant", **operation("grantCredits", _TAG, _CHANGED, *OF_A_BODY, takes=_TAKES)
)
@needs(Scope.ADMIN)
def grant_credits(context: CurrentContext, body: schemas.GrantCredits) -> Response[schemas.Account]:
    """Grant credits to an owner. Requests with the same `Idempotency-Key` do so only once."""
    now, amount = context.use_cases.now(), as_credits(body.credits)
    return _change(context, body, lambda account: grant(account, amount, body.reason, now))


@router.post(
    "/v1/credits/adjust", **operation("adjustCredits", _TAG, _CHANGED, *OF_A_BODY, takes=_TAKES)
)
@needs(Scope.ADMIN)
def adjust_credits(
    context: CurrentContext, body: schemas.AdjustCredits
) -> Response[schemas.Account]:
    """Adjust an owner's balance. Requests with the same `Idempotency-Key` do so only once."""
    now, amount = context.use_cases.now(), as_credits(body.credits)
    return _change(context, body, lambda account: adjust(account, amount, body.reason, now))


@router.put(
    "/v1/credits/limits", **operation("setCreditLimits", _TAG, _CHANGED, *OF_A_BODY, takes=_TAKES)
)
@needs(Scope.ADMIN)
def set_limits(context: CurrentContext, body: schemas.SetLimits) -> Response[schemas.Account]:
    """Set the limits of an owner. They apply to the balance and to spending per calendar month."""
    soft, hard = (
        as_credits(budget) if budget is not None else None
        for budget in (body.soft_budget, body.hard_budget)
    )
    return _change(context, body, lambda account: limit(account, body.unlimited, soft, hard))


def _change(
    context: RequestContext, body: schemas.AccountChange, change: Change
) -> Response[schemas.Account]:
    use_cases = context.use_cases
    made = use_cases.change_account(
        AccountChange(
            owner=body.owner,
            decide=change,
            asked_by=context.owner,
            idempotency_key=requests.idempotency_key(context.headers),
            fingerprint=fingerprint({type(body).__name__: body.model_dump(mode="json")}),
        )
    )
    headers: Headers = {"Idempotent-Replayed": "true"} if made.replayed else {}
    return json_response(account_schema(made.account, use_cases.now()), headers=headers)


def _upstream(context: RequestContext) -> schemas.UpstreamBalance | None:
    balance = context.use_cases.upstream_credits()
    if balance is None:
        return None
    return schemas.UpstreamBalance(balance=float(balance), as_of=context.use_cases.now())
