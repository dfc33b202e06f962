"""The models of the Market API, read from `models.csv`."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.inputs import BLUNT, STRICT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.inputs import Wording

_TABLE = Path(__file__).with_name("models.csv")
_MOST_RESULTS = 15


@dataclass(frozen=True)
class Model:
    """
    One row of the table.

    Attributes:
        kinds: What it is for, such as `text_to_image`.
        makes: What its tasks make: an `image`, a `video`, ... or one of Suno's things.
        per: What the credits pay for: a `task`, each `image` or each `second`.
        results: How many results a task makes when its input does not say.
        fields: Its input, as `inputs.py` reads it.

    """

    name: str
    kinds: tuple[str, ...]
    makes: str
    credits: float
    per: str
    results: int
    wording: Wording
    fields: str

    def result_count(self, given: Mapping[str, Any]) -> int:
        """Return how many results an input asks for; only pictures come in numbers."""
        if self.makes != "image":
            return self.results
        asked = next((given[n] for n in ("num_images", "max_images", "n") if given.get(n)), None)
        return min(_whole(asked, self.results), _MOST_RESULTS)

    def cost(self, given: Mapping[str, Any]) -> float:
        """Return how many credits an input costs."""
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
        kinds=tuple(row["kind"].split("/")),
        makes=row["makes"],
        credits=float(row["credits"]),
        per=row["per"],
        results=int(row["results"]),
        wording=STRICT if row["says"] == "422" else BLUNT,
        fields=row["fields"],
    )


def _whole(value: object, default: int) -> int:
    """Read a positive whole number that may be written as digits."""
    found = re.fullmatch(r"(\d{1,6})(?:\.\d+)?", str(value))
    return max(int(found[1]), 1) if found else default
