"""Live updates, from what the gateway knows to what callers see."""

from collections.abc import Sequence

from kie_gateway.flows.live.issue_realtime_token import IssuedRealtimeToken
from kie_gateway.web.realtime import schemas
from kie_gateway.web.use_cases import LiveEndpoint


def realtime_schema(endpoint: LiveEndpoint | None) -> schemas.Realtime:
    """Present where to connect, or that there is nothing to connect to."""
    if endpoint is None:
        return schemas.Realtime(enabled=False, protocol=None, url=None, host=None)
    return schemas.Realtime(
        enabled=True, protocol="aws-appsync-event-ws", url=endpoint.url, host=endpoint.host
    )


def realtime_token_schema(
    issued: IssuedRealtimeToken, task_ids: Sequence[str] | None
) -> schemas.RealtimeToken:
    """Present a token for the tasks that were asked for."""
    return schemas.RealtimeToken(
        token=issued.token,
        expires_at=issued.grant.expires_at,
        tasks=None if task_ids is None else list(dict.fromkeys(task_ids)),
        channels=list(issued.channels),
    )
