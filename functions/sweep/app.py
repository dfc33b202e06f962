"""The scheduled sweep: follow what nobody follows, release credits, resume the submit queue."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.observability import count, gauge, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.sweep import make

gateway = start(make)

# Longer than anything that is done for one task: a question to Kie.ai, and a few writes.
_ONE_TASK_SECONDS = 60
# Half of the function's time, so that credits are released in the other half.
_RESUME_SECONDS = 150
# However much there is to look after, the credits get their share of the time.
_FOR_CREDITS_SECONDS = 120


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Do what is due; what there is no time for is done at the next run.

    Args:
        event: Of EventBridge's schedule; nothing of it is used.

    Returns:
        Tasks `swept` that nobody followed, `batches` that were gone on with, `released`
        reservations, creations `resumed` that had waited for credits, and the `upstream_credits`;
        None if Kie.ai did not say.
    """
    swept = gateway.sweep(lambda: gateway.time_left() > _ONE_TASK_SECONDS + _FOR_CREDITS_SECONDS)
    count("TasksSwept", swept)
    batches = gateway.sweep_batches(
        lambda: gateway.time_left() > _ONE_TASK_SECONDS + _FOR_CREDITS_SECONDS
    )
    count("BatchesSwept", batches)
    balance = gateway.upstream_credits()
    if balance is not None:
        # An alarm watches it.
        gauge("UpstreamCredits", float(balance))
    resumed = gateway.resume_submit_queue.if_funded(
        balance, has_time=lambda: gateway.time_left() > _RESUME_SECONDS
    )
    released = gateway.release_credits(lambda: gateway.time_left() > _ONE_TASK_SECONDS)
    count("CreditsReleased", released)
    done = {
        "swept": swept,
        "batches": batches,
        "released": released,
        "resumed": resumed,
        "upstream_credits": float(balance) if balance is not None else None,
    }
    logger.info("sweep done", extra=done)
    return done
