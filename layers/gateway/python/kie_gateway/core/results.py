"""Results: as Kie.ai gave them, as they are stored, and those that are missing."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


@dataclass(frozen=True)
class Source:
    """
    A result as Kie.ai gave it.

    Attributes:
        url: A link that expires; empty where the result stood in the answer itself.
        alternates: Other links to the same result, to be tried when the first brings nothing.
        content: The result itself, such as lyrics; None where there is a link.
        content_type: Of `content`.
        duration_seconds: As Kie.ai says, None if it does not.
        is_base64: Whether `content` is the base64 of the result's bytes, and not its text.
        upstream_id: Kie's own id of it, by which follow-ups name it, such as a track's `audioId`.
        is_beside: Whether it only goes with the results, like a track's picture: it is kept if it
            can be had, and never missing. None for results.
    """

    url: str
    alternates: tuple[str, ...] = ()
    content: str | None = None
    content_type: str | None = None
    duration_seconds: float | None = None
    is_base64: bool | None = None
    upstream_id: str | None = None
    is_beside: bool | None = None

    @classmethod
    def of_bytes(cls, body: bytes, content_type: str) -> Self:
        """Make a source of a file that stood in the answer itself; small, as it is kept with it."""
        return cls("", content=b64encode(body).decode(), content_type=content_type, is_base64=True)

    @property
    def body(self) -> bytes | None:
        """The bytes of `content`, None where there is a link."""
        if self.content is None:
            return None
        return b64decode(self.content) if self.is_base64 else self.content.encode()


class Cure(StrEnum):
    """What may still bring a result that is missing."""

    TIME = "time"
    PERSON = "person"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Missing:
    """
    A result that is not in the bucket.

    Attributes:
        index: Position among the outputs, from 0, in Kie's order.
        reason: Why, in words without secrets.
        cure: `time`: it is copied again; `person`: once somebody has seen to the cause; `nothing`:
            Kie.ai promised it and never gave it.
    """

    index: int
    reason: str
    cure: Cure


@dataclass(frozen=True)
class Output:
    """
    A stored result.

    Attributes:
        index: Position among the outputs, from 0, in Kie's order.
        media: `image`, `video`, `audio`, `text`, `archive` or `other`.
        key: Where it lies in the bucket.
        sha256: Lower-case hex.
        source_url: Kie's link without its query, which has an end of its own.
        animated: Whether a picture moves; None for everything else.
        upstream_id: Kie's own id of it, None where it has none.
    """

    index: int
    media: str
    content_type: str
    bytes: int
    sha256: str
    key: str
    source_url: str
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    animated: bool | None = None
    upstream_id: str | None = None
