"""
4o Image, at its old endpoint; `4o-image-api` is a model of the Market.

Sources: Kie's 4o pages (documented); the flag that stays 0 although all is done, `response` as a
JSON string and `result_urls` (public clients of late 2025).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kie_gateway.core.polling.report import Failed, Report
from kie_gateway.kie.families.family import Family

_CREATION = "/api/v1/gpt4o-image/generate"


class _Gpt4o(Family):
    def interpret(self, body: Any) -> Report:
        """Read an answer (`response.resultUrls`) or a webhook (`info.result_urls`)."""
        report = super().interpret(body)
        if isinstance(report, Failed) and report.failure.message.lower() == "internal error":
            # Mostly a refusal of the content in disguise (one client): it would fail again.
            return replace(report, failure=replace(report.failure, retryable=False))
        return report

    def guesses(self, upstream_task_id: str, completed_at: datetime | None) -> Sequence[str]:
        """Return where pictures were seen: the id, followed by a time and an unknown number."""
        del completed_at
        return [f"/s/{upstream_task_id}{end}" for end in (".png", "_0.png", "_1.png")]


FAMILY = _Gpt4o(
    name="gpt4o",
    typical_seconds=120.0,
    creations=dict.fromkeys(("gpt4o-image", "4o-image"), _CREATION),
    fields=(
        *("size", "prompt", "filesUrl", "fileUrl", "maskUrl", "isEnhance", "uploadCn", "nVariants"),
        *("enableFallback", "fallbackModel"),
    ),
    asking_path="/api/v1/gpt4o-image/record-info",
    link_path="/api/v1/gpt4o-image/download-url",
    names_task_for_links=True,
    history_path="/client/v1/userRecord/gpt4o-image/page",
    history_takes_key=True,
)
