"""The models of the Market API, read from `models.csv`."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

type Kind = Literal["image", "video", "audio", "text"]

_TABLE = Path(__file__).with_name("models.csv")
_MOST_RESULTS = 15


@dataclass(frozen=True)
class Model:
    """
    One row of the table.

    Attributes:
        required_text: The input field that must hold text; "" when none has to.
        longest_text: Most characters that field may have.
        per: What the credits pay for: a `task`, each `image` or each `second`.
        results: How many files a task makes when its input does not say.

    """

    name: str
    kind: Kind
    required_text: str
    longest_text: int
    credits: float
    per: str
    results: int

    def result_count(self, given: Mapping[str, Any]) -> int:
        """Say how many files an input asks for; only pictures come in numbers."""
        if self.kind != "image":
            return 1
        asked = next((given[n] for n in ("num_images", "max_images", "n") if given.get(n)), None)
        return min(_whole(asked, self.results), _MOST_RESULTS)

    def cost(self, given: Mapping[str, Any]) -> float:
        """Say how many credits an input costs."""
        pieces = {"image": self.result_count(given), "second": seconds_asked(given)}
        return self.credits * pieces.get(self.per, 1)


def seconds_asked(given: Mapping[str, Any]) -> int:
    """Read `duration`, a number or digits, by family; 5 when it is missing."""
    return min(_whole(given.get("duration"), 5), 60)


@cache
def models() -> dict[str, Model]:
    """Read the table, by name."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["model"]: _model(row) for row in csv.DictReader(file)}


def _model(row: Mapping[str, str]) -> Model:
    return Model(
        name=row["model"],
        kind=cast("Kind", row["kind"]),
        required_text=row["required_text"],
        longest_text=int(row["longest_text"]),
        credits=float(row["credits"]),
        per=row["per"],
        results=int(row["results"]),
    )


def _whole(value: object, default: int) -> int:
    """Read a positive whole number that may be written as digits."""
    found = re.fullmatch(r"(\d{1,6})(?:\.\d+)?", str(value))
    return max(int(found[1]), 1) if found else default
