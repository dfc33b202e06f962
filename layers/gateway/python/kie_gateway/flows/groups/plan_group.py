"""
Check what is to follow a task before anything is created or paid, down to the last child.

Placeholders are filled with examples of the right type for what is not known yet, and with what is
known already, so that a child that could never be created is refused with its parent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kie_gateway.core.credits.ledger import NOTHING
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.groups.parent_facts import expected_facts
from kie_gateway.core.groups.task_spec import (
    DEEPEST,
    MOST_TASKS,
    ChildSpec,
    TaskSpec,
    with_descendants,
)
from kie_gateway.core.groups.templates import (
    PathError,
    check_path,
    fill,
    look_up,
    placeholders,
    written,
)
from kie_gateway.flows.tasks.draft_task import Draft, DraftTask

_OF_RESULTS = ("outputs", "result")


@dataclass(frozen=True)
class Group:
    """
    A task with everything that follows from it, checked.

    Attributes:
        draft: Of the task itself.
        beside: Of its descendants that are created together with it, by id.
    """

    draft: Draft
    beside: Mapping[str, Draft] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanGroup:
    """
    Plans groups.

    Attributes:
        draft: Drafts a task.
        with_covers: Adds the children that make covers (`plan_covers.py`).
        has_permalinks: Whether stored files have any.
    """

    draft: DraftTask
    with_covers: Callable[[TaskSpec], TaskSpec] = lambda spec: spec
    has_permalinks: bool = True

    def __call__(self, spec: TaskSpec, task_id: str, owner: str, callback_base_url: str) -> Group:
        """
        Plan a task with everything that follows from it.

        Raises:
            InvalidRequestError: Something of it can never be created; every place is named.
        """
        spec = self.with_covers(spec)
        _check_number(spec)
        draft = self.draft(spec, owner, callback_base_url)
        planning = _Planning(self, owner, callback_base_url)
        children = planning.children_of(spec, draft.input, task_id, "", depth=1)
        if planning.faults:
            words = "a task of the group cannot be created"
            raise InvalidRequestError(words, planning.faults)
        return Group(_with_children(draft, children, spec), planning.beside)


class _Planning:
    """One group on its way through the checks."""

    def __init__(self, plan: PlanGroup, owner: str, callback_base_url: str) -> None:
        self.faults: list[FieldFault] = []
        self.beside: dict[str, Draft] = {}
        self._plan = plan
        self._owner = owner
        self._callback_base_url = callback_base_url

    def children_of(
        self,
        spec: TaskSpec,
        task_input: Mapping[str, Any],
        task_id: str,
        pointer: str,
        *,
        depth: int,
        is_there: bool = True,
    ) -> tuple[Child, ...]:
        """
        Check the children of a task.

        Args:
            pointer: Of the task itself in the request.
            is_there: Whether the task is created at once, and its children `with` it, too.
        """
        children = []
        for place, child in enumerate(spec.children):
            here = f"{pointer}{child.pointer}"
            if depth > DEEPEST:
                detail = f"at most {DEEPEST} levels of tasks may follow a task"
                self.faults.append(FieldFault(here, detail))
                continue
            facts = expected_facts(
                task_id,
                spec.model,
                task_input,
                spec.metadata,
                has_ended=child.starts is Start.THEN,
                has_permalinks=self._plan.has_permalinks,
            )
            children.append(
                self._child(child, facts, task_id, place, here, depth=depth, is_there=is_there)
            )
        return tuple(children)

    def _child(
        self,
        child: ChildSpec,
        facts: Mapping[str, Any],
        parent_id: str,
        place: int,
        pointer: str,
        *,
        depth: int,
        is_there: bool,
    ) -> Child:
        task_id = derived_task_id(parent_id, place)
        is_there = is_there and child.starts is Start.WITH
        draft = self._try_draft(child, facts, pointer, is_there=is_there)
        task_input = draft.input if draft is not None else child.task.input
        inner = self.children_of(
            child.task, task_input, task_id, pointer, depth=depth + 1, is_there=is_there
        )
        if draft is not None and is_there:
            whole = _with_children(draft, inner, child.task)
            self.beside[task_id] = replace(whole, parent_id=parent_id)
        return Child(
            name=child.name,
            task_id=task_id,
            starts=child.starts,
            required=child.required,
            state=ChildState.CREATED if is_there else ChildState.PLANNED,
            credits=draft.credits if draft is not None and not is_there else NOTHING,
            children=inner,
        )

    def _try_draft(
        self, child: ChildSpec, facts: Mapping[str, Any], pointer: str, *, is_there: bool
    ) -> Draft | None:
        """Draft a child with examples of what is not known; its faults are noted."""
        unknown = list(_unknown_paths(child, facts, pointer))
        if unknown:
            self.faults += unknown
            return None
        try:
            filled = child.task.with_inputs(lambda given: fill(given, facts))
            template = None if is_there else child.task
            return self._plan.draft(filled, self._owner, self._callback_base_url, template=template)
        except PathError as error:
            place = child.place_of("/input")
            self.faults.append(FieldFault(f"{pointer}{place}", str(error)))
        except InvalidRequestError as error:
            self.faults += [
                FieldFault(f"{pointer}{child.place_of(fault.pointer)}", fault.detail)
                for fault in error.faults
            ] or [FieldFault(pointer, str(error))]
        return None


def _check_number(spec: TaskSpec) -> None:
    """Raises InvalidRequestError: Too many tasks, or two children of one name."""
    number = 1 + len(list(with_descendants(spec.children)))
    faults = list(_same_names(spec, ""))
    if number > MOST_TASKS:
        detail = f"at most {MOST_TASKS} tasks in all; this asks for {number}"
        faults.append(FieldFault("/then", detail))
    if faults:
        raise InvalidRequestError("the group cannot be created", faults)


def _same_names(spec: TaskSpec, pointer: str) -> Iterator[FieldFault]:
    names = set[str]()
    for child in spec.children:
        here = f"{pointer}{child.pointer}"
        if child.name in names:
            yield FieldFault(f"{here}/name", "another task beside it already has this name")
        names.add(child.name)
        yield from _same_names(child.task, here)


def _unknown_paths(
    child: ChildSpec, facts: Mapping[str, Any], pointer: str
) -> Iterator[FieldFault]:
    for place, given in child.task.inputs():
        for one in placeholders(given, place):
            try:
                check_path(facts, one.path)
                if not one.is_whole:
                    written(look_up(facts, one.path))
            except PathError as error:
                detail = str(error)
                early = next((path for path in one.paths if path.startswith(_OF_RESULTS)), None)
                if child.starts is Start.WITH and early is not None:
                    detail = f"{early} is known only once the task has ended; use `then`"
                yield FieldFault(f"{pointer}{child.place_of(one.pointer)}", detail)


def _with_children(draft: Draft, children: tuple[Child, ...], spec: TaskSpec) -> Draft:
    planned = {child.name for child in children if child.is_planned}
    specs = tuple(child for child in spec.children if child.name in planned)
    return replace(draft, children=children, specs=specs)
