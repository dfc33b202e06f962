"""What a task is to be made of, as its caller has said it, and what is to follow it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.cover import Cover
from kie_gateway.core.recipe_version import RecipeVersion

# Whoever asks for a task asks for so many in all, and so many levels below it.
MOST_TASKS = 20
DEEPEST = 3


@dataclass(frozen=True)
class FallbackSpec:
    """Another model to try; with an input of its own, or None for that of the task."""

    model: str
    input: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TaskSpec:
    """
    A task to be created.

    Attributes:
        input: As the caller sent it; that of a child may hold placeholders.
        checked: Whether the catalogue's facts about the model count.
        deadline_seconds: From its own creation on.
        retention_days: None for the deployment's default.
        fallback: Other models, to be tried in order (`core/alternatives.py`).
        max_credits: What all of them together may cost; None for any price.
        recipe: By which it was made, None if the caller has chosen model and input.
        cover: That its track shall have; it becomes a child before anything is checked.
        least_picture: As in the record (`core/task.py`).
        webhook: Where its events are delivered, besides its owner's endpoints.
    """

    model: str
    input: Mapping[str, Any]
    deadline_seconds: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checked: bool = True
    retention_days: int | None = None
    fallback: tuple[FallbackSpec, ...] = ()
    max_credits: Decimal | None = None
    recipe: RecipeVersion | None = None
    children: tuple["ChildSpec", ...] = ()
    cover: Cover | None = None
    least_picture: tuple[int, int] | None = None
    webhook: TaskWebhook | None = None

    def inputs(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """List its input and those of its other models, each with its pointer."""
        yield "/input", self.input
        for index, other in enumerate(self.fallback):
            if other.input is not None:
                yield f"/fallback/{index}/input", other.input

    def with_inputs(self, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> "TaskSpec":
        """Return the same with other inputs."""
        fallback = tuple(
            other if other.input is None else replace(other, input=change(other.input))
            for other in self.fallback
        )
        return replace(self, input=change(self.input), fallback=fallback)


@dataclass(frozen=True)
class ChildSpec:
    """
    A task that is to belong to another one.

    Attributes:
        name: Among its siblings.
        pointer: Where it stands in the request, below its parent: `/then/0`.
        required: Whether the group fails with it.
        unless_pictured: Whether it is not needed where its parent's own result has a picture that
            counts.
    """

    name: str
    pointer: str
    starts: Start
    required: bool
    task: TaskSpec
    unless_pictured: bool = False

    def place_of(self, pointer: str) -> str:
        """Return where in the request the cause of a fault stands, below its own place."""
        if not self.unless_pictured or not pointer.startswith("/input"):
            return pointer
        # Callers of a cover give its prompt alone; the rest of the input follows from the model.
        return "/prompt" if pointer in ("/input", "/input/prompt") else "/model"


def with_descendants(children: tuple[ChildSpec, ...]) -> Iterator[ChildSpec]:
    """List children, each followed by its own."""
    for child in children:
        yield child
        yield from with_descendants(child.task.children)
