"""What callers ask for, as flows take it: recipes are filled in, and what is to follow is named."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.cover import Cover
from kie_gateway.core.groups.task_spec import ChildSpec, FallbackSpec, TaskSpec
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.web.tasks import body_schemas
from kie_gateway.web.tasks.body_schemas import ChildTask, TaskBody
from kie_gateway.web.use_cases import FilledRecipe, FillRecipe


class TaskSpecs:
    """
    Reads bodies.

    Args:
        deadline_seconds: For tasks that do not bring their own.
        check_webhook_url: Raises InvalidRequestError if nothing is delivered to an address.
    """

    def __init__(
        self,
        fill_recipe: FillRecipe,
        deadline_seconds: int,
        check_webhook_url: Callable[[str], None],
    ) -> None:
        self._fill_recipe = fill_recipe
        self._check_webhook_url = check_webhook_url
        self._deadline_seconds = deadline_seconds
        self._faults: list[FieldFault] = []

    def read(self, body: TaskBody) -> TaskSpec:
        """Read one task with what is to follow. Raises InvalidRequestError."""
        [spec] = self.read_all([("", body)])
        return spec

    def read_all(self, bodies: Sequence[tuple[str, TaskBody]]) -> tuple[TaskSpec, ...]:
        """
        Read some tasks.

        Args:
            bodies: Each with the pointer to it in the request.

        Raises:
            InvalidRequestError: Naming everything that is wrong with any of them.
        """
        specs = tuple(self._spec(body, pointer) for pointer, body in bodies)
        if self._faults:
            raise InvalidRequestError("the request is incomplete", self._faults)
        return specs

    def _spec(self, body: TaskBody, pointer: str) -> TaskSpec:
        model, given = body.model, dict[str, Any](body.input)
        fallback = tuple(FallbackSpec(one.model, one.input) for one in body.fallback)
        recipe: RecipeVersion | None = None
        if body.recipe is None:
            self._refuse_params(body, pointer)
        elif (filled := self._filled(body, body.recipe, pointer)) is not None:
            made, recipe = filled
            model, given = made.model, dict(made.input)
            fallback = fallback or tuple(FallbackSpec(*one) for one in made.fallback)
        return TaskSpec(
            model=model,
            input=given,
            deadline_seconds=body.deadline_seconds or self._deadline_seconds,
            metadata=body.metadata,
            checked=body.checked,
            retention_days=body.retention_days,
            fallback=fallback,
            max_credits=None if body.max_credits is None else as_credits(body.max_credits),
            recipe=recipe,
            cover=_cover(body.cover),
            webhook=self._webhook(body.webhook, pointer),
            children=tuple(self._children(body, pointer)),
        )

    def _webhook(
        self, webhook: body_schemas.NewTaskWebhook | None, task: str
    ) -> TaskWebhook | None:
        if webhook is None:
            return None
        try:
            self._check_webhook_url(webhook.url)
        except InvalidRequestError as error:
            self._faults += [
                FieldFault(f"{task}/webhook{fault.pointer}", fault.detail) for fault in error.faults
            ]
        return TaskWebhook(webhook.url, tuple(dict.fromkeys(webhook.events)))

    def _refuse_params(self, body: TaskBody, pointer: str) -> None:
        if "params" in body.model_fields_set:
            detail = "belongs to a recipe, and there is none"
            self._faults.append(FieldFault(f"{pointer}/params", detail))

    def _filled(
        self, body: TaskBody, recipe: str, pointer: str
    ) -> tuple[FilledRecipe, RecipeVersion] | None:
        """Fill a recipe; None with the faults noted."""
        for name in ("model", "input"):
            if name in body.model_fields_set:
                detail = "cannot be combined with `recipe`, which chooses it"
                self._faults.append(FieldFault(f"{pointer}/{name}", detail))
        try:
            return self._fill_recipe(recipe, body.params)
        except InvalidRequestError as error:
            self._faults += [
                FieldFault(f"{pointer}{fault.pointer}", fault.detail) for fault in error.faults
            ]
            return None

    def _children(self, body: TaskBody, pointer: str) -> Iterator[ChildSpec]:
        """List children; their ids follow from their order, so it never changes."""
        for starts, children in ((Start.WITH, body.together), (Start.THEN, body.then)):
            for index, child in enumerate(children):
                yield self._child(child, starts, index, pointer)

    def _child(self, child: ChildTask, starts: Start, index: int, parent: str) -> ChildSpec:
        pointer = f"/{starts.value}/{index}"
        return ChildSpec(
            name=child.name or f"{starts.value}-{index}",
            pointer=pointer,
            starts=starts,
            required=child.required,
            task=self._spec(child, f"{parent}{pointer}"),
        )


def _cover(cover: body_schemas.Cover | None) -> Cover | None:
    return Cover(**cover.model_dump()) if cover is not None else None
