"""The table's stream: tell the world outside what has happened."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.events.event_type import EventType
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.events import make
from kie_gateway.wiring.start import start

gateway = start(make)

# An event is a few writes and calls.
_ONE_EVENT_SECONDS = 15


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Publish what the records tell, in their order.

    Returns:
        The first record that was not published: Lambda comes back with it and those after it
        (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
    """
    for record in event["Records"]:
        if not publishes(record):
            sequence_number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
    return {"batchItemFailures": []}


def publishes(record: dict[str, Any]) -> bool:
    """Publish what a record tells; False if it has to be tried again."""
    if gateway.time_left() < _ONE_EVENT_SECONDS:
        return False
    try:
        change = gateway.read_change(record)
        published = gateway.publish(change) if change is not None else None
    except GatewayError as error:
        logger.warning("event published later", extra={"why": str(error)})
        return False
    except Exception:  # noqa: BLE001 - whatever it is
        # Tried again, it would keep back those of other tasks for half a day.
        logger.exception("event cannot be published")
        return sets_aside(record)
    if published is not None:
        if published.type is EventType.WEBHOOK_DISABLED:
            # An alarm watches it.
            count("WebhookEndpointsDisabled")
        logger.info("event", extra={"event_id": published.event_id, "type": published.type.value})
        count("EventsPublished")
    return True


def sets_aside(record: dict[str, Any]) -> bool:
    """Put the place of a record into the dead-letter queue; False if it has to be tried again."""
    change = record["dynamodb"]
    try:
        gateway.dead_letters.send({"keys": change["Keys"], "record": change["SequenceNumber"]})
    except GatewayError as error:
        logger.warning("event set aside later", extra={"why": str(error)})
        return False
    return True
