"""The page on recipes: its example is a recipe, and makes the prompt that stands below it."""

import re
from pathlib import Path

from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import fill
from kie_gateway.recipes.read import read
from scripts.check_recipes import mistakes
from tests.docs.documents import ROOT

PAGE = (ROOT / "docs" / "recipes.md").read_text()


def block(language: str) -> str:
    """Return the first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_is_a_sound_recipe_that_makes_what_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "postcard.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    assert list(mistakes(tmp_path)) == []
    recipe = read(path)
    assert fill(recipe, recipe.example).input["prompt"] == block("text").strip()


def test_every_recipe_is_listed() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| ", PAGE.split("## Add your own")[0], re.MULTILINE)
    assert sorted(listed) == [recipe.name for recipe in recipes.every()]
