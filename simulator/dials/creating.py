"""Dials for the answer to a creation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.dials.kinds import TIMES, Dial, Fault, Refusal, amount, switch, times_of

if TYPE_CHECKING:
    import re

# A busy or closed shop opens again; an empty account stays empty.
_PASSING = (408, 429, 430, 433, 455)
_LASTING = (401, 402, 404, 409, 413, 422, 451, 501, 505, 531)
_STATUSES = (401, 402, 403, 422, 429, 455, 503)
_PAGES = (500, 502, 503, 504, 520, 522, 524)
# Kie.ai gives the same code for many things; only the words tell them apart.
_WORDS = {
    ("422", "empty"): "multi_shots cannot be empty",
    ("422", "length"): "prompt must be <= 300 characters",
    ("422", "model"): "The model name you specified is not supported.",
    ("429", "credits"): "Insufficient credits",
    ("500", "credits"): "Credits insufficient",
    ("500", "exception"): "Server exception, please try again later",
    ("500", "length"): "The text length cannot exceed the maximum limit",
    ("500", "options"): "mode is not within the range of allowed options",
    ("500", "paused"): "This interface is temporarily paused",
    ("500", "required"): "This field is required",
}


def _either(codes: tuple[int, ...]) -> str:
    return "(" + "|".join(map(str, codes)) + ")"


def _refusal(found: re.Match[str]) -> Refusal:
    code = int(found[1])
    return Refusal(code, times_of(found, 1 if code in _PASSING else None))


def _worded(found: re.Match[str]) -> Refusal:
    code, word = found[1].lower().split(" ")
    return Refusal(int(code), times_of(found), _WORDS[code, word])


def _with_status(found: re.Match[str]) -> Refusal:
    code = int(found[1])
    return Refusal(code, times_of(found, 1), status=code)


def _page(found: re.Match[str]) -> Refusal:
    code = int(found[1])
    return Refusal(code, times_of(found, 1), status=code, is_page=True)


def _fault(found: re.Match[str]) -> Fault:
    kind = found[1].lower()
    return {"500": Fault("page", 500), "500 code": Fault("code", 500)}.get(kind, Fault(kind))


DIALS = (
    Dial(
        "[create 429] [create 430] [create 433] [create 455] [create 408] [create 429 x3]",
        "the first creation for this callBackUrl is refused with that code; x3: the first three",
        f"create {_either(_PASSING)}{TIMES}",
        "refusal",
        _refusal,
    ),
    Dial(
        " ".join(f"[create {code}]" for code in _LASTING),
        "every creation is refused with that code, such as 402 for lack of credits; x2: the first "
        "two for this callBackUrl",
        f"create {_either(_LASTING)}{TIMES}",
        "refusal",
        _refusal,
    ),
    Dial(
        " ".join(f"[create {code} {word}]" for code, word in _WORDS),
        "every creation is refused with that code and words of that meaning",
        f"create ({'|'.join(' '.join(key) for key in _WORDS)}){TIMES}",
        "refusal",
        _worded,
    ),
    Dial(
        " ".join(f"[create http {code}]" for code in _STATUSES),
        "the first creation is refused with that code as HTTP status, too; x3: the first three",
        f"create http {_either(_STATUSES)}{TIMES}",
        "refusal",
        _with_status,
    ),
    Dial(
        "[create lost 502] [create lost 524]",
        "the first creation is answered by a page of HTML with that status, and nothing is "
        "created; x3: the first three",
        f"create lost {_either(_PAGES)}{TIMES}",
        "refusal",
        _page,
    ),
    Dial(
        "[create 500] [create 500 code] [create drop]",
        "accepted, but answered with HTTP 500 (an HTML page), with code 500 in HTTP 200, or by "
        "closing the connection without an answer",
        "create (500 code|500|drop)",
        "create_fault",
        _fault,
    ),
    Dial(
        "[create html 502] [create html 504] [create html 520] [create html 524]",
        "accepted, but answered by a page of HTML with that status",
        f"create html {_either(_PAGES)}",
        "create_fault",
        lambda found: Fault("page", int(found[1])),
    ),
    Dial(
        "[create empty] [create truncated] [create no id]",
        "accepted, but the answer has no bytes, or half of its bytes, or data null",
        "create (empty|truncated|no id)",
        "create_fault",
        _fault,
    ),
    amount("create slow", "40", "accepted at once, answered after 40 s"),
    switch(
        "immediate",
        "the answer to the creation holds the result already, and no webhook follows",
    ),
    switch("id docs", "the task's id looks as in the documentation, not like 32 hex digits"),
    switch("message key", "bodies have their words under `message` instead of `msg`"),
)
