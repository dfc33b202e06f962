"""Whoever tells followers what has happened."""

from typing import Any

import httpx

from kie_gateway.aws.live_updates import AppSyncPublisher
from kie_gateway.core.ports.live import LivePublisher
from kie_gateway.settings import LivePublisherSettings
from kie_gateway.wiring.runtime import Runtime


def make_live_publisher(settings: LivePublisherSettings, runtime: Runtime) -> LivePublisher | None:
    """Make what publishes live updates; None where a deployment has none."""
    if not settings.live_publish_url:
        return None
    session: Any = runtime.clients.session
    return AppSyncPublisher(
        httpx.Client(),
        settings.live_publish_url,
        region=session.region_name,
        credentials=session.get_credentials,
        now=runtime.now,
    )
