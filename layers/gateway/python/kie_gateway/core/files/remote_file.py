"""A file on its way: what is being downloaded, and what is stored in the end."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

# Enough for what stands before the size of a picture: descriptions, colours, marks of origin.
HEAD_BYTES = 256 * 1024


class RemoteFile(Protocol):
    """A body that can be read once, from its first byte to its last."""

    @property
    def url(self) -> str:
        """Where the body comes from, after redirects; may carry a signature in its query."""

    @property
    def content_length(self) -> int | None:
        """Announced size in bytes, None if the host did not say."""

    @property
    def header_content_type(self) -> str | None:
        """What the host calls it, which is often wrong."""

    @property
    def head(self) -> bytes:
        """The first bytes, up to `HEAD_BYTES`; `read` hands them out again."""

    @property
    def bytes_read(self) -> int:
        """How many bytes `read` has handed out."""

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes that `read` has handed out."""

    def read(self, size: int, /) -> bytes:
        """Hand out exactly `size` bytes, fewer only at the end of the body."""

    def finish(self) -> None:
        """Make sure that the whole body was read, and that it is whole."""


class InlineFile:
    """A result that stood in Kie's answer itself, read like a download."""

    url = ""

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self.content_length: int | None = len(body)
        self.header_content_type: str | None = content_type
        self.head = body[:HEAD_BYTES]
        self.bytes_read = 0

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes that `read` has handed out."""
        return hashlib.sha256(self._body[: self.bytes_read]).hexdigest()

    def read(self, size: int, /) -> bytes:
        """Hand out bytes."""
        part = self._body[self.bytes_read : self.bytes_read + size]
        self.bytes_read += len(part)
        return part

    def finish(self) -> None:
        """Do nothing: what is in memory is whole."""


@dataclass(frozen=True)
class StoredFile:
    """
    What is in the bucket now.

    Attributes:
        bytes: Size of the object.
        sha256: Hex digest of the object.
    """

    bytes: int
    sha256: str
