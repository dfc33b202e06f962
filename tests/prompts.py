"""
The filled prompts of all recipes, as files to read and to compare.

`PYTHONPATH=layers/gateway/python .venv/bin/python -m tests.prompts` writes them anew, for when a
prompt was changed on purpose; its recipe then gets another version.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import fill
from kie_gateway.recipes.recipe import Recipe

FOLDER = Path(__file__).parent / "words" / "prompts"
ANEW = "PYTHONPATH=layers/gateway/python .venv/bin/python -m tests.prompts"
# By recipe: names of cases with what they change about the example; None takes a parameter away.
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "change-outfit": {f"variation-{index}": {"variation": index} for index in range(6)},
    "change-pose": {
        **{
            pose: {"pose": pose}
            for pose in ("standing", "walking", "sitting", "leaning", "turning", "jumping")
        },
        "from-behind": {"pose": "from_behind"},
        "own-words": {"pose": "on tiptoe, reaching for a book on the top shelf"},
    },
    "extract-clothing": {
        "plain": {"recommend_matching": False},
        "recommend-matching": {},
        "tops-only": {"recommend_matching": False, "tops_only": True},
    },
    "outfit-from-description": {
        "plain": {},
        "mask-hint": {"mask_hint": "from the waist down"},
        "tops-only": {"tops_only": True},
    },
    "product-shot": {
        **{
            setting: {"setting": setting}
            for setting in ("white", "stone", "wood", "colour", "outdoors", "home")
        },
        "scene": {"scene": "On a tatami mat beside a bowl of matcha, seen from above."},
    },
    "remove-background": {"plain": {}},
    "track-cover": {
        "wide": {},
        "title-only": {"prompt": None, "style": None, "shape": "square"},
        "prompt-only": {"title": None, "style": None, "shape": "square"},
    },
    "upscale": {"plain": {}},
}


def params(recipe: Recipe, case: str, language: str) -> dict[str, Any]:
    """Return the params of a case."""
    changed = {**recipe.example, **CASES[recipe.name][case], "language": language}
    return {name: value for name, value in changed.items() if value is not None}


def prompts() -> Iterator[tuple[str, str]]:
    """Fill every recipe for every case and language; gives file names and what belongs there."""
    for recipe in recipes.every():
        for case in CASES[recipe.name]:
            for language in ("en", "zh"):
                yield f"{recipe.name}.{case}.{language}.txt", _prompt(recipe, case, language) + "\n"


def _prompt(recipe: Recipe, case: str, language: str) -> str:
    """Return the prompt of the first model that takes one."""
    filled = fill(recipe, params(recipe, case, language))
    inputs = (filled.input, *(other or {} for _, other in filled.fallback))
    return next(str(one["prompt"]) for one in inputs if "prompt" in one)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, text in prompts():
        (FOLDER / name).write_text(text, encoding="utf-8")
