"""Query and path parameters that several routes have, and query parameters that a route has not."""

import re
from collections.abc import Collection
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator, Strict

from kie_gateway.core.callers.api_key import OWNER_PATTERN
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError

# RFC 3339, section 5.6. Pydantic would take bare numbers and days as well.
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_NO_DATE_TIME = "must be a date and time as in RFC 3339, such as 2026-03-01T12:00:00Z"


def _date_time(value: Any) -> Any:
    if isinstance(value, str) and _DATE_TIME.fullmatch(value) is None:
        raise ValueError(f"{_NO_DATE_TIME}; write + as %2B")
    return value


def _date_time_of_body(value: Any) -> Any:
    if not (isinstance(value, str) and _DATE_TIME.fullmatch(value)):
        raise ValueError(_NO_DATE_TIME)
    return value


# No `type` statements: their names would stand in the API's document in place of the parameters.
TaskId = Annotated[str, Path(description="The `id` of the task.")]
OwnerToList = Annotated[
    str | None,
    Query(
        pattern=f"^{OWNER_PATTERN}$",
        description="Whose to list; only keys with the scope `admin` may name another owner."
        " By default, your own.",
    ),
]
DateTime = Annotated[datetime | None, BeforeValidator(_date_time)]
# In a body.
RequiredDateTime = Annotated[datetime, Strict(strict=False), BeforeValidator(_date_time_of_body)]
PageSize = Annotated[int, Query(ge=1, le=100, description="How many to list at most.")]
PageCursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the previous page.")
]


def refuse_unknown(sent: Collection[str], known: Collection[str]) -> None:
    """
    Refuse query parameters that a route does not have: ignored, a misspelt filter lists everything.

    Raises:
        InvalidRequestError: Names each, with the one that may have been meant.
    """
    faults = [FieldFault(f"/{name}", _hint(name, known)) for name in sent if name not in known]
    if faults:
        raise InvalidRequestError("unknown query parameters", faults)


def _hint(name: str, known: Collection[str]) -> str:
    if not known:
        return "unknown; this call has no query parameters"
    close = get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"unknown{meant}; this call has {', '.join(sorted(known))}"
