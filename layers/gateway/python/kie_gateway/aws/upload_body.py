"""Downloads in the shape that uploads to S3 read from."""

from io import UnsupportedOperation

from kie_gateway.core.files.remote_file import RemoteFile

# S3 wants 8 KiB at least in every chunk of an upload but the last. botocore asks for 1 MiB at a
# time and copies what is left of it for each 16 KiB it sends, so less is faster.
CHUNK_BYTES = 128 * 1024


class UploadBody:
    """
    A file in the shape that uploads read from.

    Attributes:
        failure: What reading raised: botocore hides it behind an error of its own.
    """

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """Read on; a body that ends before it should raises, and the upload with it."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        try:
            part = self._file.read(size)
            if len(part) < size:
                self._file.finish()
        except Exception as exc:
            self.failure = exc
            raise
        return part


class SizedUploadBody(UploadBody):
    """The same for one request: its length is told in advance, and it comes in handy pieces."""

    def __len__(self) -> int:
        # Not the ContentLength parameter: botocore before March 2026 sends it beside
        # "Transfer-Encoding: chunked", which S3 refuses, and Lambda may bring an old one.
        return self._file.content_length or 0

    def read(self, size: int = -1) -> bytes:
        """Read at most one chunk."""
        return super().read(min(size, CHUNK_BYTES))

    def seek(self, offset: int) -> None:
        """Let botocore try again after a refusal or a lost connection, unless reading has begun."""
        if offset or self._file.bytes_read:
            raise UnsupportedOperation("a download cannot be rewound")
