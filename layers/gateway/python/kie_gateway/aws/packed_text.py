"""Long texts that repeat themselves, as an item of the table holds them: compressed, in Base64."""

import zlib
from base64 import b64decode, b64encode


def pack(text: str) -> str:
    """Compress a text."""
    return b64encode(zlib.compress(text.encode())).decode()


def unpack(text: str) -> str:
    """Undo `pack`."""
    return zlib.decompress(b64decode(text)).decode()
