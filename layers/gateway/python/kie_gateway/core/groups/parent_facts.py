"""What a child's placeholders may name: its parent's input, and its results once they are there."""

from collections.abc import Mapping
from typing import Any

from kie_gateway.core.inputs.output_reference import reference_to
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task

# What Kie.ai may tell of a result (`Task.upstream_facts`), each with an example of its type.
RESULT_FACTS: Mapping[str, Any] = {
    "title": "a title",
    "prompt": "a prompt",
    "tags": "tags",
    "seed": 1,
    "seeds": 1,
    "resolution": "1080p",
    "modelName": "a model",
}
_OUTPUT_FIELDS: Mapping[str, Any] = {
    "media": "image",
    "content_type": "image/png",
    "bytes": 1,
    "sha256": "0" * 64,
    "width": 1024,
    "height": 1024,
    "duration_seconds": 1.5,
    "upstream_id": "an id",
    "index": 0,
}
# No task has as many results as could be named.
_MOST_OUTPUTS = 300


def facts_of(task: Task, asked: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what the placeholders of a task's children stand for.

    Args:
        asked: The whole input that the task was asked for with, whichever model has delivered.
    """
    return {
        **_known(task.task_id, task.model, asked, task.metadata),
        "outputs": [_output(task.task_id, output) for output in task.outputs],
        "result": dict(task.upstream_facts),
    }


def expected_facts(
    task_id: str,
    model: str,
    task_input: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    has_ended: bool,
) -> dict[str, Any]:
    """
    Return the same for a task that does not exist yet, with examples of what is not known.

    Args:
        has_ended: Whether its results are there when the placeholders are filled.
    """
    known = _known(task_id, model, task_input, metadata)
    if not has_ended:
        return known
    outputs = [
        {**_OUTPUT_FIELDS, **_links(task_id, index), "index": index}
        for index in range(_MOST_OUTPUTS)
    ]
    return {**known, "outputs": outputs, "result": dict(RESULT_FACTS)}


def _known(
    task_id: str, model: str, task_input: Mapping[str, Any], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": task_id,
        "model": model,
        "input": dict(task_input),
        "metadata": dict(metadata),
    }


def _output(task_id: str, output: Output) -> dict[str, Any]:
    fields = {name: getattr(output, name) for name in _OUTPUT_FIELDS}
    return {**fields, **_links(task_id, output.index)}


def _links(task_id: str, index: int) -> dict[str, str]:
    """Return references, which become links when the child is sent."""
    reference = reference_to(task_id, index)
    return {"url": reference, "permalink": reference}
