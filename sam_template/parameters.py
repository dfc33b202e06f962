"""Template parameters: the values given, checked as CloudFormation would check them."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from sam_template import rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sam_template.template import Template


# The template's parameter for the secret with Kie.ai's keys, which is no part of the stack.
KIE_SECRET = "KieSecret"  # noqa: S105 - a name
_NOT_MADE_YET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:not-made-yet"


class ParameterError(Exception):
    """A parameter that does not exist, has no value, or has one that is not allowed."""


def stand_in(declared: Mapping[str, object]) -> dict[str, str]:
    """Return the secret's ARN a value until somebody has made one."""
    return {KIE_SECRET: _NOT_MADE_YET} if KIE_SECRET in declared else {}


def parse_overrides(text: str) -> dict[str, str]:
    """Read `Name=Value Other='a b'`, the syntax of `sam deploy --parameter-overrides`."""
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise ParameterError(f"cannot be read ({exc}): write Name=Value Other='a b'") from exc
    return dict(_pair(word) for word in words)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise ParameterError(f"{word!r} is not of the form Name=Value")
    return name, value


def resolve(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, str]:
    """
    Return a value for every declared parameter.

    Args:
        declared: The template's `Parameters`.
        given: Values that take the place of the template's defaults.

    Raises:
        ParameterError: Naming the parameter, what is wrong with it, and the valid names.

    """
    try:
        _refuse_unknown(declared, given)
        return {name: _checked(name, rules, given) for name, rules in declared.items()}
    except ParameterError as exc:
        raise ParameterError(f"{exc}; parameters are {', '.join(sorted(declared))}") from None


def resolve_all(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """
    Return a value for every parameter of a template, as far as its rules allow it.

    Raises:
        ParameterError: As `resolve`, or a rule of the template does not hold.

    """
    values = resolve(template.parameters, {**stand_in(template.parameters), **given})
    for words in rules.broken(template.document.get("Rules", {}), values):
        raise ParameterError(words)
    return values


def _refuse_unknown(declared: Mapping[str, object], given: Mapping[str, str]) -> None:
    if unknown := sorted(set(given) - set(declared)):
        raise ParameterError(f"unknown parameter {', '.join(unknown)}")


def _checked(name: str, rules: Mapping[str, Any], given: Mapping[str, str]) -> str:
    value = given.get(name, rules.get("Default"))
    if value is None:
        raise ParameterError(f"{name} needs a value")
    text = str(value)
    if problem := _problem(text, rules):
        shown = name if rules.get("NoEcho") else f"{name}={text}"
        raise ParameterError(f"{shown} {rules.get('ConstraintDescription') or problem}")
    return text


def _problem(text: str, rules: Mapping[str, Any]) -> str | None:
    if allowed := rules.get("AllowedValues"):
        return None if text in map(str, allowed) else f"must be one of {allowed}"
    if (pattern := rules.get("AllowedPattern")) and not re.fullmatch(pattern, text):
        return f"must match {pattern}"
    if rules.get("Type") == "Number":
        return _number_problem(text, rules)
    return _bound_problem(len(text), rules.get("MinLength"), rules.get("MaxLength"), " characters")


def _number_problem(text: str, rules: Mapping[str, Any]) -> str | None:
    try:
        number = float(text)
    except ValueError:
        return "must be a number"
    return _bound_problem(number, rules.get("MinValue"), rules.get("MaxValue"), "")


def _bound_problem(size: float, low: Any, high: Any, unit: str) -> str | None:
    if low is not None and size < float(low):
        return f"must be at least {low}{unit}"
    if high is not None and size > float(high):
        return f"must be at most {high}{unit}"
    return None
