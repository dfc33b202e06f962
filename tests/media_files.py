"""Media files of every kind, made at random, and what other tools say of them."""

import io
import json
import random
import re
import subprocess
import tempfile
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import imageio_ffmpeg  # type: ignore[import-untyped]
from PIL import Image, ImageOps

from kie_gateway.core.files.media_facts import MediaFacts

type Make = Callable[[random.Random], bytes]

ORIENTATION = 0x0112
DESCRIPTION = 0x010E


@dataclass(frozen=True)
class Kind:
    """A kind of file, and how to make one."""

    name: str
    content_type: str
    extension: str
    make: Make


# --- pictures -------------------------------------------------------------------------------------


def picture(chance: random.Random, mode: str = "RGB", largest: int = 300) -> Image.Image:
    size = chance.randint(1, largest), chance.randint(1, largest)
    small = Image.frombytes("RGB", (4, 4), chance.randbytes(48))
    return small.resize(size, Image.Resampling.NEAREST).convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def still(form: str, modes: str = "RGB", **options: Any) -> Make:
    def make(chance: random.Random) -> bytes:
        return saved(picture(chance, chance.choice(modes.split())), form, **options)

    return make


def moving(form: str, **options: Any) -> Make:
    def make(chance: random.Random) -> bytes:
        first = picture(chance)
        others = [picture(chance).resize(first.size) for _ in range(chance.randint(1, 4))]
        return saved(first, form, save_all=True, append_images=others, duration=100, **options)

    return make


def turned_jpeg(chance: random.Random) -> bytes:
    """Of any orientation, with a description as long as can be, and colours in several parts."""
    exif = Image.Exif()
    exif[ORIENTATION] = chance.randint(1, 8)
    exif[DESCRIPTION] = "x" * chance.choice([0, 10, 1000, 64_000])
    profile = chance.randbytes(chance.choice([0, 500, 100_000]))
    progressive = chance.random() < 0.5
    options = {"exif": exif, "icc_profile": profile, "progressive": progressive}
    return saved(picture(chance, largest=600), "JPEG", **options)


def large_png(chance: random.Random) -> bytes:
    """More than what is looked at, head and tail together."""
    size = chance.randint(900, 1100), chance.randint(900, 1100)
    return saved(Image.effect_noise(size, 100).convert("RGB"), "PNG", compress_level=0)


def drawing(chance: random.Random) -> bytes:
    width, height = chance.randint(1, 2000), chance.randint(1, 2000)
    return (
        '<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width}" height="{height}px"><rect width="1" height="2"/></svg>'
    ).encode()


# --- films and sounds -----------------------------------------------------------------------------


def run_ffmpeg(arguments: str, extension: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{extension}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *arguments.split()]
        subprocess.run([*command, str(path)], check=True, timeout=60)
        return path.read_bytes()


# Making a film takes a while, so there are few of them, and `padded` makes each another one.
made_once = cache(run_ffmpeg)


def film(extension: str, options: str, sound: str = "") -> Make:
    def make(chance: random.Random) -> bytes:
        size = chance.choice(["64x48", "48x64", "128x72", "96x96"])
        seconds = chance.choice([0.4, 1.2, 2.5])
        moving = f"-f lavfi -i testsrc=size={size}:rate=10:duration={seconds}"
        tone = f"-f lavfi -i sine=duration={seconds} -c:a {sound}" if sound else ""
        return padded(made_once(f"{moving} {tone} {options}", extension), extension, chance)

    return make


