"""What is known of a file besides its type."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MediaFacts:
    """
    Measures of a file; None where they make no sense or cannot be told.

    Attributes:
        width: In pixels, as shown: a picture that is to be turned counts as turned.
        animated: Whether a picture moves.
    """

    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    animated: bool | None = None


NOTHING_KNOWN = MediaFacts()
