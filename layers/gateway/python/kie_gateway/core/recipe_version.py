"""By which recipe a task was made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecipeVersion:
    """A recipe, and the version of it that chose model and input."""

    name: str
    version: int
