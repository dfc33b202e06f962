"""Why a task failed."""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What kind of trouble ended a task."""

    INPUT = "input"
    CONTENT_POLICY = "content_policy"
    UPSTREAM = "upstream"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    INSUFFICIENT_CREDITS = "insufficient_credits"
    STORAGE = "storage"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Failure:
    """
    Why a task failed.

    Attributes:
        code: Kie's code as text, or a word of ours.
        message: Kie's words where there are any.
        retryable: Whether a new task with the same input may succeed.
    """

    code: str
    category: Category
    message: str
    retryable: bool
