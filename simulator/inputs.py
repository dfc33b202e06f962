"""
Checks of what callers send.

Fields are written in one line, one word each: `name=type:least-most!`, where `!` says that the
field is required. Types: `text` (characters), `digits` (a number written as text), `link`, `links`
(how many), `int`, `number`, `flag`, `list` (how many), `object`, and `(a|b)`, `int(4|6)`,
`number(0|1)` for one of several values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_FIELD = re.compile(r"(\w+)=([a-z]*)(?::([\d.]*)-([\d.]*))?(?:\((.+)\))?(!?)")
_LINK = re.compile(r"(https?|oss|asset)://\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """One field of an input; `least` and `most` count what its type has to count."""

    name: str
    type: str
    least: float
    most: float
    allowed: tuple[str, ...]
    is_required: bool


@dataclass(frozen=True)
class Wording:
    """How an API refuses an input; models of one API do not all speak alike."""

    code: int
    required: str
    allowed: str
    long: str
    short: str
    kind: str
    required_prompt: str = ""

    def refusal(self, complaint: str, field: Field) -> RefusedError:
        """Write the refusal of a field."""
        usual: str = getattr(self, complaint)
        text = usual
        if complaint == "required" and field.name == "prompt":
            text = self.required_prompt or usual
        facts = {"name": field.name, "least": f"{field.least:g}", "most": f"{field.most:g}"}
        return RefusedError(self.code, text.format(**facts))

    def missing(self, name: str) -> RefusedError:
        """Write the refusal of a field that is missing because of another."""
        return RefusedError(self.code, self.required.format(name=name))


# Most of the Market's models, and those that speak otherwise.
BLUNT = Wording(
    code=500,
    required="{name} is required",
    allowed="{name} is not within the range of allowed options",
    long="The text length cannot exceed {most} characters",
    short="The text length cannot be below {least} characters",
    kind="{name} is not within the range of allowed options",
    required_prompt="This field is required",
)
STRICT = Wording(
    code=422,
    required="{name} cannot be empty",
    allowed="{name} is not within the range of allowed options",
    long="{name} must be <= {most} characters",
    short="{name} must be >= {least} characters",
    kind="{name} must be of another type",
)
POLITE = Wording(
    code=422,
    required="Please enter {name}.",
    allowed="{name} is not supported",
    long="{name} length cannot exceed {most}",
    short="{name} length cannot be below {least}",
    kind="{name} must be of another type",
)


@cache
def fields(written: str) -> tuple[Field, ...]:
    """Read a line of fields."""
    return tuple(_field(word) for word in written.split())


def check(given: Mapping[str, Any], written: str, wording: Wording) -> None:
    """
    Look at every field in its order; others pass, as they do at most of Kie.ai's models.

    Raises:
        RefusedError: The first field that is not in order.

    """
    for field in fields(written):
        complaint = next(_complaints(field, given.get(field.name)), None)
        if complaint:
            raise wording.refusal(complaint, field)


def without_callback(body: Mapping[str, Any]) -> dict[str, Any]:
    """Take the address for webhooks out of a body; the rest is the input."""
    return {key: value for key, value in body.items() if key != "callBackUrl"}


def checked(body: Mapping[str, Any], written: str, wording: Wording) -> dict[str, Any]:
    """
    Take the input out of a body, every field in order.

    Raises:
        RefusedError: The first field that is not in order.

    """
    given = without_callback(body)
    check(given, written, wording)
    return given


def texts_of(value: object) -> Iterator[str]:
    """Find the texts in an input, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


def links_of(value: object) -> Iterator[str]:
    """Find the links in an input, at any depth."""
    return (text for text in texts_of(value) if text.startswith(("http://", "https://")))


def _field(word: str) -> Field:
    found = _FIELD.fullmatch(word)
    if found is None:
        raise ValueError(f"no field: {word}")
    name, kind, least, most, allowed, bang = found.groups()
    return Field(
        name=name,
        type=kind or "choice",
        least=float(least or 0),
        most=float(most or "inf"),
        allowed=tuple(allowed.split("|")) if allowed else (),
        is_required=bool(bang),
    )


def _complaints(field: Field, value: Any) -> Iterator[str]:
    if value is None or value in ("", []) or (isinstance(value, str) and not value.strip()):
        if field.is_required:
            yield "required"
        return
    if not _fits(field, value):
        yield "required" if field.is_required and field.type == "text" else "kind"
    elif field.allowed and not _is_allowed(field, value):
        yield "allowed"
    elif (counted := _counted(field, value)) > field.most:
        yield "long" if field.type == "text" else "allowed"
    elif counted < field.least:
        yield "short" if field.type == "text" else "allowed"


def _fits(field: Field, value: Any) -> bool:
    """Compare types; numbers are not coerced, and a flag is no number."""
    return _TYPES[field.type](value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and _LINK.match(value) is not None


_TYPES: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "choice": _is_text,
    "digits": lambda value: re.fullmatch(r"\d+", str(value)) is not None,
    "link": _is_link,
    "links": lambda value: isinstance(value, list) and all(_is_link(one) for one in value),
    "int": lambda value: _is_number(value) and value == int(value),
    "number": _is_number,
    "flag": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _is_allowed(field: Field, value: Any) -> bool:
    if field.type == "choice":
        return value in field.allowed
    return value in {float(word) for word in field.allowed}


def _counted(field: Field, value: Any) -> float:
    if field.type in {"text", "links", "list"}:
        return len(value)
    return float(value) if field.type in {"int", "number", "digits"} else field.least
