"""Routes to the recipes: which ones there are, and what they take."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.errors.caller_errors import RecipeNotFoundError
from kie_gateway.web.access import needs
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.recipes import schemas
from kie_gateway.web.recipes.presenters import recipe_schema
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import CACHED, cached_response
from kie_gateway.web.routing import new_router

router = new_router()

_TAG = "recipes"
_UNCHANGED = Success("Your copy is still good.", CACHED)
_IF_NONE_MATCH = ("If-None-Match",)


@router.get(
    "/v1/recipes",
    **operation(
        "listRecipes",
        _TAG,
        {200: Success("The recipes, by name.", CACHED), 304: _UNCHANGED},
        takes=_IF_NONE_MATCH,
    ),
)
@needs(Scope.TASKS_READ)
def list_recipes(context: CurrentContext) -> Response[schemas.RecipeList | None]:
    """List the recipes of this gateway. Whoever deploys it can add others."""
    found = [recipe_schema(recipe) for recipe in context.use_cases.recipes.every()]
    body = schemas.RecipeList(data=found, has_more=False, next_cursor=None)
    return cached_response(context.headers, body)


@router.get(
    "/v1/recipes/<name>",
    **operation(
        "getRecipe",
        _TAG,
        {200: Success("The recipe.", CACHED), 304: _UNCHANGED},
        404,
        takes=_IF_NONE_MATCH,
    ),
)
@needs(Scope.TASKS_READ)
def get_recipe(
    context: CurrentContext, name: Annotated[str, Path(description="The recipe's name.")]
) -> Response[schemas.Recipe | None]:
    """Read a recipe. This includes the schema of its params and an example of them."""
    recipes = context.use_cases.recipes
    found = recipes.find(name)
    if found is None:
        close = recipes.similar(name)
        meant = f"; did you mean {' or '.join(close)}?" if close else ""
        raise RecipeNotFoundError(f"there is no such recipe{meant}")
    return cached_response(context.headers, recipe_schema(found))
