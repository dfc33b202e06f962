"""The store queue: copy results; ask Kie.ai first where a webhook was unclear."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.flows.files.process_store_message import StoreMessage
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.store import make

gateway = start(make)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work off messages; those that are not done with come back."""
    unfinished = [record["messageId"] for record in event["Records"] if comes_back(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in unfinished]}


def comes_back(record: dict[str, Any]) -> bool:
    """Work off one message; True if it is received again."""
    message = read_message(record)
    logger.append_keys(task_id=message.task_id)
    processed = gateway.process_message(message)
    if processed.task is None:
        logger.warning("no such task")
        return False
    status = processed.task.status.value
    logger.info("task after storing", extra={"status": status})
    count(f"Stored{status.title()}")
    return processed.comes_back


def read_message(record: dict[str, Any]) -> StoreMessage:
    """Read a record of SQS."""
    body = json.loads(record["body"])
    return StoreMessage(
        task_id=body["task_id"],
        step=body["step"],
        receipt_handle=record["receiptHandle"],
        received=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
    )
