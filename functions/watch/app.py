"""The steps of the machine WatchTask: do what a task lacks, answer with what comes next."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.aws.executions import timestamp
from kie_gateway.core.polling.decision import STEPS_PER_EXECUTION
from kie_gateway.core.task import Step
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.watch import make

gateway = start(make)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Do one step.

    Args:
        event: From the machine: `task_id`; `step` as in `core/task.py`, or a word of another
            version, which stands for whatever the task lacks; `machine`, its ARN; `state`, which
            holds the last answer.

    Returns:
        The next `step`, `wait_until` as the machine's Wait states read it, and how many `steps` the
        execution has done.

    Raises:
        TaskStalledError: Fails the execution, so that a person looks.
    """
    step, task_id = known_step(event["step"]), event["task_id"]
    logger.append_keys(task_id=task_id)
    watch = gateway.watch_under(event.get("machine"))
    decision = watch.catch_up(task_id) if step is None else watch.step(step, task_id)
    steps = steps_before(event) + 1
    if step is None or steps >= STEPS_PER_EXECUTION:
        decision = gateway.continue_as_new(event["machine"])(task_id, decision)
    name = step.value if step is not None else "continue"
    logger.info(f"watch: {name}", extra={"next": decision.step.value})
    count(f"Watch{name.title()}")
    return {
        "step": decision.step.value,
        "wait_until": timestamp(decision.wait_until),
        "steps": steps,
    }


def known_step(word: str) -> Step | None:
    """Read a step; None for a word that this version does not know."""
    return Step(word) if word in Step else None


def steps_before(event: dict[str, Any]) -> int:
    """Read how many steps an execution has done; older machines do not tell."""
    answer = event.get("state", {}).get("next", {}).get("answer", {})
    return int(answer.get("steps", 0))
