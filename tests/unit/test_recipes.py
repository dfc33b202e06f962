"""Recipes: those that are shipped, and what they make of params."""

import subprocess
import sys
from typing import Any

import jsonschema_rs
import pytest

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.read_input import read_input
from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import FilledRecipe, fill
from kie_gateway.recipes.recipe import Recipe
from tests.inputs import LINK
from tests.prompts import ANEW, CASES, FOLDER, params, prompts

RECIPES = recipes.every()
every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
PROMPTS = dict(prompts())
LATER = "{{outputs[0].url}}"


def known(name: str) -> Recipe:
    recipe = recipes.find(name)
    assert recipe is not None
    return recipe


def filled(name: str, **given: Any) -> FilledRecipe:
    return fill(known(name), given)


def inputs(made: FilledRecipe) -> list[tuple[str, dict[str, Any]]]:
    """Return every model with what it is sent."""
    others = [(model, made.input if sent is None else sent) for model, sent in made.fallback]
    return [(made.model, made.input), *others]


def faults(name: str, **given: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as refused:
        filled(name, **given)
    return {fault.pointer: fault.detail for fault in refused.value.faults}


def longest(schema: dict[str, Any]) -> Any:
    """Return the longest value that a parameter takes."""
    match schema:
        case {"enum": values}:
            return values[-1]
        case {"format": "uri"}:
            return LINK
        case {"type": "string", "maxLength": most}:
            return "長" * most
        case {"type": "array", "items": inner, "maxItems": most}:
            return [longest(inner)] * most
        case {"type": "integer", "maximum": most}:
            return most
        case _:
            assert schema["type"] == "boolean", schema
            return True


def test_the_recipes_are_listed_by_name() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert names == sorted(CASES)
    assert [known(name) for name in names] == list(RECIPES)


@pytest.mark.parametrize("name", ["", "Upscale", "../recipes/upscale", "upscale.yaml", "nothing"])
def test_what_is_no_name_of_a_recipe_finds_none(name: str) -> None:
    assert recipes.find(name) is None


def test_close_names_are_named() -> None:
    assert recipes.similar("extract-clothes")[0] == "extract-clothing"


@every_recipe
def test_a_recipe_can_be_understood(recipe: Recipe) -> None:
    assert jsonschema_rs.meta.is_valid(dict(recipe.params))
    assert recipe.description.endswith(".")
    for told in recipe.params["properties"].values():
        assert told["description"].endswith("."), told
    assert 1 <= len(recipe.fallback) <= 3


@every_recipe
def test_every_model_takes_the_example_in_every_language(recipe: Recipe) -> None:
    for language in ("en", "zh"):
        for model, sent in inputs(fill(recipe, {**recipe.example, "language": language})):
            assert read_input(model, sent, checked=True)


@every_recipe
def test_every_model_takes_the_longest_params(recipe: Recipe) -> None:
    given = {name: longest(schema) for name, schema in recipe.params["properties"].items()}
    for language in ("en", "zh"):
        for model, sent in inputs(fill(recipe, {**given, "language": language})):
            assert read_input(model, sent, checked=True)


@every_recipe
def test_models_make_pictures_and_none_is_retired(recipe: Recipe) -> None:
    for name in (recipe.model, *(other.model for other in recipe.fallback)):
        model = catalogue.find(name)
        assert model is not None
        assert (model.kind, model.status) == ("image", "current")


@every_recipe
def test_pictures_reach_every_model(recipe: Recipe) -> None:
    given = recipe.example
    links = [one for name, one in given.items() if name.endswith("_url")]
    links += [one for name, many in given.items() if name.endswith("_urls") for one in many]
    for _, sent in inputs(fill(recipe, given)):
        assert all(link in str(sent) for link in links)


# --- prompts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), PROMPTS.items(), ids=PROMPTS)
def test_a_prompt_is_as_its_file_says(name: str, text: str) -> None:
    path = FOLDER / name
    expected = path.read_text(encoding="utf-8") if path.exists() else None
    assert text == expected, f"changed on purpose? {ANEW}"


def test_no_file_is_left_of_a_prompt_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == PROMPTS.keys(), f"run {ANEW}"


@every_recipe
def test_both_languages_have_the_same_lines(recipe: Recipe) -> None:
    assert recipe.prompt is not None
    assert len(recipe.prompt["en"]) == len(recipe.prompt["zh"])
    for case in CASES[recipe.name]:
        counts = set()
        for language in ("en", "zh"):
            _, sent = inputs(fill(recipe, params(recipe, case, language)))[-1]
            counts.add(str(sent.get("prompt", "")).count("\n"))
        assert len(counts) == 1


def test_english_is_spoken_unless_another_language_is_asked_for() -> None:
    recipe = known("extract-clothing")
    english = fill(recipe, recipe.example)
    assert english == fill(recipe, {**recipe.example, "language": "en"})
    assert english != fill(recipe, {**recipe.example, "language": "zh"})


# --- what single recipes promise ----------------------------------------------------------------


def test_extracted_clothes_are_always_square() -> None:
    for _, sent in inputs(filled("extract-clothing", image_url=LINK)):
        assert sent["aspect_ratio"] == "1:1"
    assert set(faults("extract-clothing", image_url=LINK, aspect_ratio="3:4")) == {
        "/params/aspect_ratio"
    }


def test_an_outfit_is_upright() -> None:
    for _, sent in inputs(filled("outfit-from-description", image_urls=[LINK], description="red")):
        assert sent["aspect_ratio"] == "9:16"


@pytest.mark.parametrize(("shape", "ratio"), [("wide", "16:9"), ("square", "1:1")])
def test_a_cover_has_its_shape_and_2k(shape: str, ratio: str) -> None:
    for _, sent in inputs(filled("track-cover", title="x", shape=shape)):
        assert sent["aspect_ratio"] == ratio
        # Seedream 4.5 calls 2K basic.
        assert (sent.get("resolution"), sent.get("quality")) in (("2K", None), (None, "basic"))


def test_a_cover_needs_a_prompt_or_a_title() -> None:
    assert faults("track-cover", style="x") == {
        "/params": "required: at least one of prompt, title"
    }


def test_poses_start_again_after_the_last_one() -> None:
    given: dict[str, Any] = {"model_url": LINK, "clothes_urls": [LINK]}
    poses = [filled("change-outfit", **given, variation=index).input for index in range(13)]
    assert poses[:6] == poses[6:12]
    assert poses[0] == poses[12] == filled("change-outfit", **given).input
    assert len({pose["prompt"] for pose in poses}) == 6


def test_the_model_comes_before_the_clothes() -> None:
    made = filled("change-outfit", model_url="https://a.test/m", clothes_urls=["https://a.test/c"])
    assert made.input["image_input"] == ["https://a.test/m", "https://a.test/c"]


@pytest.mark.parametrize("factor", [2, 2.0, 4])
def test_a_factor_is_sent_as_the_text_that_the_model_lists(factor: float) -> None:
    made = filled("upscale", image_url=LINK, factor=factor)
    assert made.input["upscale_factor"] == str(int(factor))


# --- params -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (
            {},
            {
                "/params/image_urls": "required: a list. Links to 1 to 4 photos of one product,"
                " from different sides."
            },
        ),
        (
            {"image_urls": [LINK], "scenee": "x", "a/b": 1},
            {
                "/params/scenee": "unknown parameter; did you mean scene?",
                "/params/a~1b": "unknown parameter",
            },
        ),
        (
            {"image_urls": [LINK, 7], "scene": "", "setting": "moon", "language": "de"},
            {
                "/params/image_urls/1": "must be text",
                "/params/scene": "at least 1 characters",
                "/params/setting": "must be one of white, stone, wood, colour, outdoors, home",
                "/params/language": "must be one of en, zh",
            },
        ),
        (
            {"image_urls": [], "scene": "x" * 801},
            {
                "/params/image_urls": "at least 1 entry",
                "/params/scene": "at most 800 characters",
            },
        ),
        ({"image_urls": [LINK], "scene": None}, {"/params/scene": "must be text"}),
    ],
)
def test_every_fault_of_params_is_named(given: dict[str, Any], wrong: dict[str, str]) -> None:
    assert faults("product-shot", **given) == wrong


