"""A download of which the ends are kept for measuring."""

from collections import deque
from collections.abc import Callable

from kie_gateway.core.files.remote_file import RemoteFile

# Enough for the index of a film, which stands at either end of it.
SKIMMED_BYTES = 1024 * 1024


class SkimmedFile:
    """
    A download that keeps the hold while it is read, and its first and last bytes for measuring.

    Attributes:
        start: First bytes, up to `SKIMMED_BYTES`.
    """

    def __init__(self, file: RemoteFile, keep: Callable[[], None]) -> None:
        self._file = file
        self._keep = keep
        self.start = b""
        self._last: deque[bytes] = deque()
        self._last_bytes = 0

    @property
    def end(self) -> bytes:
        """The last bytes handed out so far."""
        return b"".join(self._last)[-SKIMMED_BYTES:]

    @property
    def url(self) -> str:
        """Where the body comes from."""
        return self._file.url

    @property
    def content_length(self) -> int | None:
        """Announced size."""
        return self._file.content_length

    @property
    def header_content_type(self) -> str | None:
        """What the host calls it."""
        return self._file.header_content_type

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return self._file.head

    @property
    def bytes_read(self) -> int:
        """How many bytes `read` has handed out."""
        return self._file.bytes_read

    @property
    def sha256(self) -> str:
        """Hex digest of those."""
        return self._file.sha256

    def read(self, size: int, /) -> bytes:
        """Hand out bytes; renew the hold if it is time."""
        self._keep()
        part = self._file.read(size)
        if len(self.start) < SKIMMED_BYTES:
            self.start += part[: SKIMMED_BYTES - len(self.start)]
        self._last.append(part)
        self._last_bytes += len(part)
        while self._last_bytes - len(self._last[0]) >= SKIMMED_BYTES:
            self._last_bytes -= len(self._last.popleft())
        return part

    def finish(self) -> None:
        """Make sure that the whole body was read."""
        self._file.finish()
