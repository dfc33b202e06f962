"""EventBridge's schedules: invoke functions every so often."""

from __future__ import annotations

import json
import re
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dev import seams

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dev.functions import Outcome
    from dev.logs import Log
    from sam_template.template import Schedule

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_ACCOUNT = "123456789012"


class Clock:
    """One schedule; as on AWS, the first event comes when the first period is over."""

    def __init__(
        self,
        schedule: Schedule,
        submit: Callable[[bytes], Future[Outcome]],
        log: Log,
        region: str = seams.REGION,
    ) -> None:
        self._region = region
        self._schedule = schedule
        self._seconds = period_seconds(schedule.expression)
        self._submit = submit
        self._log = log
        self._stopped = threading.Event()
        threading.Thread(target=self._tick, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _tick(self) -> None:
        while not self._stopped.wait(self._seconds):
            outcome = self._submit(json.dumps(self._event()).encode()).result()
            if outcome.failed and not self._stopped.is_set():
                error = outcome.value().get("errorMessage")
                self._log.line("clock", f"{self._schedule.function}: {error}", level="ERROR")

    def _event(self) -> dict[str, Any]:
        rule = f"{self._schedule.function}{self._schedule.name}"
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": _ACCOUNT,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": [f"arn:aws:events:{self._region}:{_ACCOUNT}:rule/{rule}"],
            "detail": {},
        }


def period_seconds(expression: str) -> int:
    """Read a rate such as `rate(10 minutes)`; cron expressions are not understood."""
    found = _RATE.fullmatch(expression)
    if found is None:
        raise ValueError(f"{expression!r}: only rate(N minutes|hours|days) runs on this machine")
    return int(found[1]) * _SECONDS[found[2]]
