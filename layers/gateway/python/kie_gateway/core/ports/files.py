"""Files and where they are kept, as flows need them; `aws/` and `fetch/` provide them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from kie_gateway.core.files.remote_file import RemoteFile, StoredFile


class Archive(Protocol):
    """Raw bodies, kept for replay."""

    def put_raw(self, key: str, body: bytes, content_type: str) -> None:
        """Keep a body."""


class RawArchive(Archive, Protocol):
    """Raw bodies, to be read again."""

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys of all bodies that start so, in order."""

    def get_raw(self, key: str) -> bytes:
        """Read a body."""


class InputLinks(Protocol):
    """The hosts that callers' links lead to."""

    def faults(self, urls: Sequence[str], seconds: float) -> Mapping[str, str]:
        """
        Return why links lead to no file, as far as that is proven; the others are left out.

        Args:
            urls: Different http and https links.
            seconds: How long all of it may take.
        """


class OutputStore(Protocol):
    """Where results are kept."""

    def store(
        self,
        file: RemoteFile,
        *,
        key: str,
        content_type: str,
        content_disposition: str,
        cache_control: str,
        tags: str = "",
        replaces: str | None = None,
    ) -> StoredFile:
        """
        Copy a file; nothing half-written stays behind when it raises StorageError.

        Args:
            replaces: The version that may be written over, as `version` told it; None if nothing
                may be.

        Raises:
            KeyTakenError: Something else lies there, and stays.
        """

    def version(self, key: str) -> str | None:
        """Return the version of what is stored under a key; None if nothing is."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    def delete_folder(self, prefix: str) -> None:
        """Remove every file whose key starts so."""


class Files(Protocol):
    """The file hosts of Kie.ai."""

    def open(self, url: str) -> AbstractContextManager[RemoteFile]:
        """Open a result for reading. Raises StorageError."""
