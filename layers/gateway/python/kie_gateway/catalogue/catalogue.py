"""
The catalogue of models.

Facts come from Kie's documentation, its own list of models, recorded answers and public clients;
each entry says how sure they are (`confidence`). `scripts/refresh_catalogue.py` brings them up to
date. The file is read when a model is first asked for, so that importing this costs nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("models.json")
DOCS = "https://docs.kie.ai"


@dataclass(frozen=True)
class Model:
    """
    One model.

    Attributes:
        kind: What it makes: `image`, `video`, `audio`, `text`, or `data`: facts for programs.
        tasks: What it does, such as `text_to_image`; what it is mostly used for comes first.
        status: `current`, `retired`, or `unlisted`: not in Kie's own list any more.
        typical_seconds: Median time of a task.
        typical_source: `live`, `reported`, or `prior`: a guess by its class.
        confidence: `doc`, `live`, `many`, `one` or `inf`, as for the facts of its input.
        page: Path of its page in Kie's documentation, "" if none is known.
        credits: `text` as Kie writes the price, and `rule` for `estimate.py`.
        fill: Defaults of required fields, filled in for callers.
        aliases: Its other names, each with what it puts into the input.
        input: JSON Schema of the input.
        moved: Whether it had an endpoint of its own once, whose inputs were in camel case.
        minimum: Smallest width and height it delivers, None if nothing is known.
    """

    id: str
    title: str
    family: str
    kind: str
    tasks: tuple[str, ...]
    status: str
    typical_seconds: float
    typical_source: str
    confidence: str
    credits: Mapping[str, Any]
    input: Mapping[str, Any]
    page: str = ""
    fill: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    moved: bool = False
    minimum: tuple[int, int] | None = None

    @property
    def has_two_spellings(self) -> bool:
        """Whether Kie's two roads spell the fields of its input in two ways."""
        return self.moved or self.family != "market"

    @property
    def page_url(self) -> str | None:
        """Where Kie describes it."""
        return f"{DOCS}{self.page}" if self.page else None

    def properties(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Find the schemas of a field of the input: one, or one for each way to ask the model."""
        for schema in (self.input, *self.input.get("anyOf", ())):
            if name in schema.get("properties", {}):
                yield schema["properties"][name]

    def field_names(self) -> list[str]:
        """Return the names of the input's known fields."""
        schemas = (self.input, *self.input.get("anyOf", ()))
        return [name for schema in schemas for name in schema.get("properties", {})]


def find(model_id: str) -> Model | None:
    """
    Find a model by its id or another name of it.

    Market ids go to Kie as they are, in the right case; names of other families are our own.
    """
    known = _by_name()
    found = known.get(model_id)
    if found is None and (found := known.get(model_id.lower())) and found.family == "market":
        return None
    return found


def every() -> tuple[Model, ...]:
    """List all models, by id."""
    return _models()


def similar(model_id: str) -> list[str]:
    """List models whose ids look alike."""
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes pay for it

    return get_close_matches(model_id, [model.id for model in _models()], n=3)


def typical_seconds(model_id: str) -> float | None:
    """Return the median time of a model; None for an unknown one."""
    model = find(model_id)
    return model.typical_seconds if model is not None else None


@cache
def _models() -> tuple[Model, ...]:
    entries = json.loads(PATH.read_text(encoding="utf-8"))
    return tuple(_read(entry) for entry in entries)


def _read(entry: dict[str, Any]) -> Model:
    minimum = entry.pop("minimum", None)
    return Model(
        **{**entry, "tasks": tuple(entry["tasks"])},
        minimum=(minimum[0], minimum[1]) if minimum else None,
    )


@cache
def _by_name() -> dict[str, Model]:
    names = {model.id: model for model in _models()}
    for model in _models():
        for name, meant in model.aliases.items():
            named = replace(model, fill={**model.fill, **meant}) if meant else model
            names[name] = names[name.lower()] = named
    return names
