"""
References to earlier work at Kie.ai in a task's input, such as the clip that is to be extended.

One account at Kie.ai serves every owner, and whoever knows the id of a task there gets its result
again: enlarged, extended, as a film or as separate tracks. So an id that this gateway knows as
another owner's is refused, in the words for an id that Kie.ai does not know. An id that the
gateway does not know was made elsewhere with the same account, and is anybody's who knows it, as
with imports (`docs/decisions/0013-whose-work-is-followed-up.md`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.core.errors import FieldFault, InvalidRequestError
from kie_gateway.core.json_pointer import children
from kie_gateway.core.task import Task

NO_SUCH_TASK = "Kie.ai knows no such task of yours"


def check_references(
    task_input: Mapping[str, Any], owner: str, find: Callable[[str], Sequence[Task]]
) -> None:
    """
    Make sure that no reference leads to another owner's work.

    Args:
        find: Finds tasks by Kie's id; deleted ones are still nobody else's.

    Raises:
        InvalidRequestError: Naming each reference that does.
    """
    faults = [
        FieldFault(pointer, NO_SUCH_TASK)
        for pointer, upstream_task_id in references(task_input, "/input")
        if _is_anothers(find(upstream_task_id), owner)
    ]
    if faults:
        raise InvalidRequestError("the input names work that is not yours", faults)


def references(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """
    Find ids of Kie's tasks in an input, each with its JSON pointer.

    Whatever the family, they stand under `taskId`, `task_id` or a name that ends so, alone or in a
    list; which of the names a model reads is Kie.ai's business.
    """
    for part, place, inner in children(value, pointer):
        if isinstance(part, str) and _names_tasks(part):
            yield from _ids(inner, place)
        yield from references(inner, place)


def _names_tasks(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return plain.endswith(("taskid", "taskids"))


def _ids(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    match value:
        case str() if value.strip():
            # Kie.ai may be less strict about spaces than an index is.
            yield pointer, value.strip()
        case list():
            for index, inner in enumerate(value):
                if isinstance(inner, str):
                    yield from _ids(inner, f"{pointer}/{index}")


def _is_anothers(found: Sequence[Task], owner: str) -> bool:
    return bool(found) and all(task.paying_owner != owner for task in found)
