"""Find or make a thumbnail of a stored picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.files.bucket_keys import is_preview, thumbnail_key
from kie_gateway.core.results import Output

# Few widths, so that few thumbnails are kept of each picture.
WIDTHS = (160, 320, 640, 1280)


class Thumbnails(Protocol):
    """Draws thumbnails."""

    def make(self, source: str, target: str, width: int) -> str | None:
        """
        Draw a thumbnail of one object of the bucket into another.

        Returns:
            Why there is none, None if it is there now.

        Raises:
            BackendUnavailableError: The drawer did not answer; asking again is right.
        """


@dataclass(frozen=True)
class MakeThumbnail:
    """
    Makes thumbnails when they are first asked for.

    Attributes:
        size_of: Tells the size of an object of the bucket, None if there is none.
    """

    size_of: Callable[[str], int | None]
    thumbnails: Thumbnails

    def __call__(self, output: Output, asked_width: int) -> str:
        """
        Find the thumbnail of the next larger of `WIDTHS`; make it if it is not there yet.

        Args:
            asked_width: In pixels, at most the largest of `WIDTHS`.

        Returns:
            Its key in the bucket; that of the picture itself if that is no wider, or a preview,
            which is small anyway.

        Raises:
            InvalidRequestError: The output is no picture, or none that can be read.
            BackendUnavailableError: It could not be made now.
        """
        if output.media != "image":
            raise InvalidRequestError(
                "only images have thumbnails",
                [FieldFault("/w", f"the output is of the kind {output.media}")],
            )
        width = next(width for width in WIDTHS if width >= asked_width)
        if is_preview(output.key) or (output.width is not None and output.width <= width):
            return output.key
        key = thumbnail_key(output.key, width)
        if self.size_of(key) is None:
            why = self.thumbnails.make(output.key, key, width)
            if why is not None:
                raise InvalidRequestError(why, [FieldFault("/w", why)])
        return key
