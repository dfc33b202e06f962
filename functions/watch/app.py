"""The steps of the machine WatchTask: do what a task lacks, answer with what comes next."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.aws.executions import timestamp
from kie_gateway.core.task import Step
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.watch import WatchGateway

gateway = start(WatchGateway)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Do one step.

    Args:
        event: `step` as in `core/task.py` and `task_id`, from the machine.

    Returns:
        The next `step`, and `wait_until` as the machine's Wait states read it.

    Raises:
        TaskStalledError: Fails the execution, so that a person looks.
    """
    step = Step(event["step"])
    logger.append_keys(task_id=event["task_id"])
    decision = gateway.watch.step(step, event["task_id"])
    logger.info(f"watch: {step.value}", extra={"next": decision.step.value})
    count(f"Watch{step.value.title()}")
    return {"step": decision.step.value, "wait_until": timestamp(decision.wait_until)}
