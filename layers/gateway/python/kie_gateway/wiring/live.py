"""Whoever tells followers what has happened."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from kie_gateway.aws.live_updates import AppSyncPublisher
from kie_gateway.core.ports.live import LivePublisher
from kie_gateway.settings import LivePublisherSettings
from kie_gateway.wiring.clients import Clients


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
