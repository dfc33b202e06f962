"""Parts that speak to Kie.ai."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import httpx

from kie_gateway.aws.secrets import KieKeys
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.redaction import Redaction
from kie_gateway.observability import logger
from kie_gateway.settings import KieSettings
from kie_gateway.wiring.runtime import Runtime


@dataclass(frozen=True)
class Kie:
    """
    Parts that speak to Kie.ai.

    Attributes:
        keys: Reads what Kie.ai knows us by. Raises ConfigurationError.
        balance: Reads what is left of the account at Kie.ai, None if it does not say.
    """

    keys: Callable[[], KieKeys]
    client: KieClient
    history: KieHistory
    balance: Callable[[], Decimal | None]


def make_kie(settings: KieSettings, runtime: Runtime) -> Kie:
    """Make the parts that speak to Kie.ai."""
    keys = runtime.kie_keys(settings.kie_secret_arn)
    redaction = Redaction(runtime.secret(settings.callback_secret_arn))
    http = httpx.Client(base_url=settings.kie_base_url, follow_redirects=False)
    kie_http = KieHttp(http, lambda: keys().api_key, time_left=runtime.time_left)
    history = KieHistory(
        http,
        lambda: _session(keys()),
        redaction,
        api_key=lambda: keys().api_key,
        now=runtime.now,
        time_left=runtime.time_left,
    )
    balance = KieBalance(kie_http)
    return Kie(keys, KieClient(kie_http, redaction), history, lambda: _read(balance))


def _session(keys: KieKeys) -> Session | None:
    if keys.history_token is None:
        return None
    return Session(keys.history_token, keys.history_unique_id)


def _read(balance: KieBalance) -> Decimal | None:
    try:
        return balance.read()
    except (ProviderError, ConfigurationError) as error:
        logger.warning("Kie.ai did not report its balance", extra={"why": str(error)})
        return None
