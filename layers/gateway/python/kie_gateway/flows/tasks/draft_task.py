"""Make of what a caller asks for a task that can be created: checked, and with its price."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import takewhile
from typing import Any, Protocol

from kie_gateway.core.alternatives import Alternative, retired_attempt
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.child import Child, planned, planned_credits
from kie_gateway.core.groups.task_spec import ChildSpec, TaskSpec
from kie_gateway.core.groups.templates import placeholders
from kie_gateway.core.model_kind import kind_of
from kie_gateway.core.moves.alternative_moves import fell_back_entry
from kie_gateway.core.moves.move import NewRecord
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.core.sweep import AFTER_DEADLINE, START_GRACE
from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.tasks.read_alternatives import (
    ReadInput,
    WantedModel,
    checked_in_turn,
    read_alternatives,
)

# Codes of tasks that failed before anything was sent, for what their parents did not bring.
PARENT_RESULT_MISSING, INVALID_INPUT = "parent_result_missing", "invalid_input"
NEVER_FILLED = (PARENT_RESULT_MISSING, INVALID_INPUT)


@dataclass(frozen=True)
class Draft:
    """
    A checked task that is not created yet.

    Attributes:
        input: As the model takes it.
        family: Which of Kie's APIs the model speaks.
        kind: What the model makes; None judges it by its id.
        credits_estimated: What it will cost, None if nobody knows.
        expected_seconds: How long Kie.ai is expected to take, None if nobody knows.
        reservation: What is set aside of the owner's credits.
        alternatives: Models to try after this one.
        passed_over: Retired models that were asked for before this one.
        max_credits: What all attempts together may cost; None for any price.
        recipe: By which it was made, None without one.
        children: Tasks that belong to it.
        least_picture: As in the record (`core/task.py`).
        webhook: As in the record.
        specs: Of those that are created later.
    """

    owner: str
    model: str
    family: str
    input: Mapping[str, Any]
    metadata: Mapping[str, Any]
    deadline_seconds: int
    callback_base_url: str
    retention_days: int | None = None
    kind: str | None = None
    credits_estimated: Decimal | None = None
    expected_seconds: int | None = None
    reservation: Reservation | None = None
    retry_of: str | None = None
    parent_id: str | None = None
    batch_id: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    passed_over: tuple[Alternative, ...] = ()
    max_credits: Decimal | None = None
    recipe: RecipeVersion | None = None
    children: tuple[Child, ...] = ()
    least_picture: tuple[int, int] | None = None
    webhook: TaskWebhook | None = None
    specs: tuple[ChildSpec, ...] = ()

    def child(self, task_id: str, now: datetime) -> Task:
        """Return the same for a task that its watch is to submit, as nobody waits for it."""
        return replace(self.task(task_id, now), next_at=now, sweep_at=now + START_GRACE)

    @property
    def credits(self) -> Decimal:
        """What is set aside for it alone."""
        return self.reservation.credits if self.reservation is not None else Decimal(0)

    @property
    def planned_credits(self) -> Decimal:
        """What is set aside for its children to come."""
        return planned_credits(self.children)

    @property
    def planned_tasks(self) -> int:
        """How many children are to come."""
        return len(planned(self.children))

    def task(self, task_id: str, now: datetime) -> Task:
        """Return the task as it begins: queued, and not yet sent to Kie.ai."""
        # When the sweep looks after it even if we die now, before anybody follows the task.
        nobody_looks_at = now + timedelta(seconds=self.deadline_seconds) + AFTER_DEADLINE
        return Task(
            task_id=task_id,
            owner=self.owner,
            status=Status.QUEUED,
            model=self.model,
            family=self.family,
            kind=self.kind or kind_of(self.model),
            credits_estimated=self.credits_estimated,
            expected_seconds=self.expected_seconds,
            reservation=self.reservation,
            release_at=nobody_looks_at if self.reservation is not None else None,
            sweep_at=nobody_looks_at if self.reservation is None else None,
            input=self.input,
            metadata=self.metadata,
            callback_base_url=self.callback_base_url,
            created_at=now,
            deadline_at=now + timedelta(seconds=self.deadline_seconds),
            retry_of=self.retry_of,
            parent_id=self.parent_id,
            batch_id=self.batch_id,
            retention_days=self.retention_days,
            alternatives=self.alternatives,
            attempts=tuple(retired_attempt(one, now) for one in self.passed_over),
            max_credits=self.max_credits,
            recipe=self.recipe,
            children=self.children,
            least_picture=self.least_picture,
            webhook=self.webhook,
        )


class Models(Protocol):
    """What is known of models before Kie.ai is asked."""

    def family(self, model: str) -> str:
        """Return the family of a model, the API of Kie.ai that serves it."""

    def kind(self, model: str) -> str | None:
        """Return what a model makes; None if that is unknown."""

    def estimate(self, model: str, task_input: Mapping[str, Any]) -> Decimal | None:
        """Estimate the credits of a task; None where nobody knows its price."""


@dataclass(frozen=True)
class DraftTask:
    """
    Drafts tasks.

    Attributes:
        checks: Each raises InvalidRequestError if an owner's input names what it may not.
        reservation: Tells what is set aside for a model by its estimate.
        expected_seconds: Tells how long a model is expected to take.
    """

    models: Models
    read_input: ReadInput
    checks: Sequence[Callable[[Mapping[str, Any], str], None]]
    reservation: Callable[[Decimal | None], Reservation]
    expected_seconds: Callable[[str], int]

    def __call__(
        self,
        spec: TaskSpec,
        owner: str,
        callback_base_url: str,
        *,
        template: TaskSpec | None = None,
    ) -> Draft:
        """
        Draft one task, without its children.

        Args:
            template: Where `spec` holds examples of what is not known yet: what it was before.

        Raises:
            InvalidRequestError: An input does not fit its model, or names what it may not.
        """
        examples = _pointers(template) if template is not None else ()
        wanted = read_alternatives(spec, self.read_input, examples)
        for check in self.checks:
            # A placeholder names nothing yet.
            inputs = [one.input for one in wanted] if template is None else _given(template)
            checked_in_turn(inputs, partial(_check_for, owner, check))
        models = [self._alternative(one) for one in wanted]
        passed_over = tuple(takewhile(lambda one: one.is_retired, models))
        first, *others = models[len(passed_over) :]
        return replace(
            self.unchecked(spec, owner, callback_base_url),
            model=first.model,
            family=first.family,
            kind=first.kind,
            input=first.input,
            credits_estimated=first.credits_estimated,
            expected_seconds=first.expected_seconds,
            reservation=self._reservation(first, others, spec.max_credits),
            alternatives=tuple(others),
            passed_over=passed_over,
            max_credits=spec.max_credits,
        )

    def unchecked(self, spec: TaskSpec, owner: str, callback_base_url: str) -> Draft:
        """Draft a task that will never be sent, as it was asked for."""
        return Draft(
            owner=owner,
            model=spec.model,
            family=self.models.family(spec.model),
            input=spec.input,
            metadata=spec.metadata,
            deadline_seconds=spec.deadline_seconds,
            callback_base_url=callback_base_url,
            retention_days=spec.retention_days,
            kind=self.models.kind(spec.model),
            recipe=spec.recipe,
            least_picture=spec.least_picture,
            webhook=spec.webhook,
        )

    def _alternative(self, wanted: WantedModel) -> Alternative:
        estimated = self.models.estimate(wanted.model, wanted.input)
        return Alternative(
            model=wanted.model,
            family=self.models.family(wanted.model),
            kind=self.models.kind(wanted.model) or kind_of(wanted.model),
            input=wanted.input,
            price=self.reservation(estimated).credits,
            credits_estimated=estimated,
            expected_seconds=self.expected_seconds(wanted.model),
            is_retired=wanted.is_retired,
        )

    def _reservation(
        self, first: Alternative, others: Sequence[Alternative], max_credits: Decimal | None
    ) -> Reservation:
        """
        Return what is set aside: for the dearest model that may be tried, so none lacks credits.

        Raises:
            InvalidRequestError: Not even the first model fits `max_credits`.
        """
        if max_credits is not None and first.price > max_credits:
            detail = f"{first.model} is expected to cost {first.price:f} credits"
            raise InvalidRequestError(
                "the task costs more than it may", [FieldFault("/max_credits", detail)]
            )
        fitting = [
            one.price
            for one in others
            if not one.is_retired and (max_credits is None or one.price <= max_credits)
        ]
        reservation = self.reservation(first.credits_estimated)
        most = max(fitting, default=first.price)
        if most <= first.price:
            return reservation
        return replace(reservation, credits=most, expected=first.price)


def _pointers(template: TaskSpec) -> tuple[str, ...]:
    """Point at what is filled in later."""
    found = (
        one.pointer
        for pointer, task_input in template.inputs()
        for one in placeholders(task_input, pointer)
    )
    return tuple(dict.fromkeys(found))


def _given(spec: TaskSpec) -> list[Mapping[str, Any]]:
    """List the input of each model."""
    others = (spec.input if one.input is None else one.input for one in spec.fallback)
    return [spec.input, *others]


def _check_for(
    owner: str, check: Callable[[Mapping[str, Any], str], None], task_input: Mapping[str, Any]
) -> None:
    check(task_input, owner)


def first_entries(task: Task) -> tuple[Entry, ...]:
    """Return what a task's timeline begins with; of models that were passed over, the last."""
    now, models = task.created_at, [*(one.tried.model for one in task.attempts), task.model]
    facts = {"model": models[0], "retry_of": task.retry_of, "parent_id": task.parent_id}
    created = Entry(Happened.CREATED, now, f"Created for {models[0]}.", facts)
    if not task.attempts:
        return (created,)
    # One entry, however many: a whole group has to fit into one write.
    return (created, fell_back_entry(task.attempts[-1], task.model, len(models), now))


def failed_record(draft: Draft, task_id: str, code: str, words: str, now: datetime) -> NewRecord:
    """Record a task that cannot be created after all: nothing was sent, and nothing is paid."""
    if draft.reservation is not None:
        unpaid = replace(draft.reservation, credits=Decimal(0), fate=Fate.RELEASED)
        draft = replace(draft, reservation=unpaid)
    task = replace(
        draft.task(task_id, now),
        status=Status.FAILED,
        error=Failure(code, Category.INPUT, words, retryable=False),
        completed_at=now,
        release_at=None,
        sweep_at=None,
    )
    failed = Entry(Happened.FAILED, now, f"Failed: {words}", {"code": code})
    return NewRecord(task, (*first_entries(task), failed))
