"""Dials: words in square brackets inside a prompt that make the simulator misbehave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBER = r"(\d{1,5}(?:\.\d{1,3})?)"
_TIMES = r"(?: x(\d+))?"
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
_DEFAULT_FAILURE = "Internal Error"
_REFUSAL = "The prompt was flagged as violating content policies"


@dataclass(frozen=True)
class Failure:
    """How a task ends when it fails; the code is a string on the wire."""

    code: str
    message: str


@dataclass(frozen=True)
class Refusal:
    """Refuses a creation: the first `times` attempts, or every one."""

    code: int
    times: int | None


@dataclass(frozen=True)
class Dials:
    """What a prompt asks for; the defaults are a Kie.ai that behaves."""

    webhook_lost: bool = False
    webhook_late_seconds: float = 0.0
    webhook_early: bool = False
    webhook_copies: int = 1
    webhook_forged: bool = False
    webhook_unreadable: bool = False
    failure: Failure | None = None
    slow_seconds: float | None = None
    create_refusal: Refusal | None = None
    create_fault: str = ""
    create_slow_seconds: float = 0.0
    poll_errors: int = 0
    poll_lag_seconds: float = 0.0
    poll_null_seconds: float = 0.0
    file_fault: str = ""
    file_slow_seconds: float = 0.0
    result_fault: str = ""
    state_word: str = ""
    flag_stuck: bool = False
    immediate: bool = False
    callback_exception: bool = False
    never: bool = False
    preview_links: int = 0


@dataclass(frozen=True)
class Dial:
    """One row of the table: how it is written, what it does, which field of `Dials` it sets."""

    written: str
    does: str
    pattern: str
    sets: str
    value: Callable[[re.Match[str]], Any]


def _true(_: re.Match[str]) -> bool:
    return True


def _number(found: re.Match[str]) -> float:
    return float(found[1])


def _word(found: re.Match[str]) -> str:
    return found[1].lower()


def _failure(found: re.Match[str]) -> Failure:
    return Failure(found[1] or "500", found[2] or _DEFAULT_FAILURE)


def _refused_prompt(_: re.Match[str]) -> Failure:
    return Failure("400", _REFUSAL)


def _refusal(found: re.Match[str]) -> Refusal:
    # An empty purse stays empty; a busy or closed shop opens again.
    usual = None if found[1] == "402" else 1
    return Refusal(int(found[1]), int(found[2]) if found[2] else usual)


def _errors(found: re.Match[str]) -> int:
    return int(found[1]) if found[1] else 1_000_000


DIALS = (
    Dial("[webhook lost]", "the webhook is never sent", "webhook lost", "webhook_lost", _true),
    Dial(
        "[webhook late 5]",
        "the webhook is sent 5 s after the task has ended",
        f"webhook late {_NUMBER}",
        "webhook_late_seconds",
        _number,
    ),
    Dial(
        "[webhook early]",
        "the task ends and its webhook is delivered before createTask answers",
        "webhook early",
        "webhook_early",
        _true,
    ),
    Dial(
        "[webhook x5]",
        "five identical webhooks at the same moment",
        r"webhook x(\d{1,2})",
        "webhook_copies",
        lambda found: int(found[1]),
    ),
    Dial(
        "[webhook forged]",
        "a forgery first (wrong signature and token, a file on another host), then the true one",
        "webhook forged",
        "webhook_forged",
        _true,
    ),
    Dial(
        "[webhook unreadable]",
        "the webhook's body is no JSON (its URL and signature are right); no other one follows",
        "webhook unreadable",
        "webhook_unreadable",
        _true,
    ),
    Dial(
        "[fail] [fail 400 some words]",
        "the task fails, with failCode 500 or the given one, and the given words as failMsg",
        r"fail(?: (\d+)(?: (.+))?)?",
        "failure",
        _failure,
    ),
    Dial(
        "[refuse]",
        "the task fails because of its content: failCode 400",
        "refuse",
        "failure",
        _refused_prompt,
    ),
    Dial("[slow 30]", "the task takes 30 s", f"slow {_NUMBER}", "slow_seconds", _number),
    Dial(
        "[create 429] [create 430] [create 433] [create 455] [create 429 x3]",
        "the first creation for this callBackUrl is refused with that code; x3: the first three",
        f"create (429|430|433|455){_TIMES}",
        "create_refusal",
        _refusal,
    ),
    Dial(
        "[create 402]",
        "every creation is refused for lack of credits; x2: the first two for this callBackUrl",
        f"create (402){_TIMES}",
        "create_refusal",
        _refusal,
    ),
    Dial(
        "[create 500] [create 500 code] [create drop]",
        "accepted, but answered with HTTP 500 (an HTML page), with code 500 in HTTP 200, or by "
        "closing the connection without an answer",
        "create (500 code|500|drop)",
        "create_fault",
        _word,
    ),
    Dial(
        "[create slow 40]",
        "accepted at once, answered after 40 s",
        f"create slow {_NUMBER}",
        "create_slow_seconds",
        _number,
    ),
    Dial(
        "[poll 500] [poll 500 x3]",
        "recordInfo answers HTTP 500; x3: the first three times",
        f"poll 500{_TIMES}",
        "poll_errors",
        _errors,
    ),
    Dial(
        "[poll lag 20]",
        "recordInfo says waiting until 20 s after the webhook was due",
        f"poll lag {_NUMBER}",
        "poll_lag_seconds",
        _number,
    ),
    Dial(
        "[poll null 5]",
        "recordInfo is null (code 422) in the first 5 s",
        f"poll null {_NUMBER}",
        "poll_null_seconds",
        _number,
    ),
    Dial(
        "[file gone] [file gone once]",
        "result links answer 404; once: recordInfo gives a working link after the first was tried",
        "file (gone|gone once)",
        "file_fault",
        _word,
    ),
    Dial(
        "[file empty] [file short]",
        "the file has no bytes; or its connection breaks off half-way",
        "file (empty|short)",
        "file_fault",
        _word,
    ),
    Dial(
        "[file slow 10]",
        "the file takes 10 s to come",
        f"file slow {_NUMBER}",
        "file_slow_seconds",
        _number,
    ),
    Dial(
        "[result double] [result null]",
        "resultJson is encoded twice; or the task succeeds without links",
        "result (double|null)",
        "result_fault",
        _word,
    ),
    Dial(
        "[result empty] [result object] [result objects] [result string] [result snake]",
        "resultJson is empty, or not encoded; links come as objects, as one string, or under "
        "result_urls",
        "result (empty|objects|object|string|snake)",
        "result_fault",
        _word,
    ),
    Dial(
        "[state completed]",
        "the state says completed (or done, SUCCEEDED, finished) in the place of success",
        "state (completed|done|succeeded|finished)",
        "state_word",
        lambda found: found[1].upper(),
    ),
    Dial(
        "[flag stuck]",
        "4o: the flag stays 0 for ever, with completeTime and without links; only the history "
        "page tells",
        "flag stuck",
        "flag_stuck",
        _true,
    ),
    Dial(
        "[immediate]",
        "the answer to the creation holds the result already, and no webhook follows",
        "immediate",
        "immediate",
        _true,
    ),
    Dial(
        "[callback exception]",
        "Suno: the status says CALLBACK_EXCEPTION although the audio is there",
        "callback exception",
        "callback_exception",
        _true,
    ),
    Dial("[never]", "the task never ends", "never", "never", _true),
    Dial(
        "[preview first 2]",
        "the first 2 answers name a small picture; the real one follows",
        r"preview first(?: (\d+))?",
        "preview_links",
        lambda found: int(found[1] or 1),
    ),
)


def read_dials(prompt: str) -> Dials:
    """Find the dials in a prompt; other words in brackets are plain prompt."""
    return Dials(**dict(_found(prompt)))


def dials_text() -> str:
    """Write the table for a terminal."""
    width = max(len(dial.written) for dial in DIALS)
    return "\n".join(f"{dial.written:<{width}}  {dial.does}" for dial in DIALS)


def _found(prompt: str) -> Iterator[tuple[str, Any]]:
    for written in _BRACKETS.findall(prompt):
        for dial in DIALS:
            match = re.fullmatch(dial.pattern, written.strip(), re.IGNORECASE)
            if match:
                yield dial.sets, dial.value(match)
