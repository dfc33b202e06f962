"""A recipe, as its file describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What an entry of a prompt or a value of an input is in a file (docs/recipes.md).
type Template = Any


@dataclass(frozen=True)
class Alternative:
    """
    Another model that does the same.

    Attributes:
        input: Template of its input; None if it takes the recipe's own.
        in_catalogue: Whether the catalogue is to know the model.
    """

    model: str
    input: Mapping[str, Template] | None
    in_catalogue: bool = True


@dataclass(frozen=True)
class Recipe:
    """
    A recipe.

    Attributes:
        version: Changed by its author whenever the same params would lead to another input.
        fallback: Models to try one after the other if the first one cannot be had.
        params: JSON Schema of what a caller gives.
        example: Params that are complete.
        input: Template of the model's input.
        prompt: Lines of the prompt by language; None for models that take none.
        in_catalogue: Whether the catalogue is to know the model.
    """

    name: str
    version: int
    title: str
    description: str
    model: str
    fallback: tuple[Alternative, ...]
    params: Mapping[str, Any]
    example: Mapping[str, Any]
    input: Mapping[str, Template]
    prompt: Mapping[str, Sequence[Template]] | None = None
    in_catalogue: bool = True