def turned_film(chance: random.Random) -> bytes:
    """Turned by its index only, as phones do."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as upright:
        upright.write(H264_FILM(chance))
        upright.flush()
        angle = chance.choice([90, 180, 270])
        return run_ffmpeg(f"-display_rotation {angle} -i {upright.name} -c copy", "mp4")


def sound(extension: str, options: str) -> Make:
    def make(chance: random.Random) -> bytes:
        seconds = chance.choice([0.3, 1.1, 2.7, 6.4])
        tone = f"-f lavfi -i sine=duration={seconds} {options}"
        return padded(made_once(tone, extension), extension, chance)

    return make


def padded(body: bytes, extension: str, chance: random.Random) -> bytes:
    """Add bytes that the format lets readers skip."""
    junk = chance.randbytes(chance.choice([0, 10, 1000, 30_000]))
    match extension:
        case "mp4" | "mov" | "m4a":
            return body + (len(junk) + 8).to_bytes(4) + b"free" + junk
        case "webm" | "mkv":
            return body + b"\xec\x01" + len(junk).to_bytes(7) + junk
        case "mp3":
            # A tag tells its length in bytes of seven bits.
            length = bytes(len(junk) >> shift & 0x7F for shift in (21, 14, 7, 0))
            tag = b"ID3\4\0\0" + length + bytes(len(junk))
            return tag + body if not body.startswith(b"ID3") else body
        case _:
            return body


def plain_wave(chance: random.Random) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound_file:
        channels, rate = chance.choice([1, 2]), chance.choice([8000, 24_000, 44_100])
        sound_file.setparams((channels, 2, rate, 0, "NONE", ""))
        sound_file.writeframes(bytes(2 * channels * chance.randint(rate // 10, rate * 3)))
    return file.getvalue()


def streamed_wave(chance: random.Random) -> bytes:
    """As written by who does not know the length when the header goes out."""
    body = bytearray(plain_wave(chance))
    body[4:8] = body[40:44] = chance.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"])
    return bytes(body)


H264_FILM = film("mp4", "-c:v libx264 -pix_fmt yuv420p")


# --- all kinds ------------------------------------------------------------------------------------


def words(chance: random.Random) -> bytes:
    chosen = chance.choices(["la", "lä", "🎵", "sea", "kite"], k=chance.randint(1, 999))
    return " ".join(chosen).encode()


def document(chance: random.Random) -> bytes:
    return json.dumps({"seeds": [chance.random() for _ in range(chance.randint(1, 999))]}).encode()


def archive(chance: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a.bin", chance.randbytes(chance.randint(1, 9999)))
    return file.getvalue()


KINDS = (
    Kind("png", "image/png", "png", still("PNG", "RGB RGBA L P LA 1")),
    Kind("large png", "image/png", "png", large_png),
    Kind("moving png", "image/png", "png", moving("PNG")),
    Kind("jpeg", "image/jpeg", "jpg", still("JPEG", "RGB L CMYK")),
    Kind("turned jpeg", "image/jpeg", "jpg", turned_jpeg),
    Kind("gif", "image/gif", "gif", still("GIF", "RGB L P")),
    Kind("moving gif", "image/gif", "gif", moving("GIF")),
    Kind("webp", "image/webp", "webp", still("WEBP", "RGB RGBA")),
    Kind("lossless webp", "image/webp", "webp", still("WEBP", "RGB RGBA", lossless=True)),
    Kind("moving webp", "image/webp", "webp", moving("WEBP")),
    Kind("bmp", "image/bmp", "bmp", still("BMP", "RGB L P 1")),
    Kind("tiff", "image/tiff", "tiff", still("TIFF", "RGB L")),
    Kind("avif", "image/avif", "avif", still("AVIF", "RGB RGBA", speed=10)),
    Kind("moving avif", "image/avif", "avif", moving("AVIF", speed=10)),
    Kind("svg", "image/svg+xml", "svg", drawing),
    Kind("mp4", "video/mp4", "mp4", H264_FILM),
    Kind(
        "mp4 with its index first",
        "video/mp4",
        "mp4",
        film("mp4", "-c:v libx264 -pix_fmt yuv420p -movflags +faststart", "aac"),
    ),
    Kind("turned mp4", "video/mp4", "mp4", turned_film),
    Kind("mov", "video/quicktime", "mov", film("mov", "-c:v mjpeg -pix_fmt yuvj420p")),
    Kind("webm", "video/webm", "webm", film("webm", "-c:v libvpx -b:v 100k", "libopus")),
    Kind("mkv", "video/x-matroska", "mkv", film("mkv", "-c:v libx264", "flac")),
    Kind("mp3", "audio/mpeg", "mp3", sound("mp3", "-b:a 64k")),
    Kind("mp3 of varying rate", "audio/mpeg", "mp3", sound("mp3", "-q:a 5 -id3v2_version 0")),
    Kind(
        "mp3 without its length",
        "audio/mpeg",
        "mp3",
        sound("mp3", "-b:a 64k -write_xing 0 -id3v2_version 0"),
    ),
    Kind("wav", "audio/wav", "wav", plain_wave),
    Kind("streamed wav", "audio/wav", "wav", streamed_wave),
    Kind("wav of floats", "audio/wav", "wav", sound("wav", "-c:a pcm_f32le")),
    Kind("flac", "audio/flac", "flac", sound("flac", "-c:a flac")),
    Kind("ogg", "audio/ogg", "ogg", sound("ogg", "-c:a libvorbis")),
    Kind("opus", "audio/ogg", "ogg", sound("opus", "-c:a libopus")),
    Kind("flac in ogg", "audio/ogg", "ogg", sound("ogg", "-c:a flac")),
    Kind("m4a", "audio/mp4", "m4a", sound("m4a", "-c:a aac")),
    Kind(
        "m4a with its index first",
        "audio/mp4",
        "m4a",
        sound("m4a", "-c:a aac -movflags +faststart"),
    ),
    Kind("text", "text/plain; charset=utf-8", "txt", words),
    Kind("json", "application/json", "json", document),
    Kind("zip", "application/zip", "zip", archive),
)


# --- what other tools say -------------------------------------------------------------------------


def told_by_others(body: bytes, kind: Kind) -> MediaFacts:
    """Measure a file with Pillow, ffmpeg or an XML parser."""
    if kind.extension == "svg":
        root = ET.fromstring(body)
        width, height = (root.attrib[side].removesuffix("px") for side in ("width", "height"))
        return MediaFacts(int(width), int(height), animated=False)
    if kind.content_type.startswith("image/"):
        with Image.open(io.BytesIO(body)) as image:
            shown = ImageOps.exif_transpose(image)
            return MediaFacts(*shown.size, animated=getattr(image, "is_animated", False))
    if kind.content_type.startswith(("video/", "audio/")):
        return told_by_ffmpeg(body, kind.extension)
    return MediaFacts()


def told_by_ffmpeg(body: bytes, extension: str) -> MediaFacts:
    with tempfile.NamedTemporaryFile(suffix=f".{extension}") as file:
        file.write(body)
        file.flush()
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", file.name]
        report = subprocess.run(command, check=False, capture_output=True, text=True).stderr
    width = height = seconds = None
    if found := re.search(r"Duration: (\d+):(\d+):([\d.]+)", report):
        seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    if found := re.search(r"Video: .*? (\d{2,5})x(\d{2,5})", report):
        width, height = int(found[1]), int(found[2])
    if found := re.search(r"rotation of (-?[\d.]+) degrees", report):
        width, height = (height, width) if float(found[1]) % 180 else (width, height)
    return MediaFacts(width, height, seconds)
