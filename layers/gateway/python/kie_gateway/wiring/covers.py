"""Parts that plan covers: which model makes one, and from which input."""

import math
from collections.abc import Mapping
from typing import Any

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model
from kie_gateway.catalogue.picture_size import sized
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.groups.cover import Cover
from kie_gateway.core.groups.task_spec import FallbackSpec
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.flows.groups.plan_covers import CoverOrder, PlanCovers
from kie_gateway.recipes import recipes
from kie_gateway.recipes.fill import fill
from kie_gateway.wiring.known_models import KnownModels

RECIPE = "track-cover"
# Half-way between a square and 16:9.
_WIDE_FROM = math.sqrt(16 / 9)


def make_plan_covers(models: KnownModels) -> PlanCovers:
    """Make what plans covers."""
    return PlanCovers(models.makes_music, order_cover)


def order_cover(cover: Cover, shows: str) -> CoverOrder:
    """
    Choose the model of a cover, and make its input.

    Args:
        shows: The caller's prompt, or placeholders that will be filled from the track.

    Raises:
        InvalidRequestError: No model can do it; pointers lead into the wish for the cover.
    """
    if cover.model is None:
        return _by_recipe(cover, shows)
    model = catalogue.find(cover.model)
    if model is None:
        near = ", ".join(catalogue.similar(cover.model))
        raise _fault("/model", f"unknown model{f'; did you mean {near}?' if near else ''}")
    if model.kind != "image" or not any(model.properties("prompt")):
        raise _fault("/model", f"{cover.model} makes no pictures from a prompt")
    return CoverOrder(cover.model, {"prompt": shows, **_needed(model, cover)})


def _by_recipe(cover: Cover, shows: str) -> CoverOrder:
    recipe = recipes.find(RECIPE)
    if recipe is None:
        raise _fault("/model", f"required: the recipe {RECIPE} was removed from this gateway")
    shape = "wide" if cover.min_width / cover.min_height > _WIDE_FROM else "square"
    try:
        filled = fill(recipe, {"prompt": shows, "shape": shape})
    except InvalidRequestError as error:
        details = "; ".join(fault.detail for fault in error.faults)
        raise _fault("/prompt", details) from None
    others = ((name, filled.input if own is None else own) for name, own in filled.fallback)
    found = [
        (name, {**given, **size})
        for name, given in ((filled.model, filled.input), *others)
        # The recipe has chosen the shape that its prompt speaks of; only the size is seen to.
        if (size := _sized(name, cover, given)) is not None
    ]
    if not found:
        raise _fault("/model", "no model of the recipe makes pictures of that size")
    [(model, task_input), *fallback] = found
    return CoverOrder(
        model,
        task_input,
        tuple(FallbackSpec(*one) for one in fallback),
        RecipeVersion(recipe.name, recipe.version),
    )


def _needed(model: Model, cover: Cover) -> Mapping[str, str]:
    fields = _sized(model.id, cover, {})
    if fields is None:
        raise _fault("/model", f"{model.id} makes no pictures of that size")
    return fields


def _sized(name: str, cover: Cover, given: Mapping[str, Any]) -> Mapping[str, str] | None:
    model = catalogue.find(name)
    return {} if model is None else sized(model, cover.min_width, cover.min_height, given)


def _fault(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError(detail, [FieldFault(pointer, detail)])
