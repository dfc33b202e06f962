"""
Whether Kie.ai has ever shown that it has a task.

Its records appear with a delay, and until then its answers speak of the question and not of the
task. From the moment on when a state of the task was told, in an answer or in a webhook, an answer
without a record can only be about the task.
"""

from dataclasses import replace

from kie_gateway.core.moves.move import Move
from kie_gateway.core.task import Status, Task


def was_seen(task: Task) -> bool:
    """Whether a state of the task was ever told."""
    return task.upstream_state is not None


def note_sighting(task: Task, state: str) -> Move | None:
    """Record that a webhook tells of the task; None if that is known, or no matter any more."""
    waiting = task.status in (Status.QUEUED, Status.RUNNING, Status.EXPIRED)
    if not waiting or was_seen(task) or not state:
        return None
    return Move(replace(task, upstream_state=state[:60]))
