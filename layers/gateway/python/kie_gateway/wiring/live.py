"""Parts of live updates: whoever publishes them, and whoever lets pages follow."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from kie_gateway.aws.live_updates import AppSyncPublisher
from kie_gateway.core.callers.realtime_token import PURPOSE
from kie_gateway.core.ports.live import LivePublisher
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.signing_key import derive_key
from kie_gateway.flows.live.issue_realtime_token import IssueRealtimeToken
from kie_gateway.settings import ApiFunctionSettings, LivePublisherSettings
from kie_gateway.web.use_cases import LiveEndpoint
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.runtime import Runtime


def make_live_publisher(
    settings: LivePublisherSettings, clients: Clients, now: Callable[[], datetime]
) -> LivePublisher | None:
    """Make what publishes live updates; None where a deployment has none."""
    if not settings.live_publish_url:
        return None
    session: Any = clients.session
    return AppSyncPublisher(
        httpx.Client(),
        settings.live_publish_url,
        region=session.region_name,
        credentials=session.get_credentials,
        now=now,
    )


def make_live_endpoint(settings: ApiFunctionSettings) -> LiveEndpoint | None:
    """Make what says where pages connect; None where a deployment has no live updates."""
    if not settings.live_realtime_url:
        return None
    return LiveEndpoint(settings.live_realtime_url, settings.live_http_host)


def make_realtime_tokens(
    settings: ApiFunctionSettings, runtime: Runtime, tasks: TaskStore
) -> IssueRealtimeToken:
    """Make what issues tokens for pages."""
    secret = runtime.secret(settings.signing_secret_arn)
    return IssueRealtimeToken(
        is_on=make_live_endpoint(settings) is not None,
        tasks=tasks,
        signing_key=lambda: derive_key(secret(), PURPOSE),
        now=runtime.now,
    )
