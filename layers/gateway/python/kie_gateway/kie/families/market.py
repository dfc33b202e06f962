"""
The Market API ("jobs"): most models of Kie.ai.

Sources: Kie's pages "Market quickstart" and "Get task detail"; field sets of April and September
2026 as published in recordings of live traffic; oddities as reported by public clients.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kie_gateway.core.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Report,
    Running,
)
from kie_gateway.core.task import Failure, Source
from kie_gateway.kie import wire, words

NAME = "market"
CREATE_PATH = "/api/v1/jobs/createTask"
ASK_PATH = "/api/v1/jobs/recordInfo"

# `queuing` is documented and was never seen; the others after `generating` are synonyms that other
# clients guard against.
_RUNNING = {
    "waiting",
    "queuing",
    "generating",
    "queued",
    "queueing",
    "pending",
    "running",
    "wait",
} | {"processing"}
_SUCCESS = {"success", "succeeded", "completed", "complete", "finished", "done"}
_FAIL = {"fail", "failed", "error", "wait_failed", "create_task_failed", "generate_failed"}
# 408: nothing from the model for ten minutes, which is no verdict.
_SLOW_CODES = {"408"}
_FAILED_CODES = {"501", "531"}
_RESULT_KEYS = ("resultUrls", "result_urls", "resultUrl", "resultImageUrl", "videoUrl")
_FRAME_KEYS = ("firstFrameUrl", "lastFrameUrl")


def create_body(model: str, task_input: Mapping[str, Any], callback_url: str) -> dict[str, Any]:
    """Build the creation; `callBackUrl` inside `input` would silently never be called."""
    return {"model": model, "callBackUrl": callback_url, "input": dict(task_input)}


def interpret(body: Any) -> Report:
    """Read an answer of `recordInfo`, or a webhook: both carry the same `data`."""
    if not isinstance(body, dict):
        return NotUnderstood("the body is no JSON object")
    data = wire.decoded(body.get("data", body if "state" in body else None))
    code = wire.code_of(body)
    if isinstance(data, dict) and data:
        return _read_record(data, code, wire.message_of(body))
    return _read_without_record(code, wire.message_of(body))


def task_ids(body: Any) -> Iterator[str]:
    """Find the ids that a webhook may be about: documented in `data.taskId`, once seen on top."""
    if not isinstance(body, dict):
        return
    for holder in (wire.decoded(body.get("data")), body):
        if isinstance(holder, dict):
            for key in ("task_id", "taskId"):
                found = wire.text(holder.get(key))
                if found is not None:
                    yield found


def _read_record(data: dict[str, Any], code: str | None, message: str) -> Report:
    state = wire.text(data.get("state")) or ""
    word = state.lower()
    if word in _SUCCESS:
        return _read_success(data, state)
    if word in _FAIL:
        return _read_failure(data, state, code, message)
    if word in _RUNNING:
        return Running(state)
    if code in _FAILED_CODES:
        return _read_failure(data, state or "fail", code, message)
    return NotUnderstood(f"unknown state {state[:40]!r}")


def _read_without_record(code: str | None, message: str) -> Report:
    if code in ("404", "422") or words.means_not_visible(message):
        return NotVisible(message or f"code {code}")
    if code in _SLOW_CODES:
        return Running("upstream_slow")
    if code in _FAILED_CODES:
        return _read_failure({}, "fail", code, message)
    if code in ("200", "0", None):
        return NotVisible("the answer holds no record")
    return NotUnderstood(f"code {code}: {message}"[:300])


def _read_success(data: dict[str, Any], state: str) -> Report:
    found = tuple(dict.fromkeys(_result_links(data)))
    if not found:
        return NotUnderstood("the state says success, and there is no link")
    return Finished(
        state=state,
        sources=tuple(Source(url) for url in found),
        completed_at=wire.moment(data.get("completeTime")),
        credits=_credits(data),
    )


def _result_links(data: dict[str, Any]) -> Iterator[str]:
    """Find result links where results stand, and never among the echoed input."""
    for holder in (wire.decoded(data.get("resultJson")), wire.decoded(data.get("response")), data):
        match holder:
            case dict():
                for key in (*_RESULT_KEYS, *_FRAME_KEYS, "resultObject"):
                    yield from wire.links(holder.get(key))
                if holder is not data:
                    yield from _track_links(wire.decoded(holder.get("data")))
            case list() | str():
                yield from wire.links(holder)


def _track_links(tracks: Any) -> Iterator[str]:
    """Find the audio in Suno's own envelope, which music models put into `resultJson`."""
    for track in tracks if isinstance(tracks, list) else []:
        if isinstance(track, dict):
            yield from wire.links(track.get("audio_url") or track.get("audioUrl"))


def _read_failure(data: dict[str, Any], state: str, code: str | None, message: str) -> Failed:
    fail_code = wire.text(data.get("failCode")) or code or "fail"
    fail_message = wire.text(data.get("failMsg")) or message or "Kie.ai gave no reason."
    category = words.category_of(fail_code, fail_message)
    return Failed(
        state=state,
        failure=Failure(
            code=fail_code,
            category=category,
            message=fail_message[:1000],
            retryable=words.may_be_retried(category),
        ),
        completed_at=wire.moment(data.get("completeTime")),
    )


def _credits(data: dict[str, Any]) -> float | None:
    """Read what was taken; the name has changed twice."""
    for key in ("creditsConsumed", "consumeCredits", "credits_consumed"):
        amount = wire.number(data.get(key))
        if amount is not None:
            return amount
    return None
