"""Dials for the course and the end of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.dials.kinds import Dial, Failure, amount, choice, switch

if TYPE_CHECKING:
    import re

_USUAL = "Internal Error"
_FLAGGED = "The prompt was flagged as violating content policies"
_NAMED = {
    "internal": Failure(None, _USUAL),
    "audio": Failure("500", "The Google model was unable to generate audio for this request"),
    "download": Failure("451", "Failed to download the input image"),
    "sensitive": Failure(
        "413", "Song description contained a sensitive word", "create", is_sensitive=True
    ),
    "refunded": Failure("531", "Generation failed, credits refunded"),
}


def _failure(found: re.Match[str]) -> Failure:
    return Failure((found[1] or "500").upper(), found[2] or _USUAL)


def _failure_at_creation(found: re.Match[str]) -> Failure:
    return Failure(found[1] or "500", found[2] or _USUAL, "create")


DIALS = (
    Dial(
        "[fail] [fail 400 some words] [fail GENERATION_FAILED some words]",
        "the task fails, with failCode 500 or the given one, and the given words as failMsg",
        r"fail(?: (\d+|[a-z]+(?:_[a-z]+)+)(?: (.+))?)?",
        "failure",
        _failure,
    ),
    Dial(
        "[fail create] [fail create 400 some words]",
        "the same, where the work is handed on: successFlag 2, CREATE_TASK_FAILED",
        r"fail create(?: (\d+)(?: (.+))?)?",
        "failure",
        _failure_at_creation,
    ),
    Dial(
        "[refuse]",
        "the task fails because of its content: failCode 400",
        "refuse",
        "failure",
        lambda _: Failure("400", _FLAGGED, "create", is_sensitive=True),
    ),
    Dial(
        " ".join(f"[fail {name}]" for name in _NAMED),
        "fails as families do: a refusal in disguise (no code, Internal Error); no sound for a "
        "film; an input that cannot be fetched (451); a word Suno refuses; refunded (531)",
        f"fail ({'|'.join(_NAMED)})",
        "failure",
        lambda found: _NAMED[found[1].lower()],
    ),
    choice(
        "fail result",
        ("null", "absent", "braces"),
        'with [fail]: resultJson is null, is missing, or is "{}"',
    ),
    switch("fail bare", "with [fail]: no times, no costs, no resultJson"),
    amount("slow", "30", "the task takes 30 s"),
    switch("never", "the task waits for ever"),
    switch("never generating", "the task is worked on for ever"),
    amount("results", "6", "the task makes six files; music: six tracks"),
    switch(
        "flag stuck",
        "for ever, completeTime is set, but the state is that of work and the links are null; no "
        "webhook; only the history page has the truth",
    ),
    switch(
        "history only",
        "the state is that of work for ever; no webhook; only the history page has the truth",
    ),
    switch("history none", "the task is not on the history page"),
    amount("history late", "60", "the task is on the history page 60 s after its end"),
    switch("history top", "result_urls stand at the top of the history's resultJson"),
    switch(
        "callback exception",
        "Suno: CALLBACK_EXCEPTION with the tracks; Luma: successFlag 4 with the links; this comes "
        "by itself after a webhook was given up",
    ),
    switch("callback exception empty", "the same, without tracks or links"),
    amount(
        "audio late",
        "30",
        "Suno: the last track has no audio until 30 s after the end, although all is done",
    ),
    switch(
        "upgrade 400",
        "Veo's 1080p through createTask: while it is made, code 400 with words instead of a state",
    ),
    switch("fallback", "Veo: another model made the film, which can not be upgraded"),
    switch("suno out of order", "the webhooks come in the order complete, first, text"),
    Dial(
        "[then fail] [then webhook lost]",
        "the dial holds for tasks made from this one: upgrades, extensions, WAVs, videos, ...",
        "then (.+)",
        "then",
        lambda found: found[1],
    ),
)
