"""A file of which only the first and last bytes are at hand, for readers that seek."""

import io
from typing import override


class GapError(OSError):
    """What a reader wants lies between the bytes that were kept."""


class Skimmed(io.RawIOBase):
    """
    The first and last bytes of a file, at their places.

    Args:
        start: First bytes.
        end: Last bytes; may overlap with the first.
        size: Of the whole file.
    """

    def __init__(self, start: bytes, end: bytes, size: int) -> None:
        super().__init__()
        self._start = start
        self._end = end
        self._size = max(size, len(start))
        self._end_at = self._size - len(end)
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._position

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    @override
    def read(self, size: int = -1, /) -> bytes:
        at = self._position
        until = self._size if size < 0 else min(at + size, self._size)
        if at >= until:
            return b""
        part = self._part(at, until)
        self._position = until
        return part

    def _part(self, at: int, until: int) -> bytes:
        if until <= len(self._start):
            return self._start[at:until]
        if at >= self._end_at:
            return self._end[at - self._end_at : until - self._end_at]
        if len(self._start) >= self._end_at:
            return (
                self._start[at:]
                + self._end[max(len(self._start), at) - self._end_at :][
                    : until - max(len(self._start), at)
                ]
            )
        raise GapError("between the first and the last bytes")
