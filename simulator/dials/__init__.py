"""Dials: words in square brackets inside a prompt that make the simulator misbehave."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.dials import asking, creating, ending, files, reporting, uploads, webhooks
from simulator.dials.kinds import Dial, Failure, Fault, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
# A dial that holds for one model only.
_OF_MODEL = re.compile(r"([\w./-]+): (.+)")

__all__ = ["DIALS", "GROUPS", "Dials", "Failure", "Fault", "Refusal", "read_dials"]

GROUPS: tuple[tuple[str, tuple[Dial, ...]], ...] = (
    ("Creations", creating.DIALS),
    ("Tasks", ending.DIALS),
    ("Questions", asking.DIALS),
    ("Records and webhooks", reporting.DIALS),
    ("Webhooks", webhooks.DIALS),
    ("Files", files.DIALS),
    ("Uploads", uploads.DIALS),
)
DIALS = tuple(dial for _, dials in GROUPS for dial in dials)
_NAMES = frozenset(dial.sets for dial in DIALS)
_PATTERNS = tuple((re.compile(dial.pattern, re.IGNORECASE), dial) for dial in DIALS)


@dataclass(frozen=True)
class Dials:
    """What a prompt asks for; without any, Kie.ai behaves."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Return whether a switch is on."""
        return bool(self._value(name))

    def number(self, name: str) -> float:
        """Return a dial's number; 0 if it is not there."""
        return float(self._value(name) or 0.0)

    def word(self, name: str) -> str:
        """Return a dial's word; "" if it is not there."""
        return str(self._value(name) or "")

    def has(self, name: str) -> bool:
        return self._value(name) is not None

    @property
    def failure(self) -> Failure | None:
        found: Failure | None = self._value("failure")
        return found

    @property
    def refusal(self) -> Refusal | None:
        found: Refusal | None = self._value("refusal")
        return found

    def fault(self, name: str) -> Fault | None:
        found: Fault | None = self._value(name)
        return found

    def _value(self, name: str) -> Any:
        if name not in _NAMES:
            raise KeyError(name)
        return self.values.get(name)


def read_dials(text: str, model: str = "") -> Dials:
    """Find the dials in a text for a model; other words in brackets are plain text."""
    return Dials(dict(_found(text, model)))


def passed_on(text: str) -> str:
    """Write the dials that a text has for tasks made from its own."""
    found = (re.fullmatch("then (.+)", words.strip(), re.IGNORECASE) for words in _written(text))
    return " ".join(f"[{match[1]}]" for match in found if match)


def dials_text() -> str:
    """Write the table for a terminal."""
    return "\n".join(line for name, dials in GROUPS for line in ("", name, *_lines(dials)))[1:]


def _lines(dials: tuple[Dial, ...]) -> Iterator[str]:
    for dial in dials:
        yield f"  {dial.written}"
        yield f"      {dial.does}"


def _written(text: str) -> Iterator[str]:
    yield from _BRACKETS.findall(text)


def _found(text: str, model: str) -> Iterator[tuple[str, Any]]:
    for written in _written(text):
        words = written.strip()
        of_model = _OF_MODEL.fullmatch(words)
        if of_model is not None:
            words = of_model[2] if of_model[1] == model else ""
        for pattern, dial in _PATTERNS:
            match = pattern.fullmatch(words)
            if match:
                yield dial.sets, dial.value(match)
