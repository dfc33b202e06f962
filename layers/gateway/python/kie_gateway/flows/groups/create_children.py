"""Create the children that are due: those of a task that has succeeded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.groups.cover import is_pictured
from kie_gateway.core.groups.parent_facts import facts_of
from kie_gateway.core.groups.task_spec import ChildSpec
from kie_gateway.core.groups.templates import PathError, Placeholder, fill, look_up, placeholders
from kie_gateway.core.moves import group_moves
from kie_gateway.core.moves.alternative_moves import at_work, trying
from kie_gateway.core.moves.move import NewRecord
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task
from kie_gateway.flows.files.permalinks import Permalinks
from kie_gateway.flows.groups.plans import Plans
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.tasks.draft_task import (
    INVALID_INPUT,
    PARENT_RESULT_MISSING,
    Draft,
    DraftTask,
    failed_record,
    first_entries,
)
from kie_gateway.flows.watching.start_watch import start_watch

_OUTPUTS = "outputs"


@dataclass(frozen=True)
class CreateChildren:
    """
    Creates children, each of them once.

    Their ids follow from their parent's, and their records are written together with what the
    parent's record says of them.

    Whoever settles the parent calls it; the parent's watch does if that died, and the sweep if both
    did. Each child is then submitted by a watch of its own.

    Attributes:
        draft: Drafts a task.
        permalinks: Of the parent's files, where they are written into texts.
    """

    tasks: TaskStore
    executions: Executions
    inputs: LargeInputs
    plans: Plans
    draft: DraftTask
    permalinks: Permalinks
    now: Callable[[], datetime]

    def __call__(self, parent: Task) -> Task:
        """
        Create what is due.

        Returns:
            The parent's record afterwards.

        Raises:
            BackendUnavailableError, StorageError: Nothing was created; calling again is right.
        """
        if not parent.has_due_children:
            return parent
        asked, now = self._asked(parent), self.now()
        specs = {spec.name: spec for spec in self.plans.read(parent)}
        due = [child for child in parent.children if child.is_planned]
        unneeded = {
            child.task_id
            for child in due
            if specs[child.name].unless_pictured and is_pictured(parent)
        }
        records = {
            child.task_id: self._records(parent, asked, child, specs[child.name], now)
            for child in due
            if child.task_id not in unneeded
        }
        moved = self.tasks.move(
            parent, lambda current: group_moves.create_children(current, records, unneeded, now)
        )
        if moved.changed:
            for one in (one for some in records.values() for one in some):
                start_watch(self.executions, one.task, one.task.created_at)
            # What it says of the children is theirs from now on, and goes with them.
            self.plans.drop(moved.task)
        return moved.task

    def _asked(self, parent: Task) -> Mapping[str, Any]:
        """Read the input that a task was asked for with, which another model may not have had."""
        first = parent.attempts[0].tried if parent.attempts else at_work(parent)
        return self.inputs.whole(trying(parent, first)).input

    def _records(
        self,
        parent: Task,
        asked: Mapping[str, Any],
        child: Child,
        spec: ChildSpec,
        now: datetime,
    ) -> tuple[NewRecord, ...]:
        """
        Make the record of a child: queued, or failed for what its parent did not bring.

        Those that are to be created with it follow.
        """
        try:
            draft = self._draft(parent, asked, spec)
        except _ChildFailedError as error:
            return (self._failed(parent, child, spec, error, now),)
        beside = [one for one in child.children if one.starts is Start.WITH]
        specs = {one.name: one for one in spec.task.children}
        draft = replace(
            draft,
            reservation=_reservation(parent, child, draft),
            parent_id=parent.task_id,
            children=tuple(
                replace(one, state=ChildState.CREATED) if one in beside else one
                for one in child.children
            ),
        )
        task = draft.child(child.task_id, now)
        self.plans.keep(task, [one for one in spec.task.children if one.starts is Start.THEN])
        record = NewRecord(self.inputs.keep(task), first_entries(task))
        inner = (self._records(task, draft.input, one, specs[one.name], now) for one in beside)
        return (record, *(one for some in inner for one in some))

    def _draft(self, parent: Task, asked: Mapping[str, Any], spec: ChildSpec) -> Draft:
        facts = facts_of(parent, asked, has_permalinks=self.permalinks.are_on)
        found = [one for place, given in spec.task.inputs() for one in placeholders(given, place)]
        try:
            for one in found:
                _look(facts, one)
            writes = self.permalinks.are_on and _writes_links(found)
            in_texts = self._facts_in_texts(parent, asked) if writes else facts
            filled = spec.task.with_inputs(lambda given: fill(given, facts, in_texts))
            return self.draft(filled, parent.owner, parent.callback_base_url)
        except PathError as error:
            raise _ChildFailedError(PARENT_RESULT_MISSING, str(error)) from None
        except InvalidRequestError as error:
            faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults)
            words = f"{error}: {faults}" if faults else str(error)
            raise _ChildFailedError(INVALID_INPUT, words) from None

    def _facts_in_texts(self, parent: Task, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Return what placeholders inside of texts stand for: links in them are read, not fetched.

        References would say nothing there, and every other kind of link would soon be dead.
        """

        def link(output: Output) -> str:
            return str(self.permalinks.to(parent, output, parent.callback_base_url))

        return facts_of(parent, asked, link=link)

    def _failed(
        self,
        parent: Task,
        child: Child,
        spec: ChildSpec,
        error: "_ChildFailedError",
        now: datetime,
    ) -> NewRecord:
        draft = replace(
            self.draft.unchecked(spec.task, parent.owner, parent.callback_base_url),
            reservation=_reservation(parent, child),
            parent_id=parent.task_id,
        )
        record = failed_record(draft, child.task_id, error.code, error.words, now)
        return replace(record, task=self.inputs.keep(record.task))


class _ChildFailedError(Exception):
    """A child cannot be created; `code` and `words` become its error."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def _writes_links(found: Sequence[Placeholder]) -> bool:
    """Whether an output stands inside of a text, so that the links' secret is to be read."""
    return any(not one.is_whole and _OUTPUTS in one.path for one in found)


def _look(facts: Mapping[str, Any], placeholder: Placeholder) -> None:
    """Raises PathError: Nothing is there to fill a placeholder with; it says which and where."""
    try:
        look_up(facts, placeholder.path)
    except PathError as error:
        raise PathError(f"{placeholder.pointer} cannot be filled: {error}") from None


def _reservation(parent: Task, child: Child, draft: Draft | None = None) -> Reservation:
    """Return what was set aside for a child, whatever it is expected to cost by now."""
    if parent.reservation is None:
        raise ValueError(f"{parent.task_id} has children, and nothing is set aside for them")
    return Reservation(
        child.credits,
        parent.reservation.release_after_seconds,
        parent.reservation.funds,
        expected=draft.reservation.expected if draft is not None and draft.reservation else None,
    )
