"""Imports over HTTP: each item is read, tried and answered by itself."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from kie_gateway.core.errors import GatewayError
from kie_gateway.core.task import Task
from kie_gateway.flows.import_task import Imported
from kie_gateway.web.models import ImportItem, ImportResultBody, TaskBody
from kie_gateway.web.problems import Problem, problem_of, validation_problem


def import_item(
    index: int,
    raw: Mapping[str, Any],
    *,
    adopt: Callable[[ImportItem], Imported],
    present: Callable[[Task], TaskBody],
    request_id: str,
) -> ImportResultBody:
    """Adopt one item; trouble with it is its own result."""
    try:
        imported = adopt(ImportItem.model_validate(raw))
    except ValidationError as error:
        faults = [{**fault, "loc": ("items", index, *fault["loc"])} for fault in error.errors()]
        return _refused(index, validation_problem(faults), request_id)
    except GatewayError as error:
        return _refused(index, problem_of(error), request_id)
    status = 201 if imported.is_new else 200
    return ImportResultBody(index=index, status=status, task=present(imported.task), problem=None)


def _refused(index: int, problem: Problem, request_id: str) -> ImportResultBody:
    return ImportResultBody(
        index=index, status=problem.status, task=None, problem=problem.body(request_id)
    )
