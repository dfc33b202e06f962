"""The clock of the books: give credits back in time, and act on what is left at Kie.ai."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.observability import count, gauge, logger, metrics
from kie_gateway.wiring.books import BooksGateway
from kie_gateway.wiring.start import start

gateway = start(BooksGateway)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Do what is due.

    Args:
        event: Of EventBridge's schedule; nothing of it is used.

    Returns:
        `released` reservations, creations `resumed` that had waited for credits, and the
        `upstream_credits`; None if Kie.ai did not say.
    """
    balance = gateway.upstream_credits()
    if balance is not None:
        # An alarm watches it.
        gauge("UpstreamCredits", float(balance))
    resumed = gateway.resume_line(balance)
    released = gateway.release_credits()
    count("CreditsReleased", released)
    done = {
        "released": released,
        "resumed": resumed,
        "upstream_credits": float(balance) if balance is not None else None,
    }
    logger.info("books kept", extra=done)
    return done
