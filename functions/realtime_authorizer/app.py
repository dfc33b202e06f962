"""Live updates: whoever connects or subscribes is let in by its token, or not."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.realtime_authorizer import make
from kie_gateway.wiring.start import start

gateway = start(make)

# Nobody publishes with a token.
_FOLLOWING = {"EVENT_CONNECT", "EVENT_SUBSCRIBE"}


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Let somebody in, or not.

    Args:
        event: Of AppSync Events, with `authorizationToken` and `requestContext`:
            https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html.

    Returns:
        `isAuthorized`; nothing that AppSync might remember, since tokens expire.
    """
    asked = event["requestContext"]
    # A connection has no channel: documented as null, and left out in practice.
    channel = asked.get("channel")
    follows = asked["operation"] in _FOLLOWING
    is_complete = asked["operation"] == "EVENT_CONNECT" or channel is not None
    allowed = follows and is_complete and gateway.authorise(event["authorizationToken"], channel)
    if not allowed:
        logger.info("not let in", extra={"operation": asked["operation"]})
        count("RealtimeRefused")
    return {"isAuthorized": allowed, "ttlOverride": 0}
