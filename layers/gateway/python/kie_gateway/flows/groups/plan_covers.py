"""Make of the wish for a cover the child that will make it, before anything is checked or paid."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.cover import NAME, Cover
from kie_gateway.core.groups.task_spec import ChildSpec, FallbackSpec, TaskSpec
from kie_gateway.core.recipe_version import RecipeVersion

# What a cover is to show if its caller does not say: what is known of the track, and else what the
# track was made from.
OF_THE_TRACK = (
    "{{result.prompt | result.title | result.tags | input.prompt | input.title | input.style}}"
)


@dataclass(frozen=True)
class CoverOrder:
    """
    How a cover is made.

    Attributes:
        input: May hold placeholders, which are filled from the track.
        fallback: Other models that do the same.
        recipe: By which it is made; None for a model that the caller has chosen.
    """

    model: str
    input: Mapping[str, Any]
    fallback: tuple[FallbackSpec, ...] = ()
    recipe: RecipeVersion | None = None


@dataclass(frozen=True)
class PlanCovers:
    """
    Plans covers.

    Attributes:
        makes_music: Whether a model makes tracks.
        order: Chooses the model of a cover, and makes its input from what the cover is to show.
            Raises InvalidRequestError, with pointers into the wish for the cover.
    """

    makes_music: Callable[[str], bool]
    order: Callable[[Cover, str], CoverOrder]

    def __call__(self, spec: TaskSpec) -> TaskSpec:
        """
        Add to a task, and to all that follow, the children that make covers.

        Raises:
            InvalidRequestError: A cover cannot be made; every place is named.
        """
        faults: list[FieldFault] = []
        planned = self._planned(spec, "", faults)
        if faults:
            raise InvalidRequestError("the cover cannot be made", faults)
        return planned

    def _planned(self, spec: TaskSpec, pointer: str, faults: list[FieldFault]) -> TaskSpec:
        children = tuple(
            replace(one, task=self._planned(one.task, f"{pointer}{one.pointer}", faults))
            for one in spec.children
        )
        spec = replace(spec, children=children)
        if spec.cover is None:
            return spec
        found = [*self._misplaced(spec, pointer)]
        try:
            order = self.order(spec.cover, spec.cover.prompt or OF_THE_TRACK)
        except InvalidRequestError as error:
            place = f"{pointer}/{NAME}"
            found += [FieldFault(f"{place}{one.pointer}", one.detail) for one in error.faults]
        faults += found
        return spec if found else _with_cover(spec, spec.cover, order)

    def _misplaced(self, spec: TaskSpec, pointer: str) -> Iterator[FieldFault]:
        if not self.makes_music(spec.model):
            yield FieldFault(f"{pointer}/{NAME}", f"{spec.model} makes no music to have a cover")
        for child in spec.children:
            if child.name == NAME:
                detail = f"the task that makes the cover is called {NAME}"
                yield FieldFault(f"{pointer}{child.pointer}/name", detail)


def _with_cover(spec: TaskSpec, cover: Cover, order: CoverOrder) -> TaskSpec:
    task = TaskSpec(
        model=order.model,
        input=order.input,
        fallback=order.fallback,
        recipe=order.recipe,
        deadline_seconds=spec.deadline_seconds,
        retention_days=spec.retention_days,
        least_picture=cover.least,
    )
    child = ChildSpec(
        name=NAME,
        pointer=f"/{NAME}",
        starts=Start.THEN,
        required=False,
        task=task,
        unless_pictured=True,
    )
    # The last one, as the ids of the others follow from their places.
    children = (*spec.children, child)
    return replace(spec, children=children, cover=None, least_picture=cover.least)
