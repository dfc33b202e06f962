"""Webhooks of Kie.ai: whose they are, and what they say."""

from collections.abc import Callable, Mapping
from datetime import datetime

from kie_gateway.core.callback_token import is_callback_token
from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.core.polling.report import NotUnderstood
from kie_gateway.core.ports.webhooks import Said
from kie_gateway.core.task import Task
from kie_gateway.kie import signature, wire
from kie_gateway.kie.families.registry import family
from kie_gateway.kie.redaction import Redaction


class KieWebhooks:
    """
    Kie's webhooks, as flows need them (`core/ports/webhooks.py`, WebhookReader).

    Args:
        hmac_key: Returns the account's webhook key, None if its webhooks are not signed.
    """

    def __init__(self, redaction: Redaction, hmac_key: Callable[[], str | None]) -> None:
        self._redaction = redaction
        self._hmac_key = hmac_key

    def verify_token(self, task_id: str, token: str) -> None:
        """
        Check the token of a callback URL.

        Raises:
            WebhookRefusedError: It is not the task's.
        """
        if not is_callback_token(token, task_id, self._redaction.callback_secret()):
            raise WebhookRefusedError("token_mismatch")

    def verify_signature(
        self, task: Task, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> None:
        """
        Check the signature, if the account has a webhook key.

        Raises:
            WebhookRefusedError: Missing, stale or wrong.
        """
        hmac_key = self._hmac_key()
        if hmac_key is None:
            return
        named = list(wire.task_ids(wire.parse(body)))
        on_record = [task.upstream_task_id] if task.upstream_task_id else []
        signature.verify(headers, [*named, *on_record], hmac_key, now=now)

    def read(self, task: Task, body: bytes) -> Said:
        """Read a body, whatever it is."""
        kept = self._redaction.kept_body(body, task)
        # Before it is read, so that no word of it can carry the token anywhere.
        parsed = wire.parse(self._redaction.unread_body(body, task))
        if parsed is None:
            report = NotUnderstood("the body is not valid JSON")
            return Said(report, None, is_about_another_task=False, body=kept)
        named = next(wire.task_ids(parsed), None)
        return Said(
            report=self._redaction.report(family(task.family).interpret(parsed), task),
            upstream_task_id=named,
            body=kept,
            is_about_another_task=None not in (named, task.upstream_task_id)
            and named != task.upstream_task_id,
        )
