"""
What a task will cost, in credits, judged by its input.

A rule is an object; `amount` is all it needs:

- `amount`: credits, or a table of them by a field: `{field, values, default}`; may be nested.
  `default` is the field's value where it is left out and its schema names no default.
- `per`: the field that says how often the amount counts, such as `duration` or `num_images`, and
  `count`: how often if it says nothing. `kchar`: for each thousand characters of the field `of`.
- `double_if`: a switch that doubles it.
- `plus`: `each` for every entry of the list `field` beyond the first `free` ones.
- `if_given`: by field, another rule that holds if the field is given; null if no price is known.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kie_gateway.catalogue.catalogue import Model
from kie_gateway.core.credits.reservation import as_credits

# No task makes more pictures or seconds; such an input was not checked.
_MOST = 100_000


def estimate(model: Model, given: Mapping[str, Any]) -> Decimal | None:
    """Estimate the credits of a task; None where no price is known for such an input."""
    cost = _cost(model.credits["rule"], model, given)
    return None if cost is None else as_credits(cost)


def _cost(rule: Mapping[str, Any] | None, model: Model, given: Mapping[str, Any]) -> float | None:
    if rule is None:
        return None
    for name, other in rule.get("if_given", {}).items():
        if given.get(name):
            return _cost(other, model, given)
    amount = _amount(rule["amount"], model, given)
    count = _count(rule, model, given)
    if amount is None or count is None:
        return None
    if "double_if" in rule and _value(model, given, rule["double_if"]) is True:
        count *= 2
    return amount * count + _extra(rule.get("plus"), given)


def _amount(amount: Any, model: Model, given: Mapping[str, Any]) -> float | None:
    while isinstance(amount, Mapping):
        value = _value(model, given, amount["field"], amount.get("default"))
        name = str(value).lower() if isinstance(value, bool) else str(value)
        amount = amount["values"].get(name)
    return None if amount is None else float(amount)


def _count(rule: Mapping[str, Any], model: Model, given: Mapping[str, Any]) -> float | None:
    per = rule.get("per")
    if per is None:
        return 1.0
    if per == "kchar":
        return _characters(given.get(rule["of"])) / 1000
    # Kie's own words for "as usual" are 0 and -1.
    usual: float | None = rule.get("count")
    try:
        count = float(_value(model, given, per, default=0))
    except (TypeError, ValueError):
        return None
    if count <= 0:
        return usual
    return count if count <= _MOST else None


def _characters(text: Any) -> int:
    """Count characters, also those of a dialogue's turns."""
    turns = text if isinstance(text, list) else [{"text": text}]
    return sum(len(str(turn.get("text") or "")) for turn in turns if isinstance(turn, Mapping))


def _extra(plus: Mapping[str, Any] | None, given: Mapping[str, Any]) -> float:
    entries = given.get(plus["field"]) if plus else None
    if plus is None or not isinstance(entries, list):
        return 0.0
    extra: float = plus["each"] * max(len(entries) - plus["free"], 0)
    return extra


def _value(model: Model, given: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Read a field of the input, or else its default; a switch is off by default."""
    if given.get(name) is not None:
        return given[name]
    for schema in model.properties(name):
        if "default" in schema:
            return schema["default"]
        if schema.get("type") == "boolean":
            return False
    return default
