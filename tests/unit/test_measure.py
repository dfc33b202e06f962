"""Files are measured by their ends alone, and whatever they hold, a measure never fails."""

import io
import math
import random
import struct
import time
import tracemalloc
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kie_gateway.core.files.media import AAC, AVIF, HEIC, HTML, MediaType, identify
from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.core.files.remote_file import HEAD_BYTES
from kie_gateway.flows.files.skimmed_file import SKIMMED_BYTES
from kie_gateway.media.measure import measure
from kie_gateway.media.skimmed import GapError, Skimmed
from tests.media_files import (
    KINDS,
    ORIENTATION,
    Kind,
    made_once,
    picture,
    plain_wave,
    saved,
    told_by_ffmpeg,
)

NOISE = "-f lavfi -i anoisesrc=duration=40:sample_rate=48000 -ac 2"
PIXELS = "-f lavfi -i testsrc=size=640x480:rate=5:duration=2"


def measured(body: bytes) -> MediaFacts:
    """Measure a file as a copy does."""
    return measure(
        identify(body[:HEAD_BYTES]), body[:SKIMMED_BYTES], body[-SKIMMED_BYTES:], len(body)
    )


# --- files of which the middle is not at hand ---------------------------------------------------


@pytest.mark.parametrize(
    ("extension", "arguments"),
    [
        ("mov", f"{PIXELS} -c:v rawvideo"),
        ("mkv", f"{PIXELS} -c:v rawvideo -allow_raw_vfw 1"),
        ("ogg", f"{NOISE} -c:a flac"),
        ("flac", f"{NOISE} -c:a flac"),
        ("wav", f"{NOISE} -c:a pcm_s16le"),
        ("wav", f"{NOISE} -c:a pcm_s16le -rf64 always"),
        ("mp3", f"{NOISE} -b:a 320k -compression_level 9"),
    ],
)
def test_a_long_file_is_measured_by_its_ends(extension: str, arguments: str) -> None:
    body = made_once(arguments, extension)
    assert len(body) > (1 if extension == "mp3" else 2) * SKIMMED_BYTES
    found, told = measured(body), told_by_ffmpeg(body, extension)
    assert (found.width, found.height) == (told.width, told.height)
    assert found.duration_seconds == pytest.approx(told.duration_seconds, abs=0.1)


def test_whether_a_long_gif_moves_is_not_guessed() -> None:
    chance = random.Random(1)
    first, second = (
        Image.frombytes("P", (1500, 1500), chance.randbytes(1500 * 1500)) for _ in range(2)
    )
    body = saved(first, "GIF", save_all=True, append_images=[second])
    assert measured(body) == MediaFacts(1500, 1500, animated=None)
    assert measured(saved(first.resize((60, 60)), "GIF")) == MediaFacts(60, 60, animated=False)


def test_what_lies_between_the_ends_cannot_be_read() -> None:
    file = Skimmed(b"abc", b"xyz", 10)
    assert (file.read(3), file.seek(7), file.read()) == (b"abc", 7, b"xyz")
    for place, size in ((2, 2), (3, 1), (5, 2), (6, 2)):
        file.seek(place)
        with pytest.raises(GapError):
            file.read(size)


@given(
    body=st.binary(max_size=40),
    start_bytes=st.integers(0, 40),
    end_bytes=st.integers(0, 40),
    place=st.integers(0, 50),
    size=st.integers(0, 50),
)
def test_a_skimmed_file_reads_like_the_whole_one_or_not_at_all(
    body: bytes, start_bytes: int, end_bytes: int, place: int, size: int
) -> None:
    whole, end = io.BytesIO(body), body[max(len(body) - end_bytes, 0) :]
    skimmed = Skimmed(body[:start_bytes], end, len(body))
    whole.seek(place)
    skimmed.seek(place)
    try:
        part = skimmed.read(size)
    except GapError:
        assert start_bytes + len(end) < len(body)
    else:
        assert (part, skimmed.tell() if part else 0) == (
            whole.read(size),
            whole.tell() if part else 0,
        )


# --- odd files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_a_wav_lasts_as_long_as_there_is_sound(length: int) -> None:
    body = bytearray(plain_wave(random.Random(1)))
    seconds = measured(bytes(body)).duration_seconds
    body[40:44] = length.to_bytes(4, "little")
    assert measured(bytes(body)).duration_seconds == (None if length == 1 else seconds)


