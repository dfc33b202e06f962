"""
A task's input: in the record if it is small, and else beside it in the bucket.

Every move of a task rewrites its record, and DynamoDB bills by its size, so a picture sent as a
`data:` link would be paid for ten times over; and one that just fits into an item at creation
leaves no room for anything that is written later. So the record holds a large input as an excerpt.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kie_gateway.core.keepable import excerpt, size_of
from kie_gateway.core.task import Task

# A prompt with its options is smaller. An object costs as much as one kilobyte in ten writes.
LARGEST_INLINE_BYTES = 4096


def with_excerpt(task: Task) -> Task:
    """Leave an excerpt of an input that is too large for the record."""
    size = size_of(task.input)
    if size <= LARGEST_INLINE_BYTES:
        return task
    return replace(task, input=excerpt(task.input, LARGEST_INLINE_BYTES), input_bytes=size)


def with_input(task: Task, task_input: Mapping[str, Any]) -> Task:
    """Replace an input's excerpt by the whole input."""
    return replace(task, input=task_input, input_bytes=None)
