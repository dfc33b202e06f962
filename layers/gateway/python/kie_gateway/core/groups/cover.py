"""A cover for a track: what is asked for, and whether a track has come with one."""

from dataclasses import dataclass

from kie_gateway.core.files.quality import is_smaller
from kie_gateway.core.task import Task

# What the child is called that makes one.
NAME = "cover"


@dataclass(frozen=True)
class Cover:
    """
    A picture for a track, made if the track comes with none that is large enough.

    Attributes:
        model: That makes it, None for the deployment's choice.
        prompt: None for what is known of the track.
    """

    min_width: int
    min_height: int
    model: str | None = None
    prompt: str | None = None

    @property
    def least(self) -> tuple[int, int]:
        """The smallest picture that will do."""
        return self.min_width, self.min_height


def is_pictured(task: Task) -> bool:
    """Whether a task's own result has a picture that counts."""
    if task.least_picture is None:
        return False
    return any(
        one.media == "image" and not is_smaller(one.width, one.height, task.least_picture)
        for one in task.outputs
    )
