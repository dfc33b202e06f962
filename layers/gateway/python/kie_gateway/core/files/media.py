"""
What a file is, told from its first bytes.

The own table replaces a library after a trial: puremagic calls MP3 frames "mp1" and ZIP a Word
document and costs 27 ms to import; filetype is untyped, knows no text, JSON, HTML or SVG, and takes
some AVIF for HEIC and some MP4 for nothing.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

type Media = Literal["image", "video", "audio", "text", "archive", "other"]


@dataclass(frozen=True)
class MediaType:
    """
    A kind of file.

    Attributes:
        extension: Usual file name ending, without the dot.
        active: Whether a browser would run what is inside: never serve it inline.
    """

    media: Media
    content_type: str
    extension: str
    active: bool = False

    @property
    def is_page(self) -> bool:
        """Whether hosts send such instead of a file: no model makes pages."""
        return self.active and self.media == "text"


UNKNOWN = MediaType("other", "application/octet-stream", "bin")
TEXT = MediaType("text", "text/plain; charset=utf-8", "txt")
JSON = MediaType("text", "application/json", "json")
XML = MediaType("text", "application/xml", "xml", active=True)
HTML = MediaType("text", "text/html; charset=utf-8", "html", active=True)
SVG = MediaType("image", "image/svg+xml", "svg", active=True)
AVIF = MediaType("image", "image/avif", "avif")
HEIC = MediaType("image", "image/heic", "heic")
MP4 = MediaType("video", "video/mp4", "mp4")
MOV = MediaType("video", "video/quicktime", "mov")
M4A = MediaType("audio", "audio/mp4", "m4a")
WEBM = MediaType("video", "video/webm", "webm")
MKV = MediaType("video", "video/x-matroska", "mkv")
MP3 = MediaType("audio", "audio/mpeg", "mp3")
AAC = MediaType("audio", "audio/aac", "aac")

# First match wins; a dot stands for any byte (re.DOTALL).
_SIGNATURES: tuple[tuple[re.Pattern[bytes], MediaType], ...] = tuple(
    (re.compile(pattern, re.DOTALL), media_type)
    for pattern, media_type in (
        (rb"\x89PNG\r\n\x1a\n", MediaType("image", "image/png", "png")),
        (rb"\xff\xd8\xff", MediaType("image", "image/jpeg", "jpg")),
        (rb"GIF8[79]a", MediaType("image", "image/gif", "gif")),
        (rb"RIFF....WEBP", MediaType("image", "image/webp", "webp")),
        # Two letters prove little: the reserved words and the length of the header must fit too.
        (rb"BM.{4}\0{4}.{4}[\x0c-\x7c]\0\0\0", MediaType("image", "image/bmp", "bmp")),
        (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", MediaType("image", "image/tiff", "tiff")),
        (rb"RIFF....WAVE|RF64....WAVE", MediaType("audio", "audio/wav", "wav")),
        (rb"fLaC", MediaType("audio", "audio/flac", "flac")),
        (rb"OggS\0.{20,60}\x80theora", MediaType("video", "video/ogg", "ogv")),
        (rb"OggS\0", MediaType("audio", "audio/ogg", "ogg")),
        # A tag, or the header of a first frame: layer III and a bitrate, or ADTS.
        (rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", MP3),
        (rb"\xff[\xf0\xf1\xf8\xf9]|ADIF", AAC),
        (rb"PK\x03\x04|PK\x05\x06", MediaType("archive", "application/zip", "zip")),
        (rb"%PDF-", MediaType("other", "application/pdf", "pdf")),
    )
)

_IMAGE_BRANDS = {b"avif": AVIF, b"avis": AVIF, b"heic": HEIC, b"heix": HEIC, b"hevc": HEIC}
_BRANDS = _IMAGE_BRANDS | {b"qt  ": MOV, b"M4A ": M4A, b"M4B ": M4A}
# Old QuickTime files start with one of these boxes instead of `ftyp`.
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"
_HTML_START = re.compile(
    rb"<(!doctype\s+html|html|head|body|script|iframe|title|meta|table|style|img|div|p|h1|a|b|br)"
    rb"[\s/>]",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    rb"\A(?:\s|<\?.*?\?>|<!--.*?-->|<!doctype\s+svg[^>]*>)*", re.DOTALL | re.IGNORECASE
)
_MARKUP = re.compile(rb"<[a-z!?]", re.IGNORECASE)
_JSON_START = re.compile(rb'\{\s*"|\[\s*[\[{"\d-]')
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def identify(head: bytes) -> MediaType:
    """
    Return what a file is.

    Args:
        head: Its first bytes; a few thousand suffice, fewer than 16 often do not.

    Returns:
        `UNKNOWN` where nothing fits: a guess would end up in a Content-Type header.
    """
    if media_type := _container(head):
        return media_type
    for pattern, media_type in _SIGNATURES:
        if pattern.match(head):
            return media_type
    return _text(head)


def _container(head: bytes) -> MediaType | None:
    """Distinguish formats that share one container, by a name inside it."""
    if head.startswith(_EBML):
        doctype = re.search(rb"\x42\x82.{1,8}?(webm|matroska)", head[:256], re.DOTALL)
        return WEBM if doctype and doctype[1] == b"webm" else MKV
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    return MOV if head[4:8] in _QUICKTIME_BOXES and head[0] == 0 else None


def _iso_media(head: bytes) -> MediaType:
    """Let the major brand decide, and for `mif1`, which says little, an image brand beside it."""
    end = min(int.from_bytes(head[:4]), len(head))
    major, compatible = head[8:12], [head[at : at + 4] for at in range(16, end - 3, 4)]
    if major in _BRANDS:
        return _BRANDS[major]
    if major in (b"mif1", b"msf1"):
        return next((_IMAGE_BRANDS[brand] for brand in compatible if brand in _IMAGE_BRANDS), HEIC)
    return MP4


def _text(head: bytes) -> MediaType:
    """Anything a browser might take for markup counts as such: better a download than a script."""
    if not head or not _is_utf8(head):
        return UNKNOWN
    body = head.removeprefix(b"\xef\xbb\xbf")
    start = _PREAMBLE.sub(b"", body, count=1)
    if start[:4].lower() == b"<svg":
        return SVG
    if _HTML_START.match(start):
        return HTML
    if _MARKUP.match(start):
        return XML
    if _is_json(start):
        return JSON
    return HTML if b"<script" in body.lower() else TEXT


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as exc:
        # The head may end in the middle of a character.
        return exc.reason == "unexpected end of data"
    return not _CONTROLS.search(head)


def _is_json(start: bytes) -> bool:
    """Parse it; of a document that goes on after the head, the first token must do."""
    if not start.startswith((b"{", b"[")):
        return False
    try:
        json.loads(start)
    except (ValueError, RecursionError):
        return len(start) > 4096 and bool(_JSON_START.match(start))
    return True
