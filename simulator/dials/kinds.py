"""What a dial is, and what dials can ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUMBER = r"(\d{1,5}(?:\.\d{1,3})?)"
TIMES = r"(?: x(\d+))?"


@dataclass(frozen=True)
class Failure:
    """
    How a task ends when it fails.

    Attributes:
        code: Digits or a word; None where Kie.ai gives no code.
        stage: Whether it fails when its work is handed on, or later.
        is_sensitive: Whether Suno has a word of its own for it.
    """

    code: str | None
    message: str
    stage: Literal["create", "generate"] = "generate"
    is_sensitive: bool = False

    @property
    def number(self) -> int | None:
        """The code as most families write it; words are left out there."""
        return int(self.code) if self.code and self.code.isdecimal() else None


@dataclass(frozen=True)
class Refusal:
    """
    Refuses a creation, which then does not exist and costs nothing.

    Attributes:
        times: How many attempts are refused; None stands for every one.
        message: "" for the usual words of the code.
        status: The HTTP status; Kie.ai's is 200.
        is_page: Whether the answer is a page of HTML instead of an envelope.
    """

    code: int
    times: int | None
    message: str = ""
    status: int = 200
    is_page: bool = False


@dataclass(frozen=True)
class Fault:
    """Spoils an answer on its way: the first `times`, or every one."""

    kind: str
    code: int = 0
    times: int | None = None


@dataclass(frozen=True)
class Dial:
    """One row of the table: how it is written, what it does, and what it sets to which value."""

    written: str
    does: str
    pattern: str
    sets: str
    value: Callable[[re.Match[str]], Any]


def switch(name: str, does: str) -> Dial:
    """Make a dial that is on or off."""
    return Dial(f"[{name}]", does, re.escape(name), name, lambda _: True)


def amount(name: str, example: str, does: str) -> Dial:
    """Make a dial with a number, mostly of seconds."""
    return Dial(
        f"[{name} {example}]", does, f"{name} {NUMBER}", name, lambda found: float(found[1])
    )


def choice(name: str, words: Sequence[str], does: str) -> Dial:
    """Make a dial with one of several words."""
    written = " ".join(f"[{name} {word}]" for word in words)
    either = "|".join(re.escape(word) for word in words)
    return Dial(written, does, f"{name} ({either})", name, lambda found: found[1].lower())


def times_of(found: re.Match[str], usual: int | None = None) -> int | None:
    """Read `x3`, the last part of a dial."""
    last = found[found.re.groups]
    return int(last) if last else usual
