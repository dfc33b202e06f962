"""
The recipes of this deployment: the files in the folder `recipes`, next to the package.

A file is read when its recipe is first asked for, so that importing this costs nothing.
"""

from functools import cache
from pathlib import Path

from kie_gateway.recipes.recipe import Recipe

FOLDER = Path(__file__).parents[2] / "recipes"


def every() -> tuple[Recipe, ...]:
    """List all recipes, by name. Raises ConfigurationError: a file is wrong."""
    return tuple(_read(name) for name in _names())


def find(name: str) -> Recipe | None:
    """Find a recipe by its name. Raises ConfigurationError: its file is wrong."""
    return _read(name) if name in _names() else None


def similar(name: str) -> list[str]:
    """List the names of recipes that look alike."""
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes pay for it

    return get_close_matches(name, _names(), n=3)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def _read(name: str) -> Recipe:
    from kie_gateway.recipes.read import read  # noqa: PLC0415 - see above

    return read(FOLDER / f"{name}.yaml")
