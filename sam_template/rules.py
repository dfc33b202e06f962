"""The template's `Rules`: what parameters must be to each other, as CloudFormation checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def broken(rules: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    """
    Return which assertions do not hold, in their own words.

    The functions are those that the template uses, out of the few that rules may use:
    docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html.

    Args:
        rules: The template's `Rules`.
        values: The value of every parameter.

    """
    for rule in rules.values():
        if "RuleCondition" in rule and not _value(rule["RuleCondition"], values):
            continue
        for one in rule["Assertions"]:
            if not _value(one["Assert"], values):
                yield one["AssertDescription"]


def _value(expression: Any, values: Mapping[str, str]) -> Any:
    match expression:
        case {"Ref": name}:
            return values[name]
        case {"Fn::Equals": [left, right]}:
            return str(_value(left, values)) == str(_value(right, values))
        case {"Fn::Not": [one]}:
            return not _value(one, values)
        case {"Fn::Or": list(several)}:
            return any(_value(one, values) for one in several)
        case {"Fn::And": list(several)}:
            return all(_value(one, values) for one in several)
        case dict():
            raise ValueError(f"rules know no {', '.join(expression)}")
    return expression
