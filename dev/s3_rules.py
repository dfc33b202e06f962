"""
What S3 asks of objects and of uploads in parts, and moto does not.

AmazonS3/latest/userguide/object-keys.html, object-tagging.html, qfacts.html (limits of uploads in
parts); AmazonS3/latest/API/API_CompleteMultipartUpload.html, API_CompletedPart.html,
API_UploadPart.html, API_DeleteObjects.html.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from dev.s3_checksums import PREFIX, algorithms_in, checksum
from dev.s3_errors import S3Error, invalid_request

if TYPE_CHECKING:
    from dev.s3_request import S3Request

LONGEST_KEY_BYTES = 1024
MOST_TAGS = 10
MOST_DELETIONS = 1000
SMALLEST_PART_BYTES = 5 * 1024**2
MOST_PARTS = 10_000


def check(request: S3Request, body: bytes, bucket: Any) -> None:
    """
    Refuse what S3 would.

    Args:
        body: Of the request, decoded.
        bucket: moto's; None if it does not exist, which moto says in S3's words.

    """
    check_key(request.key)
    if (tags := request.header("x-amz-tagging")) is not None:
        _check_tags(tags)
    if request.method == "POST" and not request.key and request.parameter("delete") is not None:
        _check_deletion(request, body)
    upload_id = request.parameter("uploadId")
    upload = bucket.multiparts.get(upload_id) if bucket is not None and upload_id else None
    if upload is not None and request.method == "PUT":
        _check_part(request, upload)
    if upload is not None and request.method == "POST":
        _check_completion(body, upload)


def check_key(key: str) -> None:
    size = len(key.encode(errors="surrogatepass"))
    if size > LONGEST_KEY_BYTES:
        details = {"Size": str(size), "MaxSizeAllowed": str(LONGEST_KEY_BYTES)}
        raise S3Error(400, "KeyTooLongError", "Your key is too long", details)


def _check_tags(text: str) -> None:
    tags = parse_qsl(text, keep_blank_values=True)
    if len(tags) > MOST_TAGS:
        words = f"Object tags cannot be greater than {MOST_TAGS}"
        raise S3Error(400, "BadRequest", words)
    if len({name for name, _ in tags}) < len(tags):
        words = (
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates."
        )
        raise S3Error(400, "InvalidArgument", words)
    for name, value in tags:
        if not 0 < len(name) <= 128 or not _taggable(name) or name.startswith("aws:"):
            raise S3Error(400, "InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > 256 or not _taggable(value):
            raise S3Error(400, "InvalidTag", "The TagValue you have provided is invalid")


def _taggable(text: str) -> bool:
    """Return whether there are only letters, numbers, spaces and `+ - = . _ : / @`."""
    return all(unicodedata.category(c)[0] in "LNZ" or c in "+-=._:/@" for c in text)


def _check_deletion(request: S3Request, body: bytes) -> None:
    headers = {name: request.header(name) or "" for name in request.amz_headers()}
    if request.header("content-md5") is None and not algorithms_in(headers):
        raise invalid_request(f"Missing required header for this request: Content-MD5 OR {PREFIX}*")
    keys = [element.text or "" for element in _elements(body, "Key")]
    if not 0 < len(keys) <= MOST_DELETIONS:
        raise _malformed()
    for key in keys:
        check_key(key)


def _check_part(request: S3Request, upload: Any) -> None:
    """Make sure that a part bears the checksum that the upload was begun with."""
    number = request.parameter("partNumber") or ""
    if not number.isdecimal() or not 1 <= int(number) <= MOST_PARTS:
        words = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
        raise S3Error(400, "InvalidArgument", words)
    wanted = _algorithm(upload)
    given = set(algorithms_in(dict.fromkeys(request.amz_headers(), "")))
    if wanted and _is_composite(upload) and wanted not in given:
        actual = next(iter(given), "null")
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, "
            f"actual checksum Type: {actual}"
        )


def _check_completion(body: bytes, upload: Any) -> None:
    """Check the list of parts: order, checksums, sizes."""
    listed = [{_name(e): e.text or "" for e in part} for part in _elements(body, "Part")]
    numbers = [int(part.get("PartNumber", "0")) for part in listed]
    if not listed:
        raise _malformed()
    wanted = _algorithm(upload)
    consecutive = numbers == list(range(1, len(numbers) + 1))
    if numbers != sorted(set(numbers)) or (wanted and _is_composite(upload) and not consecutive):
        words = (
            "The list of parts was not in ascending order. "
            "The parts list must be specified in order by part number."
        )
        raise S3Error(400, "InvalidPartOrder", words)
    for number, part in zip(numbers, listed, strict=True):
        _check_listed(number, part, upload)
    for number in numbers[:-1]:
        size = len(upload.parts[number].value)
        if size < SMALLEST_PART_BYTES:
            words = "Your proposed upload is smaller than the minimum allowed size"
            details = {
                "ProposedSize": str(size),
                "MinSizeAllowed": str(SMALLEST_PART_BYTES),
                "PartNumber": str(number),
            }
            raise S3Error(400, "EntityTooSmall", words, details)


def _check_listed(number: int, part: dict[str, str], upload: Any) -> None:
    stored = upload.parts.get(number)
    if stored is None or part.get("ETag", "").strip('"') != stored.etag.strip('"'):
        raise _invalid_part(number)
    wanted = _algorithm(upload)
    if not wanted:
        return
    given = part.get(f"Checksum{wanted.upper()}")
    if given is None and _is_composite(upload):
        raise invalid_request(
            f"The upload was created using a {wanted} checksum. The complete request must include "
            f"the checksum for each part. It was missing for part {number} in the request."
        )
    if given is not None and given != checksum(wanted, stored.value):
        raise _invalid_part(number)


def _algorithm(upload: Any) -> str:
    """Return the algorithm that an upload was begun with, in lower case; empty if with none."""
    return str(upload.metadata.get(f"{PREFIX}algorithm") or "").lower()


def _is_composite(upload: Any) -> bool:
    """Return whether it is a checksum of checksums, not of the whole object, as CRC64NVME is."""
    default = "FULL_OBJECT" if _algorithm(upload) == "crc64nvme" else "COMPOSITE"
    return (upload.metadata.get(f"{PREFIX}type") or default) == "COMPOSITE"


def _elements(body: bytes, name: str) -> list[ET.Element]:
    try:
        tree = ET.fromstring(body)  # noqa: S314 - from our own functions
    except ET.ParseError as exc:
        raise _malformed() from exc
    return [element for element in tree.iter() if _name(element) == name]


def _name(element: ET.Element) -> str:
    return re.sub(r"\{.*\}", "", element.tag)


def _malformed() -> S3Error:
    words = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return S3Error(400, "MalformedXML", words)


def _invalid_part(number: int) -> S3Error:
    words = (
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag."
    )
    return S3Error(400, "InvalidPart", words, {"PartNumber": str(number)})
