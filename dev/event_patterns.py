"""
Event patterns, as EventBridge's rules and the filters of event source mappings use them.

Operators: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
Of these, https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html lists what a
mapping may use. A value is compared as it is written in JSON; `exists` looks at leaves only.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_PATTERN_CHARACTERS = 4096
MAX_FILTERS = 5
LAMBDA_OPERATORS = frozenset(
    ("prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists")
)
RULE_OPERATORS = LAMBDA_OPERATORS | {"wildcard"}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda given, bound: given < bound,
    "<=": lambda given, bound: given <= bound,
    "=": lambda given, bound: given == bound,
    ">=": lambda given, bound: given >= bound,
    ">": lambda given, bound: given > bound,
}
_ABSENT = object()

type Pattern = Mapping[str, Any]


class PatternError(Exception):
    """A pattern that AWS would refuse, or that this machine would not evaluate."""


def read_filter(text: Any) -> Pattern:
    """
    Read one filter of an event source mapping of a DynamoDB stream.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html: what a table holds as a
    number is a text in a record, so numeric comparisons never match there; they are refused here.

    Raises:
        PatternError: Lambda would refuse it, or nothing could ever match it.

    """
    if not isinstance(text, str) or len(text) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"a pattern is a text of at most {MAX_PATTERN_CHARACTERS} characters")
    try:
        pattern = json.loads(text)
    except ValueError as exc:
        raise PatternError(f"{text} is not JSON") from exc
    check(pattern, LAMBDA_OPERATORS)
    for image in ("Keys", "NewImage", "OldImage"):
        inside = pattern.get("dynamodb", {})
        if isinstance(inside, dict) and '"numeric"' in json.dumps(inside.get(image)):
            raise PatternError("numeric never matches an attribute: numbers are texts in records")
    return pattern  # type: ignore[no-any-return]  # the check has looked


def check(pattern: Any, operators: frozenset[str] = RULE_OPERATORS) -> None:
    """
    Refuse what is no pattern.

    Raises:
        PatternError: With the place and the reason.

    """
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError("a pattern is an object with at least one field")
    for name, rule in pattern.items():
        if name == "$or":
            if not isinstance(rule, list) or len(rule) < 2:
                raise PatternError("$or takes a list of at least two patterns")
            for one in rule:
                check(one, operators)
        elif isinstance(rule, dict):
            check(rule, operators)
        elif not isinstance(rule, list) or not rule:
            raise PatternError(f"{name}: must be an object or a list that is not empty")
        else:
            for one in rule:
                _check_rule(name, one, operators)


def _check_rule(name: str, rule: Any, operators: frozenset[str]) -> None:
    if isinstance(rule, list):
        raise PatternError(f"{name}: a list within a list")
    if not isinstance(rule, dict):
        return
    if len(rule) != 1:
        raise PatternError(f"{name}: one operator in each object")
    [(operator, value)] = rule.items()
    if operator not in operators:
        raise PatternError(f"{name}: {operator} is not evaluated here")
    if not _OPERANDS.get(operator, _is_text)(value):
        raise PatternError(f"{name}: {operator} does not take {json.dumps(value)}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_scalar_or_list(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(one, (str, int, float)) for one in values)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in {2, 4}
        and all(sign in _COMPARISONS for sign in value[::2])
        and all(isinstance(bound, (int, float)) for bound in value[1::2])
    )


_OPERANDS: Mapping[str, Callable[[Any], bool]] = {
    "exists": _is_truth,
    "anything-but": _is_scalar_or_list,
    "numeric": _is_range,
}


def matches(pattern: Pattern, event: Any) -> bool:
    """Return whether an event has everything that a pattern asks for."""
    return all(_field_matches(name, rule, event) for name, rule in pattern.items())


def _field_matches(name: str, rule: Any, event: Any) -> bool:
    if name == "$or":
        return any(matches(one, event) for one in rule)
    found = event.get(name, _ABSENT) if isinstance(event, dict) else _ABSENT
    if isinstance(rule, dict):
        places = found if isinstance(found, list) else [found]
        return any(matches(rule, place) for place in places)
    values = found if isinstance(found, list) else [found]
    leaves = [one for one in values if one is not _ABSENT and not isinstance(one, dict)]
    return any(_rule_matches(one, leaves) for one in rule)


def _rule_matches(rule: Any, leaves: list[Any]) -> bool:
    if not isinstance(rule, dict):
        return any(_same(rule, leaf) for leaf in leaves)
    [(operator, value)] = rule.items()
    if operator == "exists":
        return bool(leaves) is value
    return any(_OPERATORS[operator](value, leaf) for leaf in leaves)


def _same(wanted: Any, given: Any) -> bool:
    # Python takes true for 1 and 1 for 1.0.
    return json.dumps(wanted) == json.dumps(given)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda wanted, given: isinstance(given, str) and test(wanted, given)


def _is_none_of(unwanted: Any, given: Any) -> bool:
    listed = unwanted if isinstance(unwanted, list) else [unwanted]
    return not any(_same(one, given) for one in listed)


def _in_range(bounds: list[Any], given: Any) -> bool:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return False
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return all(_COMPARISONS[sign](given, bound) for sign, bound in pairs)


def _fits_wildcard(wanted: str, given: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
    return re.fullmatch(pattern, given, re.DOTALL) is not None


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _text(lambda wanted, given: given.startswith(wanted)),
    "suffix": _text(lambda wanted, given: given.endswith(wanted)),
    "equals-ignore-case": _text(lambda wanted, given: given.lower() == wanted.lower()),
    "wildcard": _text(_fits_wildcard),
    "anything-but": _is_none_of,
    "numeric": _in_range,
}
