"""References to results of earlier tasks in a task's input: checked at first, linked when sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.inputs import output_reference
from kie_gateway.core.inputs.json_pointer import replace_texts
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class FindOutput:
    """Finds the result that a reference leads to, among those of one owner."""

    tasks: TaskStore

    def __call__(self, reference: str, owner: str) -> Output | None:
        """Return a stored result; None if there is none, or not any more, or it is another's."""
        named = output_reference.output_in(reference)
        task = self.tasks.get(named[0]) if named is not None else None
        if named is None or task is None or not _may_use(task, owner):
            return None
        return next((one for one in task.outputs if one.index == named[1]), None)


@dataclass(frozen=True)
class CheckOutputs:
    """Makes sure that every reference leads to a result."""

    find: FindOutput

    def __call__(self, task_input: Mapping[str, Any], owner: str) -> None:
        """
        Check the references of one input.

        Raises:
            InvalidRequestError: Naming each reference that leads nowhere.
        """
        faults = [
            FieldFault(pointer, "no such result of yours is stored")
            for pointer, reference in output_reference.references(task_input, "/input")
            if self.find(reference, owner) is None
        ]
        if faults:
            raise InvalidRequestError("the input refers to results that do not exist", faults)


def link_outputs(value: Any, link: Callable[[str], str]) -> Any:
    """
    Replace references by links that Kie.ai can fetch.

    Args:
        link: Makes a link of a reference.
    """

    def linked(text: str) -> str:
        return link(text) if output_reference.output_in(text) is not None else text

    return replace_texts(value, linked)


def _may_use(task: Task, owner: str) -> bool:
    return task.deleted_at is None and task.owner == owner
