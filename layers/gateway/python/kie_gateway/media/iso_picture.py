"""
AVIF and HEIC: size of a picture.

Source: ISO/IEC 23008-12, properties `ispe` and `irot` of the primary item. Written here because
imagesize also reads where every item lies, which a picture of 8 KiB can blow up to gigabytes.
"""

import struct
from typing import BinaryIO

from kie_gateway.media.iso_boxes import Box, boxes, payload


def measure_iso_picture(file: BinaryIO, size: int) -> tuple[int, int] | None:
    """Measure a picture as shown. Raises OSError, struct.error, LookupError for a broken one."""
    meta = next((box for box in boxes(file, 0, size) if box.kind == b"meta"), None)
    if meta is None:
        return None
    # Its version stands before its boxes.
    parts = {box.kind: box for box in boxes(file, meta.start + 4, meta.end)}
    primary, held = parts[b"pitm"], parts[b"iprp"]
    properties = {box.kind: box for box in boxes(file, held.start, held.end)}
    shapes = list(boxes(file, properties[b"ipco"].start, properties[b"ipco"].end))
    associations = payload(file, properties[b"ipma"])
    sides, is_turned = None, False
    for number in _numbers(associations, _item_id(payload(file, primary))):
        shape = shapes[number - 1]
        if shape.kind == b"ispe":
            sides = _sides(file, shape)
        elif shape.kind == b"irot":
            is_turned = bool(payload(file, shape)[0] & 1)
    return sides[::-1] if sides and is_turned else sides


def _item_id(header: bytes) -> int:
    return int.from_bytes(header[4:6] if header[0] == 0 else header[4:8])


def _numbers(associations: bytes, item: int) -> list[int]:
    """Return the numbers of an item's properties, counted from 1."""
    id_bytes = 4 if associations[0] else 2
    number_bytes = 2 if associations[3] & 1 else 1
    at = 8
    while at < len(associations):
        found = int.from_bytes(associations[at : at + id_bytes])
        at += id_bytes + 1
        end = at + associations[at - 1] * number_bytes
        if found == item:
            # The highest bit says whether readers must understand the property.
            most = 0x7FFF if number_bytes == 2 else 0x7F
            places = range(at, end, number_bytes)
            return [
                int.from_bytes(associations[place : place + number_bytes]) & most
                for place in places
            ]
        at = end
    return []


def _sides(file: BinaryIO, shape: Box) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", payload(file, shape), 4)
    return width, height
