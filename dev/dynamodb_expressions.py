"""
What DynamoDB refuses in an expression before it looks at any item.

Limits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
(expression parameters). Reserved words: ReservedWords.html beside it, of which moto keeps the list.
Placeholders: Expressions.ExpressionAttributeNames.html and ...Values.html.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from dev.dynamodb_values import text_size, value_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
MAX_BYTES = 4096
MAX_OPERATORS = 300
MAX_IN_OPERANDS = 100
MAX_PLACEHOLDER_BYTES = 255
MAX_SUBSTITUTION_BYTES = 2 * 1024 * 1024

_TOKEN = re.compile(r"\s*([#:]?[A-Za-z0-9_]+|<>|<=|>=|[=<>()\[\].,+-]|\S)")
_CONDITION_WORDS = frozenset(("AND", "OR", "NOT", "IN", "BETWEEN"))
_CLAUSES = frozenset(("SET", "REMOVE", "ADD", "DELETE"))
_CONDITION_FUNCTIONS = frozenset(
    (
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
    )
)
_UPDATE_FUNCTIONS = frozenset(("if_not_exists", "list_append"))
_COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))

type Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Expression:
    """One expression of a request; `kind` is the parameter that it stands in."""

    kind: str
    text: str

    @property
    def parts(self) -> list[str]:
        return _TOKEN.findall(self.text)

    def refuse(self, why: str) -> MockValidationException:
        return MockValidationException(f"Invalid {self.kind}: {why}")

    @property
    def words(self) -> frozenset[str]:
        """Return the words that are no attributes here."""
        if self.kind == "ProjectionExpression":
            return frozenset()
        return _CLAUSES if self.kind == "UpdateExpression" else _CONDITION_WORDS


def check_expressions(request: Mapping[str, Any]) -> None:
    """
    Refuse the expressions of a request, or of one action of a transaction.

    Raises:
        MockValidationException: With DynamoDB's words.

    """
    found = [
        Expression(kind, request[kind]) for kind in EXPRESSIONS if request.get(kind) is not None
    ]
    names = request.get("ExpressionAttributeNames")
    values = request.get("ExpressionAttributeValues")
    _check_placeholders(found, names, values)
    for expression in found:
        _check_limits(expression)
        _check_names(expression, names or {}, values or {})
        if expression.kind in {"UpdateExpression", "ProjectionExpression"}:
            _check_overlaps(expression, names or {})
    _check_all_used(found, "Names", names)
    _check_all_used(found, "Values", values)


def _check_placeholders(found: list[Expression], names: Any, values: Any) -> None:
    for what, given in (("Names", names), ("Values", values)):
        parameter = f"ExpressionAttribute{what}"
        if given is None:
            continue
        if not found:
            raise MockValidationException(
                f"{parameter} can only be specified when using expressions"
            )
        if not given:
            raise MockValidationException(f"{parameter} must not be empty")
        for key in given:
            if text_size(key) > MAX_PLACEHOLDER_BYTES:
                raise MockValidationException(f"{parameter} contains invalid key: {key[:80]}")
    substituted = sum(text_size(key) + text_size(name) for key, name in (names or {}).items())
    substituted += sum(text_size(key) + value_size(value) for key, value in (values or {}).items())
    if substituted > MAX_SUBSTITUTION_BYTES:
        raise MockValidationException("ExpressionAttributeValues exceeds max size")


def _check_limits(expression: Expression) -> None:
    if not expression.text.strip():
        raise expression.refuse("The expression can not be empty;")
    size = text_size(expression.text)
    if size > MAX_BYTES:
        raise expression.refuse(
            f"Expression size has exceeded the maximum allowed size; expression size: {size}"
        )
    operators = _count_operators(expression)
    if operators > MAX_OPERATORS:
        raise expression.refuse(
            f"The expression contains too many operators; operator count: {operators}"
        )
    for operands in _in_operands(expression.parts):
        if operands > MAX_IN_OPERANDS:
            raise expression.refuse(
                "The IN operator is provided with too many operands; "
                f"number of operands: {operands}"
            )


def _count_operators(expression: Expression) -> int:
    """Count operators and functions: `SET a = :b + :c + :d` has two."""
    parts = expression.parts
    functions = _UPDATE_FUNCTIONS | _CONDITION_FUNCTIONS
    count = sum(part in functions and after == "(" for part, after in itertools.pairwise(parts))
    if expression.kind == "UpdateExpression":
        return count + sum(part in {"+", "-"} for part in parts)
    upper = [part.upper() for part in parts]
    count += sum(part in _COMPARATORS or part in _CONDITION_WORDS for part in upper)
    # The AND of a BETWEEN is a part of it.
    return count - upper.count("BETWEEN")


def _in_operands(parts: list[str]) -> Iterator[int]:
    for start, part in enumerate(parts):
        if part.upper() == "IN" and parts[start + 1 : start + 2] == ["("]:
            end = parts.index(")", start) if ")" in parts[start:] else len(parts)
            yield parts[start:end].count(",") + 1


def _check_names(
    expression: Expression, names: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    parts = expression.parts
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if part.startswith("#") and part not in names:
            raise expression.refuse(
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {part}"
            )
        if part.startswith(":") and part not in values:
            raise expression.refuse(
                "An expression attribute value used in expression is not defined; "
                f"attribute value: {part}"
            )
        if re.fullmatch(r"[A-Za-z_]\w*", part):
            _check_word(expression, before, part, after)


def _check_word(expression: Expression, before: str, part: str, after: str) -> None:
    if before != "." and part.upper() in expression.words:
        return
    if before != "." and after == "(":
        known = _CONDITION_FUNCTIONS
        if expression.kind == "UpdateExpression":
            known = _UPDATE_FUNCTIONS
        if part not in known:
            raise expression.refuse(f"Invalid function name; function: {part}")
    elif part.upper() in ReservedKeywords.get_reserved_keywords():
        raise expression.refuse(f"Attribute name is a reserved keyword; reserved keyword: {part}")


def _check_all_used(found: list[Expression], what: str, given: Mapping[str, Any] | None) -> None:
    used = {part for expression in found for part in expression.parts}
    unused = [key for key in given or {} if key not in used]
    if unused:
        raise MockValidationException(
            f"Value provided in ExpressionAttribute{what} unused in expressions: "
            f"keys: {{{', '.join(unused)}}}"
        )


def _check_overlaps(expression: Expression, names: Mapping[str, str]) -> None:
    seen: list[Path] = []
    for path in _targets(expression, names):
        for other in seen:
            shorter = min(len(path), len(other))
            if path[:shorter] == other[:shorter]:
                raise expression.refuse(
                    "Two document paths overlap with each other; must remove or rewrite one of "
                    f"these paths; path one: {_shown(other)}, path two: {_shown(path)}"
                )
        seen.append(path)


def _targets(expression: Expression, names: Mapping[str, str]) -> Iterator[Path]:
    """Return the paths that an expression writes to, or projects."""
    depth = 0
    segment: list[str] = []
    for before, part in zip(["", *expression.parts], [*expression.parts, ","], strict=True):
        depth += (part == "(") - (part == ")")
        clause = part.upper() in expression.words and before != "."
        if depth == 0 and (part == "," or clause):
            if segment:
                yield _leading_path(segment, names)
            segment = []
        else:
            segment.append(part)


def _leading_path(parts: list[str], names: Mapping[str, str]) -> Path:
    """Read the path at the beginning, such as `a.#b[1]`."""
    path: list[str | int] = [names.get(parts[0], parts[0])]
    rest = iter(parts[1:])
    for part in rest:
        if part not in {".", "["}:
            break
        element = next(rest, "")
        if part == "[":
            path.append(int(element) if element.isdecimal() else element)
            next(rest, None)
        else:
            path.append(names.get(element, element))
    return tuple(path)


def _shown(path: Path) -> str:
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"
