"""Dials for the answers to those who ask how a task stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.dials.kinds import NUMBER, TIMES, Dial, Fault, amount, choice, switch, times_of

if TYPE_CHECKING:
    import re

_CODES = "(400|401|404|408|422|429|433|455|501|505)"
_PAGES = "(500|502|503|504|520|522|524)"
_STATUSES = "(401|403|404|429|455|503)"


def _broken(found: re.Match[str]) -> Fault:
    return Fault(found[1].lower(), times=times_of(found))


def _code(found: re.Match[str]) -> Fault:
    return Fault("code", int(found[1].split(" ")[0]), times_of(found))


def _page(found: re.Match[str]) -> Fault:
    return Fault("page", int(found[1]), times_of(found))


def _status(found: re.Match[str]) -> Fault:
    return Fault("status", int(found[1]), times_of(found))


DIALS = (
    Dial(
        "[poll 500] [poll 500 x3]",
        "status calls are answered with HTTP 500; x3: the first three",
        f"poll (500){TIMES}",
        "poll_fault",
        _page,
    ),
    Dial(
        "[poll html 502] [poll html 524 x3]",
        "status calls are answered by a page of HTML with that status; x3: the first three",
        f"poll html {_PAGES}{TIMES}",
        "poll_fault",
        _page,
    ),
    Dial(
        "[poll 429] [poll 455] [poll 408] [poll 401] [poll 404] [poll 501] [poll 500 code] "
        "[poll 429 x3]",
        "status calls are answered with that code in HTTP 200; x3: the first three",
        f"poll ({_CODES[1:-1]}|500 code){TIMES}",
        "poll_fault",
        _code,
    ),
    Dial(
        "[poll http 429] [poll http 401 x3]",
        "status calls are answered with that code as HTTP status, too; x3: the first three",
        f"poll http {_STATUSES}{TIMES}",
        "poll_fault",
        _status,
    ),
    Dial(
        "[poll truncated] [poll empty] [poll drop] [poll truncated x3]",
        "answers have half of their bytes, or none, or the connection is closed without one; x3: "
        "the first three",
        f"poll (truncated|empty|drop){TIMES}",
        "poll_fault",
        _broken,
    ),
    amount("poll slow", "30", "answers take 30 s"),
    amount("poll lag", "20", "the task seems to wait until 20 s after the webhook was due"),
    amount("poll null", "5", "the task is unknown (recordInfo is null) in the first 5 s"),
    Dial(
        "[poll data null 5]",
        "code 200 with data null in the first 5 s",
        f"poll data null {NUMBER}",
        "poll data null",
        lambda found: float(found[1]),
    ),
    Dial(
        "[state completed] [state succeeded] [state wait_failed]",
        "the task ends in that word, where its family has words (with [fail]: fails in it)",
        r"state ([a-z]+(?:_[a-z]+)*)",
        "state",
        lambda found: found[1],
    ),
    switch("queuing", "the task waits in the state `queuing`"),
    switch("waiting", "the task is never `generating`: it waits until it ends, as long films do"),
    choice(
        "progress",
        ("percent", "share", "text"),
        'answers have a `progress`: 45, 0.45 or "0.45"',
    ),
)
