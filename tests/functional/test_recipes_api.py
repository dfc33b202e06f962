"""Recipes over HTTP: which ones there are, and what they take."""

import httpx
import jsonschema_rs
import pytest

from tests.functional.world import World


def test_the_list_has_everything_on_one_page(world: World) -> None:
    body = world.http.get("/v1/recipes").json()
    assert (body["object"], body["has_more"], body["next_cursor"]) == ("list", False, None)
    names = [one["name"] for one in body["data"]]
    assert names == sorted(names)
    assert {"change-outfit", "extract-clothing", "track-cover"} <= set(names)
    for one in body["data"]:
        assert one == world.http.get(f"/v1/recipes/{one['name']}").json()


def test_a_recipe_tells_what_it_takes_and_what_it_is_made_for(world: World) -> None:
    body = world.http.get("/v1/recipes/extract-clothing").json()
    assert (body["object"], body["version"], body["model"]) == ("recipe", 1, "nano-banana-pro")
    assert body["fallback"] == ["nano-banana-2", "seedream/4.5-edit", "google/nano-banana-edit"]
    assert body["params"]["required"] == ["image_url"]
    assert body["params"]["properties"]["language"]["enum"] == ["en", "zh"]
    assert jsonschema_rs.is_valid(body["params"], body["example"]["params"])
    assert body.keys() == {
        *("name", "object", "title", "description", "version"),
        *("model", "fallback", "params", "example"),
    }


def test_an_unknown_recipe_is_answered_with_close_ones(world: World) -> None:
    answer = world.http.get("/v1/recipes/extract-clothes")
    assert (answer.status_code, answer.json()["code"]) == (404, "recipe_not_found")
    assert "did you mean extract-clothing" in answer.json()["detail"]
    assert "mean" not in world.http.get("/v1/recipes/zzz").json()["detail"]


@pytest.mark.parametrize("path", ["/v1/recipes", "/v1/recipes/upscale"])
def test_a_copy_that_is_good_is_not_sent_again(world: World, path: str) -> None:
    first = world.http.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    again = world.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_parameters_that_the_list_does_not_have_are_refused(world: World) -> None:
    answer = world.http.get("/v1/recipes", params={"kind": "image"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/kind")


@pytest.mark.parametrize("path", ["/v1/recipes", "/v1/recipes/upscale"])
def test_nobody_reads_recipes_without_a_key(world: World, path: str) -> None:
    assert httpx.get(f"{world.cloud.url}{path}").status_code == 401
