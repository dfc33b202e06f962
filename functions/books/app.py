"""The clock of the books: give credits back in time, and look at what is left at Kie.ai."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.errors import ProviderError
from kie_gateway.observability import count, gauge, logger, metrics
from kie_gateway.wiring import BooksGateway, start

gateway = start(BooksGateway)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Do what is due.

    Args:
        event: Of EventBridge's schedule; nothing of it is used.

    Returns:
        `released` reservations, and the `upstream_credits`; None if Kie.ai did not say.
    """
    balance = upstream_credits()
    released = gateway.release_credits()
    count("CreditsReleased", released)
    logger.info("books kept", extra={"released": released, "upstream_credits": balance})
    return {"released": released, "upstream_credits": balance}


def upstream_credits() -> float | None:
    """Read what is left at Kie.ai, for the alarm."""
    try:
        balance = float(gateway.kie_balance.read())
    except ProviderError as error:
        logger.warning("Kie.ai did not tell its balance", extra={"why": error.message})
        return None
    gauge("UpstreamCredits", balance)
    return balance
