"""Kie.ai's webhooks, as flows need them; `kie/webhook.py` provides them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kie_gateway.core.polling.report import Report
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class Said:
    """
    What a webhook says.

    Attributes:
        upstream_task_id: The id it names, None if it names none.
        is_about_another_task: Whether that is not the id on record.
        body: As it may be kept, without secrets.
    """

    report: Report
    upstream_task_id: str | None
    is_about_another_task: bool
    body: bytes = b""


class WebhookReader(Protocol):
    """Kie.ai's webhooks."""

    def verify_token(self, task_id: str, token: str) -> None:
        """Check the token of a callback URL. Raises WebhookRefusedError."""

    def verify_signature(
        self, task: Task, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> None:
        """Check the signature, if webhooks are signed. Raises WebhookRefusedError."""

    def read(self, task: Task, body: bytes) -> Said:
        """Read a body, whatever it is."""
