"""Steps: what a task tells of itself before its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """
    An event on the way.

    Attributes:
        share: Of the task's time, when the event is told.
        files: How many of the task's files are there from then on.
        is_safe: Whether a task that fails comes so far.

    """

    name: str
    share: float
    files: int
    is_safe: bool


# Suno writes the words first, then sings; a track is a sound and its picture.
_MUSIC = (Step("text", 0.4, 0, is_safe=True), Step("first", 0.7, 2, is_safe=False))
AT_ONCE = "at once"
PLANS: dict[str, tuple[Step, ...]] = {"": (), AT_ONCE: (), "music": _MUSIC}
END = "end"
