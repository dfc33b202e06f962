"""The delivery queue: deliver events to webhook endpoints."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import groupby
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.events.delivery import Delivery, DeliveryStatus
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.deliver import make
from kie_gateway.wiring.start import start

gateway = start(make)

# A receiver may take 15 s, with some calls before and after.
_ONE_DELIVERY_SECONDS = 30

type Records = Sequence[dict[str, Any]]


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Deliver what is due: groups at the same time, what is in a group one after the other.

    Returns:
        The messages that come back.
    """
    records = sorted(event["Records"], key=group)
    groups = [list(some) for _, some in groupby(records, key=group)]
    with ThreadPoolExecutor(len(groups)) as pool:
        running = [pool.submit(copy_context().run, work_off, some) for some in groups]
        come_back = [message for one in running for message in one.result()]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in come_back]}


def group(record: dict[str, Any]) -> str:
    """Return which messages have to be delivered in their order."""
    name: str = record["attributes"]["MessageGroupId"]
    return name


def work_off(records: Records) -> list[str]:
    """Deliver the messages of a group until one does not come through; returns what comes back."""
    for place, record in enumerate(records):
        if comes_back(record):
            for later in records[place + 1 :]:
                hide_no_longer(later)
            return [one["messageId"] for one in records[place:]]
    return []


def comes_back(record: dict[str, Any]) -> bool:
    """Deliver one message; True if it is received again."""
    if gateway.time_left() < _ONE_DELIVERY_SECONDS:
        return True
    message = json.loads(record["body"])
    try:
        delivery = gateway.deliver(
            message["owner"], message["delivery_id"], record["receiptHandle"]
        )
    except GatewayError as error:
        logger.warning("delivery tried later", extra={"why": str(error)})
        return True
    if delivery is None:
        logger.warning("no such delivery", extra={"delivery_id": message["delivery_id"]})
        return False
    note(delivery)
    return delivery.status is DeliveryStatus.PENDING


def hide_no_longer(record: dict[str, Any]) -> None:
    """Let a message wait for nothing but the one before it, which the queue sees to."""
    try:
        gateway.queue.hide(record["receiptHandle"], 0)
    except GatewayError:
        logger.warning("a message comes back later than it could")


def note(delivery: Delivery) -> None:
    """Log and count how a delivery stands."""
    facts = {"delivery_id": delivery.delivery_id, "tries": delivery.tries}
    logger.info(f"delivery {delivery.status.value}", extra=facts)
    count(f"Deliveries{delivery.status.value.title()}")