@pytest.mark.parametrize(
    ("drawing", "width", "height"),
    [
        (b'<svg width="30" height="40"></svg>', 30, 40),
        (b"<svg width='30px' height='40.9'></svg>", 30, 40),
        (b'<svg width="1in" height="2.54cm"></svg>', 96, 96),
        (b'<?xml version="1.0"?><!-- x --><svg width="3" height="4"/>', 3, 4),
        ('<svg width="3" height="4">' + "ä" * 5000 + "</svg>", 3, 4),
        (b'<svg stroke-width="9" width="3" height="4"/>', 3, 4),
        # What it is made of has sizes of its own.
        (b'<svg viewBox="0 0 9 9"><rect width="3" height="4"/></svg>', None, None),
        (b'<svg width="100%" height="100%"/>', None, None),
        (b'<svg width="0" height="0"/>', None, None),
        (b'<svg width="0.5" height="40"/>', None, None),
        (b'<svg width="' + b"9" * 400 + b'" height="4"/>', None, None),
        (b"<svg", None, None),
    ],
)
def test_a_drawing_has_the_size_that_it_states(
    drawing: bytes | str, width: int | None, height: int | None
) -> None:
    body = drawing.encode() if isinstance(drawing, str) else drawing
    assert measured(body) == MediaFacts(width, height, animated=False)


def test_a_picture_is_as_large_as_it_is_shown() -> None:
    upright = picture(random.Random(4))
    width, height = upright.size
    assert width != height
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        shown = (height, width) if orientation >= 5 else (width, height)
        for form in ("JPEG", "AVIF"):
            found = measured(saved(upright, form, exif=exif))
            assert (found.width, found.height) == shown


def test_the_height_of_a_bmp_may_be_written_downwards() -> None:
    body = bytearray(saved(Image.new("RGB", (30, 40)), "BMP"))
    body[22:26] = (-40).to_bytes(4, "little", signed=True)
    assert measured(bytes(body)) == MediaFacts(30, 40, animated=False)


def element(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return name + b"\x01" + len(content).to_bytes(7) + content


def webm(duration: bytes, *, width: int = 64, height: int = 48, scale: int = 1_000_000) -> bytes:
    sides = element(b"\xb0", width.to_bytes(8)), element(b"\xba", height.to_bytes(8))
    return b"".join(
        (
            element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm")),
            # Of unknown length, as in a stream.
            b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
            element(
                b"\x15\x49\xa9\x66",
                element(b"\x2a\xd7\xb1", scale.to_bytes(8)),
                element(b"\x44\x89", duration),
            ),
            element(b"\x16\x54\xae\x6b", element(b"\xae", element(b"\xe0", *sides))),
            element(b"\x1f\x43\xb6\x75", bytes(100)),
        )
    )


@pytest.mark.parametrize("form", [">f", ">d"])
def test_a_film_of_unknown_length_as_a_whole_is_measured(form: str) -> None:
    assert measured(webm(struct.pack(form, 2500.0))) == MediaFacts(64, 48, 2.5)


@pytest.mark.parametrize(
    "duration", [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300, 1e30, 8 * 24 * 3600 * 1000.0]
)
def test_no_film_lasts_for_ever(duration: float) -> None:
    found = measured(webm(struct.pack(">d", duration), scale=1_000_000))
    assert found == MediaFacts(64, 48, None)


@pytest.mark.parametrize(("width", "height"), [(0, 48), (64, 0), (2**63, 48), (64, 1_000_001)])
def test_no_film_has_such_sides(width: int, height: int) -> None:
    body = webm(struct.pack(">d", 2500.0), width=width, height=height)
    assert measured(body) == MediaFacts(None, None, 2.5)


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return (len(content) + 8).to_bytes(4) + kind + content


def index(duration: int, *, scale: int = 1000, version: int = 0, lead: bytes = b"") -> bytes:
    """A film of 64x48 without pictures."""
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, scale, duration)
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    sides = struct.pack(">II", 64 << 16, 48 << 16)
    header = box(b"tkhd", bytes(4), bytes(36), matrix, sides)
    handler = box(b"mdia", box(b"hdlr", bytes(8), b"vide", bytes(12)))
    film = box(b"mvhd", bytes([version, 0, 0, 0]), times), box(b"trak", header, handler)
    return box(b"ftyp", b"isom\0\0\0\0") + lead + box(b"moov", *film)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (index(2500), 2.5),
        (index(2500, version=1), 2.5),
        (index(0xFFFFFFFF), None),
        (index(0xFFFFFFFFFFFFFFFF, version=1), None),
        (index(2500, scale=0), None),
        (index(0), None),
        (index(2500, lead=b"\0\0\0\1mdat" + (16 + 9).to_bytes(8) + bytes(9)), 2.5),
        (index(2500, lead=box(b"free", bytes(3 * SKIMMED_BYTES))), 2.5),
    ],
)
def test_a_film_lasts_as_long_as_its_index_says(body: bytes, seconds: float | None) -> None:
    assert measured(body) == MediaFacts(64, 48, seconds)


