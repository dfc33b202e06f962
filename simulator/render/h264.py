"""
H.264 without an encoder: baseline profile, one slice a picture.

Blocks of 16x16 pixels that continue the ground beside or above them are predicted, which takes a
few bits; blocks with writing are stored as they are (I_PCM); blocks that did not change since the
last picture are skipped. Deblocking is off, so every pixel comes out as it went in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_SIDE, _HALF = 16, 8
_BASELINE = 66
# High enough for all sizes that are drawn; players look at the size itself.
_LEVEL = 51
_SEQUENCE, _PICTURE, _KEY_SLICE, _SLICE = 0x67, 0x68, 0x65, 0x61
_PREDICTED_DC, _STORED = 3, 25
# In a picture that follows another, intra blocks are numbered behind five other kinds.
_INTRA_OFFSET = 5

type _Block = tuple[bytes, bytes, bytes]


class _Bits:
    """Bits in a row."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._value = 0
        self._count = 0

    def put(self, value: int, count: int) -> None:
        self._value = self._value << count | value
        self._count += count
        while self._count >= 8:
            self._count -= 8
            self._done.append(self._value >> self._count & 0xFF)
        self._value &= (1 << self._count) - 1

    def unsigned(self, value: int) -> None:
        """Put an Exp-Golomb code."""
        self.put(value + 1, 2 * (value + 1).bit_length() - 1)

    def raw(self, content: bytes) -> None:
        """Put whole bytes at the next byte's border."""
        if self._count:
            self.put(0, 8 - self._count)
        self._done += content

    def end(self) -> bytes:
        self.put(1, 1)
        if self._count:
            self.put(0, 8 - self._count)
        return bytes(self._done)


@dataclass(frozen=True)
class Picture:
    """A picture in blocks, row by row; how many are in a row, and its ground."""

    blocks: list[_Block]
    across: int
    ground: _Block


