"""Recipes as bodies of tasks name them."""

from collections.abc import Mapping
from typing import Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import FilledRecipe, fill


def fill_recipe(name: str, params: Mapping[str, Any]) -> tuple[FilledRecipe, RecipeVersion]:
    """
    Fill a recipe.

    Raises:
        InvalidRequestError: There is none of this name, or the params do not fit it.
    """
    recipe = recipes.find(name)
    if recipe is None:
        close = recipes.similar(name)
        meant = f"; did you mean {close[0]}?" if close else ""
        detail = f"no such recipe{meant} GET /v1/recipes lists them"
        raise InvalidRequestError("there is no such recipe", [FieldFault("/recipe", detail)])
    return fill(recipe, params), RecipeVersion(recipe.name, recipe.version)