@pytest.mark.parametrize("kind", [AAC, HTML], ids=lambda kind: kind.extension)
def test_some_kinds_are_not_measured(kind: MediaType) -> None:
    assert measure(kind, b"x" * 99, b"x" * 99, 99) == NOTHING_KNOWN


# --- bombs --------------------------------------------------------------------------------------


def places_of_many_items(items: int) -> bytes:
    """A picture of a few KiB whose list of places has 65,535 entries an item."""
    entries = (struct.pack(">IHHH", item, 0, 0, 65_535) for item in range(items))
    places = box(b"iloc", b"\2\0\0\0\0\0", items.to_bytes(4), *entries)
    return box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4), places)


BOMBS = {
    "places of many items": places_of_many_items(800),
    "boxes of nothing": box(b"ftyp", b"isom\0\0\0\0") + b"\0\0\0\x08free" * 130_000,
    "tracks of nothing": box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", b"\0\0\0\x08trak" * 130_000),
    "properties of nothing": box(b"ftyp", b"avif\0\0\0\0")
    + box(
        b"meta",
        bytes(4),
        box(b"pitm", b"\0\0\0\0\0\1"),
        box(b"iprp", box(b"ipco", b"\0\0\0\x08free" * 100_000), box(b"ipma", bytes(4096))),
    ),
    "elements of nothing": webm(b"")[:50] + b"\xec\x80" * 500_000,
    "pages of nothing": b"OggS\0" * 200_000,
    "chunks of nothing": b"RIFF\0\0\0\0WAVE" + b"abcd\0\0\0\0" * 130_000,
    "segments of nothing": b"\xff\xd8\xff\xe0" + b"\0\x02\xff\xe0" * 250_000,
    "half a segment": b"\xff\xd8\xff" + bytes(1_000_000),
    "half a frame": b"\xff\xfb\x90\x64" + b"\xff" * 1_000_000,
    "comments without end": b"fLaC\4\0\0\xff" + bytes(4) + b"\xff" * 4 + bytes(1_000_000),
    "entries without end": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 1_000_000,
}


@pytest.mark.long
@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_measured_in_little_time_and_memory(body: bytes) -> None:
    measured(webm(b""))
    began = time.process_time()
    tracemalloc.start()
    found = measured(body)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_plausible(found)
    assert peak_bytes < 64 * 1024 * 1024
    # Traced, it takes several times as long as otherwise.
    assert time.process_time() - began < 20


# --- anything -----------------------------------------------------------------------------------


@cache
def sample(number: int) -> bytes:
    """One file of each kind, of which the rest is cut off where it is long."""
    return KINDS[number].make(random.Random(number))[:200_000]


def assert_plausible(facts: MediaFacts) -> None:
    assert (facts.width is None) == (facts.height is None)
    assert 1 <= (facts.width or 1) <= 1_000_000
    assert 1 <= (facts.height or 1) <= 1_000_000
    assert 0 < (facts.duration_seconds or 1) < 10**6


@given(body=st.binary(max_size=300))
def test_any_bytes_are_identified_and_measured_as_anything(body: bytes) -> None:
    identify(body)
    for kind in (identify(sample(number)) for number in range(len(KINDS))):
        assert_plausible(measure(kind, body, body, len(body)))
    for kind in (AVIF, HEIC):
        assert_plausible(measure(kind, body, b"", 10**6))


@settings(max_examples=500)
@given(
    number=st.integers(0, len(KINDS) - 1),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=8),
    grown=st.sampled_from([0, 0, 0, 100, 10**7, 2**40]),
    near=st.booleans(),
)
def test_a_mangled_file_is_measured_or_not(
    number: int, cut: float, changes: list[tuple[float, bytes]], grown: int, near: bool
) -> None:
    body = bytearray(sample(number))
    reach = min(len(body), 400) if near else len(body)
    for place, junk in changes:
        at = int(place * reach)
        body[at : at + len(junk)] = junk
    mangled = bytes(body[: int(len(body) * cut)])
    identify(mangled)
    kind = identify(sample(number))
    assert_plausible(measure(kind, mangled, mangled[-1000:], len(mangled) + grown))
    assert_plausible(measure(identify(mangled), mangled, mangled, len(mangled)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_truncated_file_is_still_called_what_it_is(kind: Kind) -> None:
    body = kind.make(random.Random(3))
    if kind.extension in ("json", "txt", "svg"):
        return
    for size in (64, 500, 5000):
        assert identify(body[:size]).extension == kind.extension
