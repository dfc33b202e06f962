"""
From what a family finds in a body to one of the six reports.

Families differ in where they look and how they name things; what follows from it is the same for
all. The rules come from the misbehaviour that public clients of Kie.ai report: flags that lag
behind the completion time, success without links, failures that only the envelope's code tells.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.core.failure import Failure
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Report,
    Running,
)
from kie_gateway.core.results import Source
from kie_gateway.kie import gathering, wire, words
from kie_gateway.kie.creation import YES_CODES
from kie_gateway.kie.words import Meaning

# Envelope codes that mean yes; absent in unwrapped bodies.
YES = YES_CODES
_NOT_VISIBLE_CODES = ("404", "422")
# Nothing came from the model for ten minutes, which is no verdict.
_SLOW_CODE = "408"
# Say "failed" even without a record: generation failed; failed and refunded.
FAILED_CODES = ("501", "531")
# Speak of the generation, and seen without a record once a task had been visible: refused content
# or input, an input file that could not be fetched.
_VERDICT_CODES = (*FAILED_CODES, "400", "413", "422", "451")
# Comes with Veo's 4K files both while they are made and when they are done.
_VEO_4K_CODE = "422"

_STATE_KEYS = ("state", "status", "successFlag")
# What Kie's pages call the numbers.
_FLAG_WORDS = {
    "0": "generating",
    "1": "success",
    "2": "create_task_failed",
    "3": "generate_failed",
    "4": "callback_failed",
}
_COMPLETED_KEYS = ("completeTime", "complete_time", "completedAt")
_CREDIT_KEYS = ("creditsConsumed", "consumeCredits", "credits_consumed")
_FAIL_CODE_KEYS = ("failCode", "fail_code", "errorCode", "error_code")
_FAIL_TEXT_KEYS = (
    *("failMsg", "failMessage", "fail_msg", "errorMessage", "errorMsg", "error_message"),
    *("failedReason", "failed_reason", "failReason", "fail_reason", "failureReason"),
    *("errorReason", "error_reason", "reason", "error"),
)
_FACT_KEYS = ("seed", "seeds", "resolution", "fallbackFlag", "modelName", "title")
# What families use of the search for results.
RESULT_KEYS = gathering.RESULT_KEYS
links = gathering.links
sources_of = gathering.sources_of


@dataclass(frozen=True)
class Found:
    """
    What a family found in a body.

    Attributes:
        data: The record, empty if there is none.
        sources: Results, whatever the state says.
        names_task: Whether the body is about a task at all: an answer about an unknown task is not.
    """

    code: str | None
    message: str
    data: Mapping[str, Any]
    sources: tuple[Source, ...] = ()
    names_task: bool = False
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def envelope(body: Any) -> tuple[str | None, str, dict[str, Any]]:
    """Open an envelope: its code, its words, and the record in it; bare records are taken too."""
    body = wire.decoded(body)
    if not isinstance(body, dict):
        return None, "", {}
    data = wire.decoded(body.get("data"))
    if isinstance(data, dict):
        return wire.code_of(body), wire.message_of(body), data
    if isinstance(data, list) and gathering.is_list_of_links(data):
        return wire.code_of(body), wire.message_of(body), {"data": data}
    unwrapped = not isinstance(data, list) and any(key in body for key in _STATE_KEYS)
    return wire.code_of(body), wire.message_of(body), body if unwrapped else {}


def look(body: Any, sources: tuple[Source, ...]) -> Found:
    """Gather what all families have in common."""
    code, message, data = envelope(body)
    return Found(
        code=code,
        message=message,
        data=data,
        sources=sources,
        names_task=next(wire.task_ids(body), None) is not None,
        facts=facts_of(data),
    )


def in_answer(report: Report, body: Any, *, was_seen: bool) -> Report:
    """
    Read an answer to a question about one task, with what is known of the task.

    Args:
        was_seen: Whether Kie.ai has ever shown a record of it. Once it has, a refusal with words
            and without a record is the verdict (seen with Veo); before, it may be about the
            question, or come because the record is not there yet.
    """
    code, message, data = envelope(body)
    if isinstance(report, Failed) and not report.in_record and not was_seen:
        return NotUnderstood(f"code {code} before any record was shown: {message}"[:300])
    if not was_seen or data or not message or code not in _VERDICT_CODES:
        return report
    if not isinstance(report, NotVisible | NotUnderstood):
        return report
    if words.means_not_visible(message) or words.is_failed_check(message):
        return report
    return _failed(Found(code, message, {}), "", None)


def conclude(found: Found) -> Report:
    """Draw the one conclusion that is safe."""
    said = [word for key in _STATE_KEYS if (word := wire.text(found.data.get(key)))]
    meanings = {meaning for word in said if (meaning := words.meaning_of(word))}
    state = next((word for word in said if words.meaning_of(word)), said[0] if said else "")
    state = _FLAG_WORDS.get(state, state)
    completed_at = _first_moment(found.data, _COMPLETED_KEYS)
    if meanings & {Meaning.SUCCESS, Meaning.CALLBACK_FAILED}:
        if found.sources:
            return _finished(found, state, completed_at)
        words_shown = f"the state says {state[:40]!r}, and there is no result"
        return NotUnderstood(words_shown, completed_at)
    if Meaning.FAILURE in meanings:
        return _failed(found, state, completed_at)
    if Meaning.RUNNING in meanings:
        return _running(found, state, completed_at)
    if said and not found.sources:
        return _unknown_state(found, said[0])
    return _without_state(found, completed_at)


def document(text: str, content_type: str) -> Source:
    """Make a source of a result that stands in the answer itself."""
    return Source("", content=text, content_type=f"{content_type}; charset=utf-8")


def json_document(value: Any) -> Source:
    """Make a source of a structured result."""
    return document(json.dumps(value, ensure_ascii=False, indent=1), "application/json")


def facts_of(data: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Keep the short things that Kie tells of a result."""
    facts: dict[str, str | int | float | bool] = {}
    for holder in (wire.decoded(data.get("response")), wire.decoded(data.get("info")), data):
        if isinstance(holder, dict):
            for key in _FACT_KEYS:
                value = holder.get(key)
                if isinstance(value, list) and len(value) == 1:
                    value = value[0]
                if isinstance(value, str | int | float) and value != "":
                    facts.setdefault(key, value[:200] if isinstance(value, str) else value)
    return facts


