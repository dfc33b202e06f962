"""Recipes, from their files to what callers see."""

from kie_gateway.web.recipes import schemas
from kie_gateway.web.use_cases import Recipe


def recipe_schema(recipe: Recipe) -> schemas.Recipe:
    """Present a recipe."""
    return schemas.Recipe(
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        version=recipe.version,
        model=recipe.model,
        fallback=[other.model for other in recipe.fallback],
        params=dict(recipe.params),
        example=schemas.RecipeExample(params=dict(recipe.example)),
    )
