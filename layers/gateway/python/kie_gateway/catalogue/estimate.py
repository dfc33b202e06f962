"""
What a task will cost, in credits, judged by its input.

A rule has an `amount`, or a table of amounts by a field of the input (tables may be nested), which
counts once for each task, second, image or thousand characters (`per`), doubles with a switch
(`double_if`), and grows with input images beyond the first (`plus_per_input_image`).
"""

from collections.abc import Mapping
from typing import Any

from kie_gateway.catalogue.catalogue import Model

_COUNT_FIELDS = ("n", "num_images", "max_images", "nVariants")
_TEXT_FIELDS = ("text", "prompt")
_IMAGE_FIELDS = ("image_urls", "input_urls", "image_input")


def estimate(model: Model, given: Mapping[str, Any]) -> float | None:
    """Estimate the credits of a task; None where no price is known or the input is unusual."""
    rule = model.credits.get("rule")
    if rule is None:
        return None
    amount = _amount(rule["amount"], model, given)
    if amount is None:
        return None
    count = _count(rule.get("per", "task"), model, given)
    if count is None:
        return None
    if "double_if" in rule and _value(model, given, rule["double_if"]) is True:
        count *= 2
    extra = 0.0
    if "plus_per_input_image" in rule:
        images: Any = next((given[name] for name in _IMAGE_FIELDS if name in given), [])
        extra = rule["plus_per_input_image"] * max(len(images) - 1, 0)
    return round(amount * count + extra, 4)


def _amount(amount: Any, model: Model, given: Mapping[str, Any]) -> float | None:
    while isinstance(amount, Mapping):
        value = _value(model, given, amount["field"])
        name = str(value).lower() if isinstance(value, bool) else str(value)
        amount = amount["values"].get(name)
    return None if amount is None else float(amount)


def _count(per: str, model: Model, given: Mapping[str, Any]) -> float | None:
    match per:
        case "second":
            return _number(_value(model, given, "duration"), 5.0)
        case "image":
            asked = (_value(model, given, name) for name in _COUNT_FIELDS)
            return _number(next((value for value in asked if value is not None), None), 1.0)
        case "kchar":
            texts = [given[name] for name in _TEXT_FIELDS if isinstance(given.get(name), str)]
            turns = given.get("dialogue")
            if isinstance(turns, list):
                texts += [str(turn.get("text", "")) for turn in turns if isinstance(turn, Mapping)]
            return sum(map(len, texts)) / 1000
        case _:
            return 1.0


def _number(value: Any, default: float) -> float | None:
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 else None


def _value(model: Model, given: Mapping[str, Any], name: str) -> Any:
    """Read a field of the input, or else its default."""
    if name in given:
        return given[name]
    for schema in (model.input, *model.input.get("anyOf", ())):
        default = schema.get("properties", {}).get(name, {})
        if "default" in default:
            return default["default"]
        if default.get("type") == "boolean":
            return False
        if "enum" in default:
            # What Kie takes without a word is mostly its first value.
            return default["enum"][0]
    return None
