"""What is told of every kind of problem that the API reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemType:
    """
    A kind of problem.

    Attributes:
        code: Stable word for programs.
        title: Short summary, the same for every occurrence (RFC 9457).
        meaning: What has happened.
        action: What the caller can do about it.
    """

    code: str
    status: int
    title: str
    meaning: str
    action: str
