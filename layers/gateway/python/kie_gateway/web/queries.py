"""Query parameters that several lists have."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.core.api_key import OWNER_PATTERN

# No `type` statements: their names would stand in the API's document in place of the parameters.
Whose = Annotated[
    str | None,
    Query(
        pattern=f"^{OWNER_PATTERN}$",
        description="Whose, for keys with the scope admin; your own without it.",
    ),
]
Name = Annotated[str | None, Query(min_length=1, max_length=100)]
PageSize = Annotated[int, Query(ge=1, le=100)]
PageCursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]