def _finished(found: Found, state: str, completed_at: datetime | None) -> Finished:
    return Finished(
        state=state,
        sources=found.sources,
        completed_at=completed_at,
        credits=_first_amount(found.data, _CREDIT_KEYS),
        facts=found.facts,
    )


def _running(found: Found, state: str, completed_at: datetime | None) -> Report:
    if completed_at is None:
        return Running(state)
    if found.sources:
        # Seen in late 2025: the flag stays at "generating" although all is done.
        return _finished(found, state, completed_at)
    words_shown = f"completed at {completed_at.isoformat()}, yet {state[:40]!r} and no result"
    return NotUnderstood(words_shown, completed_at)


def _failed(found: Found, state: str, completed_at: datetime | None) -> Failed:
    said_code = next(
        (code for k in _FAIL_CODE_KEYS if (code := wire.text(found.data.get(k)))), None
    )
    code = said_code if said_code not in (None, "0", "200") else None
    envelope_code = found.code if found.code not in YES else None
    message = next((text for k in _FAIL_TEXT_KEYS if (text := _reason(found.data.get(k)))), None)
    if message is None and envelope_code is not None:
        message = found.message or None
    category = words.category_of(code or envelope_code, message or "", state)
    return Failed(
        state=state or "fail",
        failure=Failure(
            code=code or envelope_code or state.lower() or "fail",
            category=category,
            message=(message or "Kie.ai gave no reason.")[:1000],
            retryable=words.may_be_retried(category),
        ),
        completed_at=completed_at,
        in_record=bool(state) or said_code is not None,
        blames_model=words.blames_model(message or ""),
    )


def _reason(value: Any) -> str | None:
    """Read why a task failed: words, or an object with code and message."""
    if not isinstance(value, dict):
        return wire.text(value)
    said = (wire.text(value.get(key)) for key in ("code", "message", "msg", "reason"))
    return ": ".join(word for word in said if word) or None


def _unknown_state(found: Found, state: str) -> Report:
    if found.code in FAILED_CODES:
        return _failed(found, state, None)
    return NotUnderstood(f"unknown state {state[:40]!r}")


def _without_state(found: Found, completed_at: datetime | None) -> Report:
    """Conclude from the envelope alone: most callbacks of the families have no state."""
    if found.sources and found.code in (*YES, _VEO_4K_CODE):
        return _finished(found, "success", completed_at)
    if found.sources:
        return NotUnderstood(f"code {found.code}, and yet there are results")
    if words.means_still_working(found.message):
        return Running(found.message[:60])
    if found.code in _NOT_VISIBLE_CODES and words.means_not_visible(found.message):
        return NotVisible(found.message)
    if found.code in FAILED_CODES or (found.names_task and found.code not in YES):
        return _failed(found, "", completed_at)
    return _about_no_task(found)


def _about_no_task(found: Found) -> Report:
    if found.code == _SLOW_CODE:
        return Running("upstream_slow")
    if words.means_not_visible(found.message) or found.code in _NOT_VISIBLE_CODES:
        return NotVisible(found.message or f"code {found.code}")
    if found.code in YES and not found.data:
        return NotVisible("the answer holds no record")
    return NotUnderstood(f"code {found.code}: {found.message}"[:300])


def _first_moment(data: Mapping[str, Any], keys: tuple[str, ...]) -> datetime | None:
    return next((moment for key in keys if (moment := wire.moment(data.get(key)))), None)


def _first_amount(data: Mapping[str, Any], keys: tuple[str, ...]) -> Decimal | None:
    found = (wire.number(data.get(key)) for key in keys)
    return next((as_credits(amount) for amount in found if amount is not None), None)
