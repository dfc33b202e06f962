"""Read a recipe's file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.recipes.check import check, params_schema
from kie_gateway.recipes.recipe import Alternative, Recipe
from kie_gateway.recipes.yaml_text import read_yaml


def read(path: Path) -> Recipe:
    """Read a recipe. Raises ConfigurationError, which names the file and every wrong field."""
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except (ConfigurationError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    if found := check(content, path.stem):
        lines = [f"{path.name}: {fault.pointer or '/'}: {fault.detail}" for fault in found]
        raise ConfigurationError("\n".join(lines))
    return _recipe(content)


def _recipe(content: Mapping[str, Any]) -> Recipe:
    others = [
        Alternative(other["model"], other.get("input"), other.get("in_catalogue", True))
        for other in content.get("fallback", ())
    ]
    return Recipe(
        name=content["name"],
        version=content["version"],
        title=content["title"],
        description=content["description"],
        model=content["model"],
        fallback=tuple(others),
        params=params_schema(content),
        example=content["example"],
        input=content["input"],
        prompt=content.get("prompt"),
        in_catalogue=content.get("in_catalogue", True),
    )
