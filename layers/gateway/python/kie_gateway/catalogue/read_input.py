"""Read a caller's input as the model takes it, before it costs anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from kie_gateway.catalogue.catalogue import find
from kie_gateway.catalogue.check import check_input, fill, spelt
from kie_gateway.core.errors.caller_errors import (
    FieldFault,
    InvalidRequestError,
    ModelRetiredError,
)


def read_input(
    model_id: str, given: Mapping[str, Any], *, checked: bool, examples: Sequence[str] = ()
) -> Mapping[str, Any]:
    """
    Return the input of a task as it is sent to Kie.ai.

    Args:
        checked: Whether the catalogue's facts about a known model count: its status, the schema of
            its input, and the defaults of required fields.
        examples: JSON pointers to values that stand for others of the same type, so that only their
            types count.

    Raises:
        ModelRetiredError: Kie.ai does not offer the model any more.
        InvalidRequestError: The input does not fit it.
    """
    model = find(model_id)
    if model is None:
        return given
    if not checked:
        return spelt(model, given)
    if model.status == "retired":
        detail = "retired by Kie.ai; GET /v1/models lists the models that are available"
        raise ModelRetiredError("the model is retired", [FieldFault("/model", detail)])
    task_input = fill(model, given)
    if faults := check_input(model, task_input, examples):
        raise InvalidRequestError(f"the input does not fit {model_id}", faults)
    return task_input
