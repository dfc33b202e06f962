"""Imports over HTTP: each item is read, tried and answered by itself."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.task import Task
from kie_gateway.flows.tasks.import_task import Imported
from kie_gateway.flows.tasks.request_import import ImportRequest
from kie_gateway.web.problems import Problem, problem_of, validation_problem
from kie_gateway.web.schemas import Problem as ProblemSchema
from kie_gateway.web.tasks import schemas
from kie_gateway.web.tasks.import_schemas import ImportResult, ImportUpstreamTask, ImportUrl

_WAYS: dict[str, type[ImportUpstreamTask] | type[ImportUrl]] = {
    "upstream_task_id": ImportUpstreamTask,
    "url": ImportUrl,
}


def import_item(
    index: int,
    raw: Any,
    *,
    owner: str,
    adopt: Callable[[ImportRequest], Imported],
    present: Callable[[Task], schemas.Task],
    problem_body: Callable[[Problem], Mapping[str, Any]],
) -> ImportResult:
    """
    Adopt one item; trouble with it is its own result.

    Args:
        raw: The item as it was sent.
        problem_body: Writes the body of a problem.
    """
    try:
        imported = adopt(_request(owner, raw))
    except ValidationError as error:
        faults = [{**fault, "loc": ("items", index, *fault["loc"])} for fault in error.errors()]
        return _refused(index, validation_problem(faults), problem_body)
    except GatewayError as error:
        problem = problem_of(error)
        # Flows know an item by itself, and not that it is one of several.
        located = [FieldFault(f"/items/{index}{one.pointer}", one.detail) for one in problem.faults]
        return _refused(index, replace(problem, faults=located), problem_body)
    status = 201 if imported.is_new else 200
    return ImportResult(index=index, status=status, task=present(imported.task), problem=None)


def _request(owner: str, raw: Any) -> ImportRequest:
    """Read an item in the one of two ways that it names."""
    given = dict(raw) if isinstance(raw, Mapping) else {}
    named = [name for name in _WAYS if given.get(name) is not None]
    if isinstance(raw, Mapping) and len(named) != 1:
        fault = FieldFault("", "must have either upstream_task_id or url")
        raise InvalidRequestError(fault.detail, [fault])
    way = _WAYS[named[0]] if named else ImportUpstreamTask
    other = {name: value for name, value in given.items() if name not in _WAYS or name in named}
    item = way.model_validate(other if isinstance(raw, Mapping) else raw)
    return ImportRequest(owner=owner, **item.model_dump())


def _refused(
    index: int, problem: Problem, body: Callable[[Problem], Mapping[str, Any]]
) -> ImportResult:
    told = ProblemSchema.model_validate(body(problem))
    return ImportResult(index=index, status=problem.status, task=None, problem=told)
