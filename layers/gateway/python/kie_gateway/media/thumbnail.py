"""
Small pictures of large ones.

Imported by ThumbnailFunction alone: Pillow lies in a layer of its own.
"""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from kie_gateway.core.errors import SourceBrokenError

# Unfolded, a picture takes four bytes a pixel: this many fit beside a copy of it.
MOST_PIXELS = 80_000_000
CONTENT_TYPE = "image/webp"
_QUALITY = 80


def thumbnail(picture: bytes, width: int) -> bytes:
    """
    Draw a WebP of at most so many pixels in width; of a moving picture its first frame.

    Raises:
        SourceBrokenError: It is no picture, or too large to unfold.
    """
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise SourceBrokenError("the picture is too large for a thumbnail")
            # JPEGs are unfolded at an eighth of their size at once, where that is enough.
            image.draft("RGB", (width * 2, width * 2))
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail((width, width * 20), Image.Resampling.LANCZOS)
            drawn = io.BytesIO()
            turned.convert("RGBA" if _has_alpha(turned) else "RGB").save(
                drawn, "WEBP", quality=_QUALITY
            )
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise SourceBrokenError(f"the picture cannot be read: {type(error).__name__}") from None
    return drawn.getvalue()


def _has_alpha(image: Image.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info
