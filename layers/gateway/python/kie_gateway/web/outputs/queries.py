"""Query parameters of the routes that open a file."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.flows.files.make_thumbnail import WIDTHS

_WIDTH = (
    "Redirect to a thumbnail of this width in pixels, rounded up to one of"
    f" {', '.join(map(str, WIDTHS))}. Only for images."
)

Download = Annotated[
    bool, Query(description="Whether a browser saves the file instead of showing it.")
]
Width = Annotated[int | None, Query(ge=16, le=WIDTHS[-1], description=_WIDTH)]
