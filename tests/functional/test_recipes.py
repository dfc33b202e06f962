"""Recipes: each is run once, in both languages, and may take the place of a model anywhere."""

from typing import Any

import pytest

from kie_gateway.recipes import recipes
from tests.functional.story import Story
from tests.functional.test_groups import child
from tests.functional.world import World


def ask(world: World, **body: Any) -> Any:
    answer = world.http.post("/v1/tasks", json=body)
    world.settle_down()
    return answer


@pytest.mark.parametrize("name", [recipe.name for recipe in recipes.every()])
def test_every_recipe_brings_a_picture(world: World, name: str) -> None:
    recipe = world.http.get(f"/v1/recipes/{name}").json()
    for language in ("en", "zh"):
        answer = ask(
            world, recipe=name, params={**recipe["example"]["params"], "language": language}
        )
        if answer.status_code == 422:
            # An upscaler takes no prompt, and so speaks no language.
            assert "language" not in recipe["params"]["properties"]
            answer = ask(world, recipe=name, params=recipe["example"]["params"])
        assert answer.status_code == 202, answer.text
        task = Story(world, answer.json()["id"], 0)
        world.run()
        shown = task.read()
        assert (shown["status"], shown["model"]) == ("succeeded", recipe["model"])
        assert shown["recipe"] == {"name": name, "version": recipe["version"]}
        assert shown["outputs"][0]["media"] == "image"


def test_a_recipe_falls_back_on_its_other_models(world: World) -> None:
    recipe = world.http.get("/v1/recipes/product-shot").json()
    scene = f"a table in the garden [{recipe['model']}: fail]"
    answer = ask(
        world, recipe="product-shot", params={**recipe["example"]["params"], "scene": scene}
    )
    task = Story(world, answer.json()["id"], 0)
    world.run()
    shown = task.read()
    assert shown["status"] == "succeeded"
    assert [one["model"] for one in shown["attempts"]] == [recipe["model"], recipe["fallback"][0]]


def test_a_child_may_be_made_by_a_recipe(world: World) -> None:
    follow = {"recipe": "remove-background", "params": {"image_url": "{{outputs[0].url}}"}}
    task = world.create("a kite", then=[follow])
    world.run()
    [cut_out] = task.read()["children"]
    shown = Story(world, cut_out["id"], 0).read()
    assert shown["status"] == "succeeded"
    assert shown["recipe"]["name"] == "remove-background"
    assert f"kg-output://{task.task_id}/0" in str(shown["input"])


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"recipe": "extract-cloth"}, "/recipe", "did you mean extract-clothing?"),
        ({"recipe": "extract-clothing"}, "/params/image_url", "required"),
        (
            {
                "recipe": "extract-clothing",
                "params": {"image_url": "https://x.example/a.png", "a": 1},
            },
            "/params/a",
            "unknown parameter",
        ),
        ({"recipe": "extract-clothing", "params": {"image_url": 1}}, "/params/image_url", "text"),
        ({**child("x"), "recipe": "upscale"}, "/model", "cannot be combined"),
        ({**child("x"), "params": {}}, "/params", "belongs to a recipe"),
        ({}, "/model", "required"),
        ({**child("x"), "then": [{"recipe": "upscale"}]}, "/then/0/params/image_url", "required"),
    ],
)
def test_a_recipe_that_cannot_be_filled_is_refused(
    world: World, body: dict[str, Any], pointer: str, words: str
) -> None:
    answer = ask(world, **body)
    assert answer.status_code == 422
    faults = [(one["pointer"], one["detail"]) for one in answer.json()["errors"]]
    assert any(place == pointer and words in detail for place, detail in faults), faults
    assert world.creations() == []
