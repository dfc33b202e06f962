"""
What DynamoDB takes as a value, and how large it counts it.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Limits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and, for
numbers, HowItWorks.NamingRulesDataTypes.html beside it.
"""

from __future__ import annotations

import base64
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from moto.dynamodb.exceptions import MockValidationException, SerializationException

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ITEM_BYTES = 400 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 38
_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1
# The decimal exponents of the largest and the smallest magnitude.
_LARGEST, _SMALLEST = 125, -130
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

type AttributeValue = Mapping[str, Any]
type Item = Mapping[str, AttributeValue]


def item_size(item: Item) -> int:
    """Count an item's bytes: names and values."""
    return sum(text_size(name) + value_size(value) for name, value in item.items())


def value_size(value: AttributeValue) -> int:  # noqa: PLR0911 - one for each kind of value
    """Count a value's bytes, without its name."""
    [(kind, content)] = value.items()
    if kind in {"NULL", "BOOL"}:
        return 1
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return _binary_size(content)
    if kind in {"SS", "NS", "BS"}:
        return sum(value_size({kind[0]: element}) for element in content)
    if kind == "L":
        parts = [value_size(element) for element in content]
        return _CONTAINER_BYTES + sum(parts) + _ELEMENT_BYTES * len(parts)
    if kind == "M":
        return _CONTAINER_BYTES + item_size(content) + _ELEMENT_BYTES * len(content)
    return text_size(content)


def text_size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def check_item(item: Item) -> None:
    """
    Refuse what no item may hold.

    Raises:
        MockValidationException: A number, a set or the nesting is out of bounds.
        SerializationException: A text is not Unicode.

    """
    for name, value in item.items():
        check_text(name)
        check_value(value)


def check_value(value: AttributeValue, depth: int = 0) -> None:
    """Refuse a value, as `check_item` does; `depth` is how many lists and maps it lies in."""
    if len(value) != 1:
        raise MockValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
            if not value
            else "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    [(kind, content)] = value.items()
    if kind in {"L", "M"}:
        _check_container(kind, content, depth + 1)
    elif kind in {"SS", "NS", "BS"}:
        _check_set(kind, content)
    elif kind == "N":
        check_number(content)
    elif kind == "S":
        check_text(content)


def check_text(text: str) -> None:
    """
    Refuse half of a character: it has no bytes in UTF-8, the only encoding there is.

    The documentation names the encoding; that the answer is a SerializationException, as for all
    bodies that are not UTF-8, is what SDKs' users report.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise SerializationException("text is not valid UTF-8") from None


def check_number(text: str) -> None:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise MockValidationException(
            f"The parameter cannot be converted to a numeric value: {text}"
        )
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise MockValidationException("Number overflow. " + _MAGNITUDE.format("larger")) from None
    if number == 0:
        return
    if number.adjusted() > _LARGEST:
        raise MockValidationException("Number overflow. " + _MAGNITUDE.format("larger"))
    if number.adjusted() < _SMALLEST:
        raise MockValidationException("Number underflow. " + _MAGNITUDE.format("smaller"))
    if len(_significant(number)) > MAX_DIGITS:
        raise MockValidationException(
            f"Attempting to store more than {MAX_DIGITS} significant digits in a Number"
        )


_MAGNITUDE = "Attempting to store a number with magnitude {} than supported range"


def _check_container(kind: str, content: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MockValidationException(
            "One or more parameter values were invalid: "
            "Nesting Levels have exceeded supported limits"
        )
    elements: Iterable[AttributeValue] = content
    if kind == "M":
        for name in content:
            check_text(name)
        elements = content.values()
    for element in elements:
        check_value(element, depth)


def _check_set(kind: str, content: list[Any]) -> None:
    names = {"SS": "string", "NS": "number", "BS": "binary"}
    if not content:
        raise MockValidationException(
            f"One or more parameter values were invalid: An {names[kind]} set  may not be empty"
        )
    for element in content:
        check_value({kind[0]: element})
    distinct = {Decimal(element) for element in content} if kind == "NS" else set(content)
    if len(distinct) < len(content):
        shown = ", ".join(str(element) for element in content)
        raise MockValidationException(
            "One or more parameter values were invalid: "
            f"Input collection [{shown}] contains duplicates."
        )


def _significant(number: Decimal) -> str:
    digits = "".join(str(digit) for digit in number.as_tuple().digits)
    return digits.strip("0")


def _number_size(text: str) -> int:
    return (len(_significant(Decimal(text))) + 1) // 2 + 1


def _binary_size(content: Any) -> int:
    return len(content if isinstance(content, bytes) else base64.b64decode(content))
