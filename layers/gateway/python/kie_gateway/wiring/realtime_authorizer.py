"""RealtimeAuthorizerFunction, which needs one secret."""

from dataclasses import dataclass

from kie_gateway.aws.secrets import Secrets
from kie_gateway.core.callers.realtime_token import PURPOSE
from kie_gateway.core.signing_key import derive_key
from kie_gateway.flows.live.authorise_realtime import AuthoriseRealtime
from kie_gateway.settings import RealtimeAuthorizerFunctionSettings, load
from kie_gateway.wiring import clock
from kie_gateway.wiring.clients import Clients


@dataclass(frozen=True)
class RealtimeAuthorizerFunction:
    """What RealtimeAuthorizerFunction uses."""

    clients: Clients
    authorise: AuthoriseRealtime


def make() -> RealtimeAuthorizerFunction:
    """Make RealtimeAuthorizerFunction's parts. Raises ConfigurationError."""
    settings = load(RealtimeAuthorizerFunctionSettings)
    clients = Clients()
    secrets = Secrets(clients.secretsmanager)
    return RealtimeAuthorizerFunction(
        clients,
        AuthoriseRealtime(
            lambda: derive_key(secrets.text(settings.signing_secret_arn), PURPOSE),
            clock.utc_now,
        ),
    )
