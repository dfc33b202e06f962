"""Query parameters that several lists have, and those that a call has not."""

import re
from collections.abc import Collection
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BeforeValidator

from kie_gateway.core.api_key import OWNER_PATTERN
from kie_gateway.core.errors import FieldFault, InvalidRequestError

# A day, or a time as RFC 3339 writes it. Pydantic takes bare numbers for seconds since 1970.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?")


def _moment(value: Any) -> Any:
    if isinstance(value, str) and _MOMENT.fullmatch(value) is None:
        raise ValueError("must be a time such as 2026-03-01T12:00:00Z; write + as %2B")
    return value


# No `type` statements: their names would stand in the API's document in place of the parameters.
Whose = Annotated[
    str | None,
    Query(
        pattern=f"^{OWNER_PATTERN}$",
        description="Whose, for keys with the scope admin; your own without it.",
    ),
]
Name = Annotated[str | None, Query(min_length=1, max_length=100)]
Moment = Annotated[datetime | None, BeforeValidator(_moment), Query()]
PageSize = Annotated[int, Query(ge=1, le=100)]
PageCursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]


def refuse_unknown(sent: Collection[str], known: Collection[str]) -> None:
    """
    Refuse query parameters that a call does not have: ignored, a misspelt filter lists everything.

    Raises:
        InvalidRequestError: Naming each, with the one that may have been meant.
    """
    faults = [FieldFault(f"/{name}", _hint(name, known)) for name in sent if name not in known]
    if faults:
        raise InvalidRequestError("the call has no such query parameter", faults)


def _hint(name: str, known: Collection[str]) -> str:
    if not known:
        return "unknown; this call has no query parameters"
    close = get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"unknown{meant}; this call has {', '.join(sorted(known))}"
