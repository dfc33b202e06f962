"""Webhooks of Kie.ai: whose they are, and what they say."""

from collections.abc import Mapping
from datetime import datetime

from kie_gateway.core.ports import Said
from kie_gateway.core.report import NotUnderstood
from kie_gateway.core.task import Task
from kie_gateway.kie import signature, wire
from kie_gateway.kie.families.registry import family


class KieWebhooks:
    """Kie's webhooks, as flows need them (`core/ports.py`, WebhookReader)."""

    def verify(
        self,
        task: Task,
        headers: Mapping[str, str],
        body: bytes,
        hmac_key: str | None,
        *,
        now: datetime,
    ) -> None:
        """
        Check the signature, if the account has a webhook key.

        Raises:
            WebhookRefusedError: Missing, stale or wrong.
        """
        if hmac_key is None:
            return
        named = list(wire.task_ids(wire.parse(body)))
        on_record = [task.upstream_task_id] if task.upstream_task_id else []
        signature.verify(headers, [*named, *on_record], hmac_key, now=now)

    def read(self, task: Task, body: bytes) -> Said:
        """Read a body, whatever it is."""
        parsed = wire.parse(body)
        if parsed is None:
            return Said(NotUnderstood("the body is no JSON"), None, is_about_another_task=False)
        named = next(wire.task_ids(parsed), None)
        return Said(
            report=family(task.family).interpret(parsed),
            upstream_task_id=named,
            is_about_another_task=None not in (named, task.upstream_task_id)
            and named != task.upstream_task_id,
        )
