"""The HTTP API; its routes are in `kie_gateway/web/routes`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.api_key import ApiKey, Caller
from kie_gateway.core.errors import BackendUnavailableError, TooManyRequestsError
from kie_gateway.observability import logger, metrics
from kie_gateway.web import requests
from kie_gateway.web.desk import Desk
from kie_gateway.web.resolver import GatewayResolver
from kie_gateway.web.routes.creations import add_creation_routes
from kie_gateway.web.routes.credits import add_credit_routes
from kie_gateway.web.routes.imports import add_import_routes
from kie_gateway.web.routes.keys import add_key_routes
from kie_gateway.web.routes.models import add_model_routes
from kie_gateway.web.routes.outputs import add_output_routes
from kie_gateway.web.routes.service import add_service_routes
from kie_gateway.web.routes.tasks import add_task_routes
from kie_gateway.web.routes.uploads import add_upload_routes
from kie_gateway.wiring.api import ApiGateway
from kie_gateway.wiring.start import start

gateway = start(ApiGateway)
app = GatewayResolver()
desk = Desk(app, gateway)
add_task_routes(desk)
add_import_routes(desk)
add_output_routes(desk)
add_upload_routes(desk)
add_model_routes(desk)
add_credit_routes(desk)
add_key_routes(desk)
add_creation_routes(desk)
add_service_routes(desk)


def authenticate(headers: Mapping[str, str]) -> Caller:
    """Find the caller. Raises UnauthorizedError, and TooManyRequestsError."""
    sent, now = requests.bearer(headers), gateway.now()
    if gateway.tokens is not None and requests.is_token(sent):
        caller = gateway.tokens.read(sent) or requests.raise_unauthorized()
        return counted(caller, None, now)
    key = gateway.keys.find(sent)
    if key is None or not key.is_in_force(now):
        requests.raise_unauthorized()
    try:
        gateway.keys.note_use(key, now)
    except BackendUnavailableError as error:
        # A note for people; no reason to turn a caller away.
        logger.warning("use of a key was not noted", extra={"why": str(error)})
    return counted(key.caller, key, now)


def counted(caller: Caller, key: ApiKey | None, now: datetime) -> Caller:
    """
    Count the request, if the sender's requests are.

    All that an owner sends counts together, but for keys with a limit of their own.

    Raises:
        TooManyRequestsError: It is one too many.
    """
    if key is not None and key.requests_per_minute is not None:
        sender, limit = key.key_id, key.requests_per_minute
    else:
        sender, limit = f"owner {caller.owner}", gateway.settings.requests_per_minute
    if not limit:
        return caller
    allowance = gateway.request_counts.count(sender, limit, now)
    if allowance.is_used_up:
        raise TooManyRequestsError(allowance)
    return replace(caller, allowance=allowance)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@gateway.time_left.kept
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API."""
    return app.answer(event, context, authenticate)
