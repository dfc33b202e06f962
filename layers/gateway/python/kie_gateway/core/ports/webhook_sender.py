"""Webhooks on their way to receivers, as flows need them; `fetch/webhooks.py` provides them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from kie_gateway.core.events.delivery import Attempt


class WebhookSender(Protocol):
    """Sends webhooks."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], at: datetime) -> Attempt:
        """Send a webhook and wait for the answer; whatever goes wrong is in what is returned."""
