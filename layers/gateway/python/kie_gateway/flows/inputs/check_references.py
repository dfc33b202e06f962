"""
References to earlier work at Kie.ai in a task's input, such as the clip that is to be extended.

One account at Kie.ai serves every owner, and whoever knows the id of a task there gets its result
again: enlarged, extended, as a film or as separate tracks. So an id that this gateway knows as
another owner's is refused, in the words for an id that Kie.ai does not know. An id that the
gateway does not know was made elsewhere with the same account, and is anybody's who knows it, as
with imports (`docs/decisions/0013-whose-work-is-followed-up.md`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.inputs.json_pointer import children
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task

NO_SUCH_TASK = "Kie.ai knows no such task of yours"
NO_SUCH_RESULT = "Kie.ai knows no such track of yours"


class Named(Enum):
    """What an id in an input is of."""

    TASK = "task"
    RESULT = "result"


_ENDINGS = {
    "taskid": Named.TASK,
    "taskids": Named.TASK,
    "audioid": Named.RESULT,
    "audioids": Named.RESULT,
}


@dataclass(frozen=True)
class Reference:
    """An id in an input, and the JSON pointer to it."""

    named: Named
    upstream_id: str
    pointer: str


@dataclass(frozen=True)
class CheckReferences:
    """Makes sure that no reference leads to another owner's work, deleted or not."""

    tasks: TaskStore

    def __call__(self, task_input: Mapping[str, Any], owner: str) -> None:
        """
        Check the references of one input.

        Raises:
            InvalidRequestError: Naming each reference that does.
        """
        faults = [
            FieldFault(one.pointer, NO_SUCH_TASK if one.named is Named.TASK else NO_SUCH_RESULT)
            for one in references(task_input, "/input")
            if _is_anothers(self._find(one), owner)
        ]
        if faults:
            raise InvalidRequestError("the input names work that is not yours", faults)

    def _find(self, reference: Reference) -> Sequence[Task]:
        if reference.named is Named.TASK:
            return self.tasks.find_by_upstream(reference.upstream_id)
        maker = self.tasks.find_by_result(reference.upstream_id)
        return [] if maker is None else [maker]


def references(value: Any, pointer: str = "") -> Iterator[Reference]:
    """
    Find ids of Kie's tasks and tracks in an input.

    Whatever the family, they stand under `taskId`, `audio_id` or a name that ends so, alone or in
    a list; which of the names a model reads is Kie.ai's business.
    """
    for part, place, inner in children(value, pointer):
        named = _named_by(part) if isinstance(part, str) else None
        if named is not None:
            yield from _ids(named, inner, place)
        yield from references(inner, place)


def _named_by(name: str) -> Named | None:
    plain = name.lower().replace("_", "").replace("-", "")
    return next((named for ending, named in _ENDINGS.items() if plain.endswith(ending)), None)


def _ids(named: Named, value: Any, pointer: str) -> Iterator[Reference]:
    match value:
        case str() if value.strip():
            # Kie.ai may be less strict about spaces than an index is.
            yield Reference(named, value.strip(), pointer)
        case list():
            for index, inner in enumerate(value):
                if isinstance(inner, str):
                    yield from _ids(named, inner, f"{pointer}/{index}")


def _is_anothers(found: Sequence[Task], owner: str) -> bool:
    return bool(found) and all(task.paying_owner != owner for task in found)
