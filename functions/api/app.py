"""The HTTP API; its routes are in `kie_gateway/web`, by resource."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.observability import logger, metrics
from kie_gateway.web.app import make_app
from kie_gateway.wiring.api import make
from kie_gateway.wiring.start import start

gateway = start(make)
app = make_app(gateway.use_cases)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API."""
    return app.answer(event, context)