def picture(image: Image.Image) -> Picture:
    """Cut an image into blocks; what lies outside of it has the colour of its first pixel."""
    across, down = -(-image.width // _SIDE), -(-image.height // _SIDE)
    whole = image.convert("YCbCr")
    full = whole.crop((0, 0, across * _SIDE, down * _SIDE))
    corner = whole.crop((0, 0, 1, 1))
    for edge in ((image.width, 0, *full.size), (0, image.height, *full.size)):
        width, height = edge[2] - edge[0], edge[3] - edge[1]
        if width and height:
            full.paste(corner.resize((width, height)), edge)
    luma, *chroma = full.split()
    small = [plane.reduce(2) for plane in chroma]
    planes = [(luma.tobytes(), _SIDE), (small[0].tobytes(), _HALF), (small[1].tobytes(), _HALF)]
    blocks: list[_Block] = []
    for row in range(down):
        columns = [list(_cut(content, across * side, row, side)) for content, side in planes]
        blocks += zip(*columns, strict=True)
    first = blocks[0]
    ground = (
        bytes([first[0][0]]) * _SIDE**2,
        bytes([first[1][0]]) * _HALF**2,
        bytes([first[2][0]]) * _HALF**2,
    )
    return Picture(blocks, across, ground)


def with_top(whole: Picture, top: Picture) -> Picture:
    """Replace the uppermost blocks of a picture."""
    return replace(whole, blocks=top.blocks + whole.blocks[len(top.blocks) :])


def in_blocks(length: int) -> int:
    """Return the next length above one that whole blocks fill."""
    return (length // _SIDE + 1) * _SIDE


def parameters(width: int, height: int) -> tuple[bytes, bytes]:
    """Write the sequence's and the pictures' parameter sets."""
    across, down = -(-width // _SIDE), -(-height // _SIDE)
    bits = _Bits()
    for value, count in ((_BASELINE, 8), (0xC0, 8), (_LEVEL, 8)):
        bits.put(value, count)
    # Set 0, frame numbers of 4 bits, order as decoded, one reference, no gaps.
    for value in (0, 0, 2, 1):
        bits.unsigned(value)
    bits.put(0, 1)
    bits.unsigned(across - 1)
    bits.unsigned(down - 1)
    bits.put(0b11, 2)
    right, bottom = (across * _SIDE - width) // 2, (down * _SIDE - height) // 2
    bits.put(1, 1)
    for value in (0, right, 0, bottom):
        bits.unsigned(value)
    # The colours use the whole range of a byte.
    bits.put(0b100_1101_1000_0000, 15)
    return _unit(_SEQUENCE, bits.end()), _unit(_PICTURE, _picture_parameters())


def _picture_parameters() -> bytes:
    bits = _Bits()
    bits.unsigned(0)
    bits.unsigned(0)
    bits.put(0, 2)
    for _ in range(3):
        bits.unsigned(0)
    bits.put(0, 3)
    for _ in range(3):
        bits.unsigned(0)
    # Slices say themselves that they are not deblocked.
    bits.put(0b100, 3)
    return bits.end()


def key_picture(shown: Picture) -> bytes:
    """Write a picture that stands for itself."""
    bits = _Bits()
    # First block 0, all slices I, parameter set 0, frame 0, key 0.
    bits.unsigned(0)
    bits.unsigned(7)
    bits.unsigned(0)
    bits.put(0, 4)
    bits.unsigned(0)
    bits.put(0, 2)
    _end_header(bits)
    stored: list[bool] = []
    for number in range(len(shown.blocks)):
        is_stored = not _continues_ground(shown, number)
        _put_block(bits, shown, number, stored, is_stored=is_stored, offset=0)
        stored.append(is_stored)
    return _unit(_KEY_SLICE, bits.end())


def next_picture(shown: Picture, before: Picture, number: int) -> bytes:
    """Write a picture as its difference from the one before it."""
    bits = _Bits()
    # First block 0, all slices P, parameter set 0; usual references, kept in order.
    bits.unsigned(0)
    bits.unsigned(5)
    bits.unsigned(0)
    bits.put(number % 16, 4)
    bits.put(0, 3)
    _end_header(bits)
    skipped = 0
    for index, block in enumerate(shown.blocks):
        if block == before.blocks[index]:
            skipped += 1
            continue
        bits.unsigned(skipped)
        skipped = 0
        _put_block(bits, shown, index, [], is_stored=True, offset=_INTRA_OFFSET)
    if skipped:
        bits.unsigned(skipped)
    return _unit(_SLICE, bits.end())


def _end_header(bits: _Bits) -> None:
    """Put the quality, which nothing uses, and that there is no deblocking."""
    bits.unsigned(0)
    bits.unsigned(1)


def _put_block(
    bits: _Bits, shown: Picture, number: int, stored: list[bool], *, is_stored: bool, offset: int
) -> None:
    if is_stored:
        bits.unsigned(_STORED + offset)
        bits.raw(b"".join(shown.blocks[number]))
        return
    bits.unsigned(_PREDICTED_DC + offset)
    # Chroma as beside it, same quality, and no difference: a code that depends on the neighbours.
    bits.put(0b11, 2)
    beside = number % shown.across and stored[number - 1]
    above = number >= shown.across and stored[number - shown.across]
    bits.put(*((0b000011, 6) if beside or above else (1, 1)))


def _continues_ground(shown: Picture, number: int) -> bool:
    """Return whether a block and the edges it would be predicted from are all ground."""
    if shown.blocks[number] != shown.ground or number == 0:
        return False
    has_left, has_top = number % shown.across > 0, number >= shown.across
    left = shown.blocks[number - 1] if has_left else shown.ground
    top = shown.blocks[number - shown.across] if has_top else shown.ground
    sides = zip(left, top, shown.ground, (_SIDE, _HALF, _HALF), strict=True)
    return all(
        beside[side - 1 :: side] == ground[:side] and above[-side:] == ground[:side]
        for beside, above, ground, side in sides
    )


def _cut(content: bytes, width: int, row: int, side: int) -> Iterator[bytes]:
    """Cut a row of blocks out of a plane."""
    lines = [content[(row * side + n) * width : (row * side + n + 1) * width] for n in range(side)]
    for left in range(0, width, side):
        yield b"".join(line[left : left + side] for line in lines)


def _unit(kind: int, content: bytes) -> bytes:
    """Wrap bits so that nothing in them looks like the start of another unit."""
    parts = content.split(b"\0\0")
    safe = bytearray(parts[0])
    for part in parts[1:]:
        safe += b"\0\0"
        if not part or part[0] <= 3:
            safe += b"\3"
        safe += part
    return bytes([kind]) + bytes(safe)
