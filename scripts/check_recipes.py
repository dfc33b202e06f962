"""
Check the recipes: each file by itself, and whether its models take what it makes.

`make check` and `make build` call it, so that no mistake in a file is deployed.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.read_input import read_input
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import fill
from kie_gateway.recipes.read import read
from kie_gateway.recipes.recipe import Alternative, Recipe


def mistakes(folder: Path) -> Iterator[str]:
    """Name every mistake in the recipes of a folder, with file and field."""
    for path in sorted(folder.iterdir()):
        if path.suffix != ".yaml":
            yield f"{path.name}: recipes are files that end in .yaml"
            continue
        try:
            recipe = read(path)
        except ConfigurationError as error:
            yield from str(error).splitlines()
        else:
            yield from (f"{path.name}: {words}" for words in _mistakes_of_models(recipe))


def _mistakes_of_models(recipe: Recipe) -> Iterator[str]:
    places: list[tuple[str, Recipe | Alternative]] = [("", recipe)]
    places += [(f"/fallback/{index}", other) for index, other in enumerate(recipe.fallback)]
    seen = set[str]()
    for place, one in places:
        if one.model in seen:
            yield f"{place}/model: {one.model} is there twice"
        seen.add(one.model)
        if one.in_catalogue and catalogue.find(one.model) is None:
            close = catalogue.similar(one.model)
            meant = f"; did you mean {' or '.join(close)}?" if close else "."
            hint = "If it is too new for it, write in_catalogue: false"
            yield f"{place}/model: not in the catalogue{meant} {hint}"
    yield from _mistakes_of_inputs(recipe)


def _mistakes_of_inputs(recipe: Recipe) -> Iterator[str]:
    """Name what the models do not take of the example, in each language."""
    languages = ("en", "zh") if recipe.prompt is not None else (None,)
    for language in languages:
        chosen = {} if language is None else {"language": language}
        filled = fill(recipe, {**recipe.example, **chosen})
        inputs = [(filled.model, "", filled.input)] + [
            (model, f"/fallback/{index}", filled.input if task_input is None else task_input)
            for index, (model, task_input) in enumerate(filled.fallback)
        ]
        for model, place, task_input in inputs:
            try:
                read_input(model, task_input, checked=True)
            except InvalidRequestError as error:
                for fault in error.faults:
                    yield f"{place}{fault.pointer}: {model} with the example: {fault.detail}"


if __name__ == "__main__":
    found = list(mistakes(recipes.FOLDER))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
