"""
Small pictures of large ones.

Imported by ThumbnailFunction alone: Pillow lies in a layer of its own.
"""

import io
import struct

from PIL import Image, ImageOps

from kie_gateway.core.errors.storage_errors import SourceBrokenError

# Unfolded, a picture takes four bytes a pixel: this many fit beside a copy of it.
MOST_PIXELS = 80_000_000
CONTENT_TYPE = "image/webp"
_QUALITY = 80
# Larger files than this would not fit beside what they unfold to.
MOST_BYTES = 200 * 1024 * 1024
# The largest that WebP knows.
_MOST_HEIGHT = 16_383
# What results come in, and none of the readers of old formats.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")

# What Pillow raises over broken pictures.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, RuntimeError, TypeError, EOFError),
    *(LookupError, ArithmeticError, struct.error),
)

# We look at the size ourselves; Pillow would only warn of it.
Image.MAX_IMAGE_PIXELS = None


def thumbnail(picture: bytes, width: int) -> bytes:
    """
    Draw a WebP of at most so many pixels in width; of a moving picture its first frame.

    Raises:
        SourceBrokenError: It is no picture, or too large to unfold.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise SourceBrokenError("the picture is too large for a thumbnail")
            # JPEGs are unfolded at an eighth of their size at once, where that is enough.
            image.draft("RGB", (width * 2, width * 2))
            turned = ImageOps.exif_transpose(image)
            # Before it is made smaller: colours that are numbers of a palette cannot be mixed.
            drawn = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
            drawn.thumbnail((width, min(width * 20, _MOST_HEIGHT)), Image.Resampling.LANCZOS)
            small = io.BytesIO()
            drawn.save(small, "WEBP", quality=_QUALITY)
    except _BROKEN as error:
        raise SourceBrokenError(f"the picture cannot be read: {type(error).__name__}") from None
    return small.getvalue()
