"""Files are told by their first bytes, and what a browser might run is marked."""

import io
import random
import wave
import zipfile

import pytest
from PIL import Image

from kie_gateway.core.files.media import UNKNOWN, identify


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(file, form)
    return file.getvalue()


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 44100, 0, "NONE", ""))
        wav.writeframes(b"\1\2" * 500)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a.txt", "hello")
    return file.getvalue()


def boxed(major: bytes, *compatible: bytes) -> bytes:
    brands = major + b"\0\0\2\0" + b"".join(compatible)
    box = (len(brands) + 8).to_bytes(4) + b"ftyp" + brands
    return box + b"\0\0\0\x08free\0\0\x10\0mdat" + b"\1" * 400


def matroska(doctype: bytes, void: int = 0) -> bytes:
    padding = b"\xec" + bytes([0x80 | void]) + b"\0" * void if void else b""
    inner = b"\x42\x86\x81\1" + padding + b"\x42\x82" + bytes([0x80 | len(doctype)]) + doctype
    return b"\x1a\x45\xdf\xa3\1" + len(inner).to_bytes(7) + inner + b"\x18\x53\x80\x67" + b"\0" * 99


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (picture("PNG"), ("image", "image/png", "png")),
        (picture("JPEG"), ("image", "image/jpeg", "jpg")),
        (picture("GIF"), ("image", "image/gif", "gif")),
        (picture("WEBP"), ("image", "image/webp", "webp")),
        (picture("BMP"), ("image", "image/bmp", "bmp")),
        (picture("TIFF"), ("image", "image/tiff", "tiff")),
        (picture("AVIF"), ("image", "image/avif", "avif")),
        (boxed(b"avis", b"avif"), ("image", "image/avif", "avif")),
        (boxed(b"mif1", b"mif1", b"avif", b"miaf"), ("image", "image/avif", "avif")),
        (boxed(b"mif1", b"mif1", b"heic"), ("image", "image/heic", "heic")),
        (boxed(b"heic", b"mif1"), ("image", "image/heic", "heic")),
        (boxed(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), ("video", "video/mp4", "mp4")),
        (boxed(b"mp42", b"isom", b"mp42"), ("video", "video/mp4", "mp4")),
        (boxed(b"dash", b"iso6"), ("video", "video/mp4", "mp4")),
        (boxed(b"M4V ", b"isom"), ("video", "video/mp4", "mp4")),
        (boxed(b"qt  ", b"qt  "), ("video", "video/quicktime", "mov")),
        (b"\0\0\0\x08wide\0\0\x10\0mdat" + b"\1" * 99, ("video", "video/quicktime", "mov")),
        (boxed(b"M4A ", b"isom", b"mp42"), ("audio", "audio/mp4", "m4a")),
        (matroska(b"webm"), ("video", "video/webm", "webm")),
        (matroska(b"webm", void=40), ("video", "video/webm", "webm")),
        (matroska(b"matroska"), ("video", "video/x-matroska", "mkv")),
        (b"ID3\4\0\0\0\0\2\0" + b"\0" * 300, ("audio", "audio/mpeg", "mp3")),
        (b"\xff\xfb\x90\x64" + b"\0" * 413, ("audio", "audio/mpeg", "mp3")),
        (b"\xff\xf3\x84\xc4" + b"\0" * 413, ("audio", "audio/mpeg", "mp3")),
        (b"\xff\xfa\x90\x64" + b"\0" * 413, ("audio", "audio/mpeg", "mp3")),
        (b"\xff\xf1\x50\x80\x2e\x7f\xfc" + b"\x21" * 99, ("audio", "audio/aac", "aac")),
        (b"\xff\xf9\x50\x80\x2e\x7f\xfc" + b"\x21" * 99, ("audio", "audio/aac", "aac")),
        (sound(), ("audio", "audio/wav", "wav")),
        (b"fLaC\0\0\0\x22" + b"\x10" * 99, ("audio", "audio/flac", "flac")),
        (b"OggS\0\2" + b"\0" * 22 + b"OpusHead" + b"\0" * 50, ("audio", "audio/ogg", "ogg")),
        (b"OggS\0\2" + b"\0" * 22 + b"\x80theora" + b"\0" * 50, ("video", "video/ogg", "ogv")),
        (archive(), ("archive", "application/zip", "zip")),
        (b"%PDF-1.7\n%\xe2\xe3", ("other", "application/pdf", "pdf")),
        (b'{"lyrics": [1.5]}', ("text", "application/json", "json")),
        (b"  [1, 2]", ("text", "application/json", "json")),
        ("la lä 🎵\n".encode(), ("text", "text/plain; charset=utf-8", "txt")),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhi", ("text", "text/plain; charset=utf-8", "txt")),
        (b"[Verse 1]\nla la", ("text", "text/plain; charset=utf-8", "txt")),
    ],
)
def test_known_files_are_told_apart(head: bytes, expected: tuple[str, str, str]) -> None:
    found = identify(head[:8192])

    assert expected == (found.media, found.content_type, found.extension)
    assert not found.active


@pytest.mark.parametrize(
    ("head", "extension"),
    [
        (b"<!DOCTYPE html><html>404</html>", "html"),
        (b"\xef\xbb\xbf\n <!-- x -->\n<HTML lang=en>", "html"),
        (b"hello <b>you</b><ScRiPt>alert(1)</script>", "html"),
        (b"<img src=x onerror=alert(1)>", "html"),
        (b'<svg onload="alert(1)"/>', "svg"),
        (b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE svg PUBLIC "x" "y"><svg>', "svg"),
        (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "xml"),
        (b'<x:svg xmlns:x="http://www.w3.org/2000/svg">', "xml"),
    ],
)
def test_what_a_browser_would_run_is_active(head: bytes, extension: str) -> None:
    found = identify(head)

    assert (extension, True) == (found.extension, found.active)


@pytest.mark.parametrize(
    "head",
    [b"", b"\0", b"\x80\x81\x82", b"\xff\xfe<\0h\0t\0m\0l\0", b"\x01hello", b"caf\xe9 au lait"],
)
def test_what_fits_nothing_is_unknown(head: bytes) -> None:
    assert identify(head) == UNKNOWN


def test_two_letters_do_not_make_a_picture() -> None:
    assert identify(b"BM is the beginning of a song about the sea").extension == "txt"


def test_a_text_cut_within_a_character_is_a_text() -> None:
    assert identify(("a" + "ä" * 5000).encode()[:8192]).extension == "txt"


def test_a_long_document_cut_by_the_head_is_json() -> None:
    assert identify((b'{"a": [' + b"1," * 5000)[:8192]).extension == "json"


def test_deeply_nested_brackets_do_no_harm() -> None:
    assert identify(b"[" * 8192).extension == "json"


def test_random_bytes_are_seldom_taken_for_anything() -> None:
    chance = random.Random(1)
    named = sum(identify(chance.randbytes(200)) != UNKNOWN for _ in range(5000))

    assert named <= 5
