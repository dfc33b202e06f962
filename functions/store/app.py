"""The store queue: copy results; ask Kie.ai first where a webhook was unclear."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.decision import decide
from kie_gateway.core.errors import BackendUnavailableError
from kie_gateway.core.task import CompletedBy, Status, Step, Task
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.store import StoreGateway

# The queue gives a message up at the fifth (`template.yaml`, StoreQueue).
MOST_RECEIVED = 3

gateway = start(StoreGateway)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work off messages; those that are not done with come back."""
    unfinished = [record["messageId"] for record in event["Records"] if not is_done(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in unfinished]}


def is_done(record: dict[str, Any]) -> bool:
    """Work off one message; False if it shall come back."""
    message = json.loads(record["body"])
    logger.append_keys(task_id=message["task_id"])
    task = gateway.tasks.get(message["task_id"])
    if task is None:
        logger.warning("no such task")
        return True
    if message["step"] == Step.ASK.value and task.next_step is Step.ASK:
        task = gateway.ask(task, CompletedBy.WEBHOOK)
    task = gateway.close_reservation(task)
    if task.status is Status.STORING:
        task = gateway.store(task)
    logger.info("task after storing", extra={"status": task.status.value})
    count(f"Stored{task.status.value.title()}")
    return not comes_back(task, record)


def comes_back(task: Task, record: dict[str, Any]) -> bool:
    """
    Whether to copy again later, or to look whether another copy has come through.

    A few times; what takes longer is left to the watch, before the message counts as dead.
    """
    receipt_handle = record["receiptHandle"]
    received = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    if task.status is not Status.STORING or received >= MOST_RECEIVED:
        return False
    now = gateway.now()
    decision = decide(task, now)
    try:
        gateway.queue.hide(receipt_handle, (decision.wait_until - now).total_seconds())
    except BackendUnavailableError as error:
        logger.warning("comes back after the queue's own pause", extra={"error": str(error)})
    return True