def test_bottomless_params_are_refused() -> None:
    bottomless: list[Any] = []
    for _ in range(300):
        bottomless = [bottomless]
    assert faults("product-shot", image_urls=bottomless) == {"/params": "nested too deeply"}


@pytest.mark.parametrize("link", [LATER, LINK, "data:image/png;base64,iVBORw0KGgo="])
def test_a_link_may_be_filled_in_later(link: str) -> None:
    assert filled("upscale", image_url=link).input["image_url"] == link


@pytest.mark.parametrize(
    "link", ["see {{outputs[0].url}}", "{{a}}{{b}}", "{{}}", "{image_url}", "{{a}} ", "a.png"]
)
def test_what_is_not_one_placeholder_is_no_link(link: str) -> None:
    assert set(faults("upscale", image_url=link)) == {"/params/image_url"}


@pytest.mark.parametrize(
    "text", ["{pose}", "{filled_prompt}", "{{input.prompt}}", "{image_url", r"\1 \g<0> {0}"]
)
def test_what_a_caller_writes_is_never_read_as_the_recipes_own(text: str) -> None:
    for _, sent in inputs(filled("change-pose", image_url=LINK, pose=text)):
        assert f"New pose: {text}\n" in sent["prompt"]


def test_nobody_pays_for_the_files_or_their_readers_before_they_are_needed() -> None:
    code = (
        "import sys; from kie_gateway.recipes import recipes, fill;"
        " assert not {'yaml', 'jsonschema_rs', 'kie_gateway.recipes.read'} & set(sys.modules);"
        " fill.fill(recipes.find('upscale'), {'image_url': 'https://a.test/b'});"
        " assert recipes._read.cache_info().currsize == 1;"
        " assert {'yaml', 'jsonschema_rs'} <= set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=recipes.FOLDER.parent)
