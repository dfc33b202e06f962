"""The bucket of results: streamed in, linked out."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import batched
from typing import IO, TYPE_CHECKING, TypedDict, cast
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.aws.upload_body import SizedUploadBody, UploadBody
from kie_gateway.core.errors.storage_errors import KeyTakenError, StorageError
from kie_gateway.core.files.remote_file import RemoteFile, StoredFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, HeadObjectOutputTypeDef

LARGEST_SINGLE_PUT_BYTES = 5 * 1024**3
LARGEST_DELETE_BATCH = 1000
# The least that S3 takes as a part; one is held at a time.
PART_BYTES = 5 * 1024 * 1024
# What S3 answers to conditional writes, when it is too late and when it cannot tell.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class _Place(TypedDict):
    Bucket: str
    Key: str


class _Headers(TypedDict):
    ContentType: str
    ContentDisposition: str
    CacheControl: str
    Tagging: str


class _Condition(TypedDict, total=False):
    IfNoneMatch: str
    IfMatch: str


class OutputBucket:
    """
    Stores and links objects of one bucket.

    Args:
        client: boto3's S3 client, as `wiring/clients.py` makes it: its links name the bucket's
            own region, and are signed with version 4. Its endpoint must be https: over plain http
            botocore signs bodies, and so reads them twice.
    """

    def __init__(self, client: "S3Client", bucket_name: str) -> None:
        self._client = client
        self._bucket_name = bucket_name

    def store(
        self,
        file: RemoteFile,
        *,
        key: str,
        content_type: str,
        content_disposition: str,
        cache_control: str,
        tags: str = "",
        replaces: str | None = None,
    ) -> StoredFile:
        """
        Copy a file while it is being read.

        Args:
            tags: Of the object, written as an HTTP query.
            replaces: Entity tag of the object that may be written over; None if none may be. S3
                refuses the upload with 412 where something else lies by then (user guide, "How to
                prevent object overwrites with conditional writes").

        A file of known length goes up in one request. Nothing becomes visible when it breaks off:
        the body raises before the upload is complete, and S3 keeps no half objects.

        Raises:
            StorageError: What the file raised while it was read, or what S3 answered.
        """
        length = file.content_length
        in_one = length is not None and length <= LARGEST_SINGLE_PUT_BYTES
        body = SizedUploadBody(file) if in_one else UploadBody(file)
        headers: _Headers = {
            "ContentType": content_type,
            "ContentDisposition": content_disposition,
            "CacheControl": cache_control,
            "Tagging": tags,
        }
        only: _Condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        with _translated("the upload", body):
            if isinstance(body, SizedUploadBody):
                self._put(key, cast("IO[bytes]", body), headers, only)
            else:
                self._put_in_parts(key, body, headers, only)
        return StoredFile(file.bytes_read, file.sha256)

    def version(self, key: str) -> str | None:
        """Return the entity tag of an object; None if there is no object."""
        found = self._head(key)
        return found["ETag"] if found is not None else None

    def _put(
        self, key: str, body: "IO[bytes] | bytes", headers: "_Headers", only: "_Condition"
    ) -> None:
        self._client.put_object(Bucket=self._bucket_name, Key=key, Body=body, **headers, **only)

    def _put_in_parts(
        self, key: str, body: "UploadBody", headers: "_Headers", only: "_Condition"
    ) -> None:
        """
        Send a file whose length nobody knows.

        Not by `upload_fileobj`, which holds two parts at a time.
        """
        part = body.read(PART_BYTES)
        if len(part) < PART_BYTES:
            self._put(key, part, headers, only)
            return
        place: _Place = {"Bucket": self._bucket_name, "Key": key}
        begun = self._client.create_multipart_upload(**place, ChecksumAlgorithm="CRC32", **headers)
        upload_id = begun["UploadId"]
        sent: list[CompletedPartTypeDef] = []
        try:
            while part:
                number = len(sent) + 1
                taken = self._client.upload_part(
                    **place,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=part,
                    ChecksumAlgorithm="CRC32",
                )
                # An upload begun with a checksum is completed with that of each part, or refused
                # (AmazonS3/latest/API/API_CompletedPart.html).
                sent.append(
                    {
                        "PartNumber": number,
                        "ETag": taken["ETag"],
                        "ChecksumCRC32": taken["ChecksumCRC32"],
                    }
                )
                # Let go of it before the next is read.
                part = b""
                part = body.read(PART_BYTES)
            self._client.complete_multipart_upload(
                **place, UploadId=upload_id, MultipartUpload={"Parts": sent}, **only
            )
        except BaseException:
            # What stays behind when this fails too is ended by the bucket's lifecycle.
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**place, UploadId=upload_id)
            raise

    def presign(
        self,
        key: str,
        *,
        lifetime_seconds: int,
        download_name: str | None = None,
        is_head: bool = False,
    ) -> str:
        """
        Make a link that works without credentials.

        Args:
            key: Of the object, which need not exist yet.
            lifetime_seconds: At most a week; ends earlier with the credentials it was signed with.
            download_name: File name that a browser saves under; None leaves the choice to what
                was stored with the object.
            is_head: Whether it is for HEAD instead of GET: the signature covers the method
                (AmazonS3/latest/userguide/PresignedUrlUploadObject.html).
        """
        params = {"Bucket": self._bucket_name, "Key": key}
        if download_name is not None:
            params["ResponseContentDisposition"] = attachment(download_name)
        with _translated("signing a link"):
            return self._client.generate_presigned_url(
                "head_object" if is_head else "get_object",
                Params=params,
                ExpiresIn=lifetime_seconds,
            )

    def put_raw(self, key: str, body: bytes, content_type: str) -> None:
        """Store a small body that is in memory already."""
        with _translated("storing"):
            self._client.put_object(
                Bucket=self._bucket_name, Key=key, Body=body, ContentType=content_type
            )

    def get_raw(self, key: str, *, most_bytes: int = sys.maxsize) -> bytes:
        """Read an object that fits into memory. Raises StorageError, also for a larger one."""
        with _translated("reading"):
            found = self._client.get_object(Bucket=self._bucket_name, Key=key)
            if found["ContentLength"] > most_bytes:
                found["Body"].close()
                raise StorageError(f"the file is larger than {most_bytes} bytes")
            return found["Body"].read()

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there count as deleted."""
        for batch in batched(keys, LARGEST_DELETE_BATCH, strict=False):
            with _translated("deleting"):
                answer = self._client.delete_objects(
                    Bucket=self._bucket_name,
                    Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
                )
            if errors := answer.get("Errors"):
                first = errors[0].get("Code", "no code")
                raise StorageError(f"S3 did not delete {len(errors)} objects: {first}")

    def delete_folder(self, prefix: str) -> None:
        """Delete every object whose key starts so."""
        keys = list(self.keys(prefix))
        if keys:
            self.delete(keys)

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys of all objects that start so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket_name, Prefix=prefix
        )
        with _translated("listing"):
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []))

    def size_of(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is no object."""
        found = self._head(key)
        return found["ContentLength"] if found is not None else None

    def _head(self, key: str) -> "HeadObjectOutputTypeDef | None":
        try:
            with _translated("looking for a file"):
                return self._client.head_object(Bucket=self._bucket_name, Key=key)
        except StorageError as error:
            cause = error.__cause__
            if not isinstance(cause, ClientError):
                raise
            # Without the right to list, S3 says 403 of what is not there.
            if cause.response["ResponseMetadata"]["HTTPStatusCode"] not in (403, 404):
                raise
            return None

    def presign_upload(
        self, key: str, *, content_type: str, size: int, lifetime_seconds: int
    ) -> tuple[str, dict[str, str]]:
        """Make a form that uploads one object of this very type and size, without credentials."""
        with _translated("signing a form"):
            form = self._client.generate_presigned_post(
                self._bucket_name,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[
                    {"Content-Type": content_type},
                    ["content-length-range", size, size],
                ],
                ExpiresIn=lifetime_seconds,
            )
        return form["url"], form["fields"]


def attachment(name: str) -> str:
    """
    Build the Content-Disposition that makes a browser save under a name (RFC 6266).

    Args:
        name: In any alphabet; characters that could break out of the header are replaced.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    value = f'attachment; filename="{plain}"'
    if plain == name:
        return value
    return f"{value}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


@contextmanager
def _translated(what: str, body: UploadBody | None = None) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        if body and body.failure:
            raise body.failure from exc
        if isinstance(exc, ClientError) and _word(exc) in _TAKEN:
            raise KeyTakenError("another copy has written this file") from exc
        raise StorageError(f"S3 refused {what}: {_word(exc)}") from exc


def _word(exc: BotoCoreError | ClientError) -> str:
    """Pick the code rather than the message: messages may hold links with signatures."""
    if isinstance(exc, ClientError):
        return exc.response.get("Error", {}).get("Code", "no code")
    return type(exc).__name__
