"""Kie.ai's webhooks: verify, record, ask for the rest; the answer never waits for a download."""

import base64
import binascii
import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.flows.record_webhook import Delivery
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.callback import make
from kie_gateway.wiring.start import start

gateway = start(make)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take in a webhook."""
    delivery = read_delivery(event)
    logger.append_keys(task_id=delivery.task_id)
    try:
        recorded = gateway.record_webhook(delivery)
    except WebhookRefusedError as refused:
        logger.warning("webhook refused", extra={"reason": refused.reason})
        count("WebhookRefused")
        return answer(401, "unauthorized", delivery.delivery_id)
    except BackendUnavailableError as error:
        # Not recorded: Kie.ai delivers again, and the watch asks in any case.
        logger.error("webhook not recorded", extra={"error": str(error)})
        count("WebhookNotRecorded")
        return answer(503, "try again", delivery.delivery_id)
    logger.info("webhook recorded", extra={"recorded": recorded.value})
    count(f"Webhook{recorded.value.title()}")
    return answer(200, "success", delivery.delivery_id)


def read_delivery(event: dict[str, Any]) -> Delivery:
    """Read a request to a callback URL; a body that is not base64 is taken as it came."""
    body = (event.get("body") or "").encode("utf-8", "surrogatepass")
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error:
            logger.warning("body is not base64")
    return Delivery(
        task_id=event["pathParameters"]["task_id"],
        token=event["pathParameters"]["token"],
        delivery_id=event["requestContext"]["requestId"],
        headers=event.get("headers") or {},
        body=body,
    )


def answer(code: int, message: str, request_id: str) -> dict[str, Any]:
    """Answer in the form that Kie.ai's callback pages show."""
    return {
        "statusCode": code,
        "headers": {"Content-Type": "application/json", "X-Request-Id": request_id},
        "body": json.dumps({"code": code, "msg": message}),
    }
