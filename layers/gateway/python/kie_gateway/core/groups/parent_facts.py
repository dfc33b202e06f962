"""What a child's placeholders may name: its parent's input, and its results once they are there."""

from collections.abc import Callable, Mapping
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


def facts_of(
    task: Task,
    asked: Mapping[str, Any],
    *,
    has_permalinks: bool = True,
    link: Callable[[Output], str] | None = None,
) -> dict[str, Any]:
    """
    Return what the placeholders of a task's children stand for.

    Args:
        asked: The whole input that the task was asked for with, whichever model has delivered.
        has_permalinks: Whether stored files have any.
        link: Makes the link to an output; None for a reference, which becomes a link when the child
            is sent.
    """

    def output_facts(output: Output) -> dict[str, Any]:
        fields = {name: getattr(output, name) for name in _OUTPUT_FIELDS}
        made = link(output) if link is not None else reference_to(task.task_id, output.index)
        return {**fields, **_links(made, has_permalinks=has_permalinks)}

    return {
        **_known(task.task_id, task.model, asked, task.metadata),
        "outputs": [output_facts(output) for output in task.outputs],
        "result": dict(task.upstream_facts),
    }


def expected_facts(
    task_id: str,
    model: str,
    task_input: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    has_ended: bool,
    has_permalinks: bool = True,
) -> dict[str, Any]:
    """
    Return the same for a task that does not exist yet, with examples of what is not known.

    Args:
        has_ended: Whether its results are there when the placeholders are filled.
        has_permalinks: Whether stored files have any.
    """
    known = _known(task_id, model, task_input, metadata)
    if not has_ended:
        return known
    outputs = [
        {
            **_OUTPUT_FIELDS,
            **_links(reference_to(task_id, index), has_permalinks=has_permalinks),
            "index": index,
        }
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


def _links(link: str, *, has_permalinks: bool) -> dict[str, str | None]:
    return {"url": link, "permalink": link if has_permalinks else None}
