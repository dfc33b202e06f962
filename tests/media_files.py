"""Media files of every kind that results come in, made at random, and what other tools say of them."""

import io
import json
import random
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from xml.etree import ElementTree as ET

import imageio_ffmpeg
from PIL import Image, ImageOps, ImageSequence

from kie_gateway.core.media_facts import MediaFacts

type Make = Callable[[random.Random], bytes]

ORIENTATION = 0x0112


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


def frames(chance: random.Random, mode: str = "RGB") -> list[Image.Image]:
    first = picture(chance, mode)
    return [first, *(picture(chance, mode).resize(first.size) for _ in range(chance.randint(1, 4)))]


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def still(form: str, modes: str = "RGB", **options: object) -> Make:
    def make(chance: random.Random) -> bytes:
        return saved(picture(chance, chance.choice(modes.split())), form, **options)

    return make


def moving(form: str, mode: str = "RGB", **options: object) -> Make:
    def make(chance: random.Random) -> bytes:
        first, *others = frames(chance, mode)
        return saved(first, form, save_all=True, append_images=others, duration=100, **options)

    return make


def turned_jpeg(chance: random.Random) -> bytes:
    """With any orientation, a description of any length up to the largest, and colours in parts."""
    exif = Image.Exif()
    exif[ORIENTATION] = chance.randint(1, 8)
    exif[0x010E] = "x" * chance.choice([0, 10, 1000, 64_000])
    profile = chance.randbytes(chance.choice([0, 500, 50_000]))
    return saved(
        picture(chance, largest=600), "JPEG", exif=exif, icc_profile=profile,
        progressive=chance.random() < 0.5,
    )  # fmt: skip


def large_picture(chance: random.Random) -> bytes:
    """More than what is looked at, head and tail together."""
    size = chance.randint(900, 1100), chance.randint(900, 1100)
    return saved(Image.effect_noise(size, 100).convert("RGB"), "PNG", compress_level=0)


def drawing(chance: random.Random) -> bytes:
    width, height = chance.randint(1, 2000), chance.randint(1, 2000)
    return (
        f'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width}" height="{height}px"><rect width="1" height="2"/></svg>'
    ).encode()


# --- films and sounds -----------------------------------------------------------------------------


@cache
def ffmpeg(arguments: str, ending: str) -> bytes:
    """Have ffmpeg make a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{ending}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
        subprocess.run([*command, *arguments.split(), str(path)], check=True, timeout=60)
        return path.read_bytes()


def film(ending: str, options: str, *, sound: str = "") -> Make:
    """Of a few sizes and lengths: making one takes a while."""

    def make(chance: random.Random) -> bytes:
        width, height = chance.choice([(64, 48), (48, 64), (128, 72), (96, 96)])
        seconds = chance.choice([0.4, 1.2, 2.5])
        picture = f"-f lavfi -i testsrc=size={width}x{height}:rate=10:duration={seconds}"
        tone = f"-f lavfi -i sine=duration={seconds} -c:a {sound}" if sound else ""
        return ffmpeg(f"{picture} {tone} {options}", ending)

    return make


def sound(ending: str, options: str) -> Make:
    def make(chance: random.Random) -> bytes:
        seconds = chance.choice([0.3, 1.1, 2.7, 6.4])
        return ffmpeg(f"-f lavfi -i sine=frequency=440:duration={seconds} {options}", ending)

    return make
