"""Recipes as callers see them."""

from typing import Any, Literal

from pydantic import Field

from kie_gateway.web.schemas import Page, ResponseBody


class RecipeExample(ResponseBody):
    """How a recipe is used."""

    params: dict[str, Any] = Field(description="Params that the recipe takes as they are.")


class Recipe(ResponseBody):
    """A recipe: a prompt and settings of a model, which a few parameters complete."""

    name: str = Field(description="What the recipe is named by.")
    object: Literal["recipe"] = "recipe"
    title: str
    description: str = Field(description="What the recipe does.")
    version: int = Field(
        description="Counts up whenever the same params would lead to another input."
    )
    model: str = Field(description="The model that the recipe is made for.")
    fallback: list[str] = Field(
        description="Other models that do the same, in the order in which they are tried."
    )
    params: dict[str, Any] = Field(description="JSON Schema of the recipe's `params`.")
    example: RecipeExample


class RecipeList(Page):
    """The recipes, by name. There are so few that they are all on one page."""

    data: list[Recipe]
