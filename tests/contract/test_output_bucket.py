"""The bucket against an S3 that is as strict as AWS's."""

import base64
import hashlib
import io
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from kie_gateway.aws.output_bucket import OutputBucket, attachment
from kie_gateway.core.errors.storage_errors import (
    KeyTakenError,
    SourceBrokenError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.files.remote_file import HEAD_BYTES
from tests.contract.clouds import BUCKET, Cloud, cloud_at, s3_endpoint, write_cloud_certificate

HEADERS = {
    "content_type": "image/png",
    "content_disposition": 'inline; filename="a.png"',
    "cache_control": "private, max-age=60",
}
PART = 5 * 1024 * 1024


def large(size: int) -> Any:
    return pytest.param(size, marks=pytest.mark.large)


class MemoryFile:
    """A download that is in memory, and may break off."""

    url = "https://files.example/x"
    header_content_type = None

    def __init__(
        self, body: bytes, *, known: bool = True, fails_at: int = sys.maxsize, error: Any = None
    ) -> None:
        self.content_length = len(body) if known else None
        self.head = body[:HEAD_BYTES]
        self.bytes_read = 0
        self.finished = False
        self._body = body
        self._fails_at = fails_at
        self._error = error

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self._body[: self.bytes_read]).hexdigest()

    def read(self, size: int, /) -> bytes:
        if self.bytes_read + size > self._fails_at:
            raise self._error
        part = self._body[self.bytes_read : self.bytes_read + size]
        self.bytes_read += len(part)
        return part

    def finish(self) -> None:
        self.finished = True


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_cloud_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def endpoint(trust: str) -> Iterator[str]:
    with s3_endpoint(trust) as endpoint:
        yield endpoint


@pytest.fixture
def cloud(endpoint: str, trust: str) -> Iterator[Cloud]:
    with cloud_at(endpoint, trust) as cloud:
        yield cloud


@pytest.mark.parametrize("size", [1, 8192, PART - 1, PART, PART + 1, large(3 * PART)])
@pytest.mark.parametrize("known", [True, False])
def test_a_stored_file_is_the_file(cloud: Cloud, size: int, known: bool) -> None:
    body = os.urandom(size)

    stored = cloud.bucket.store(MemoryFile(body, known=known), key="a/b.png", **HEADERS)

    found = cloud.client.get_object(Bucket=BUCKET, Key="a/b.png")
    assert body == found["Body"].read()
    assert (size, hashlib.sha256(body).hexdigest()) == (stored.bytes, stored.sha256)
    assert (
        found["ContentType"],
        found["ContentDisposition"],
        found["CacheControl"],
    ) == ("image/png", 'inline; filename="a.png"', "private, max-age=60")
    assert found.get("ContentEncoding") is None
    assert cloud.half_uploads() == 0


def test_a_file_of_known_length_takes_one_request_with_a_checksum(cloud: Cloud) -> None:
    body = os.urandom(3 * PART)

    cloud.bucket.store(MemoryFile(body), key="a", **HEADERS)

    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()
    head = cloud.client.head_object(Bucket=BUCKET, Key="a", ChecksumMode="ENABLED")
    assert cloud.calls == ["PutObject", "HeadObject"]
    assert checksum == head["ChecksumCRC32"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("fails_at", [0, 100_000, 2 * PART + 1])
@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_a_broken_download_leaves_nothing_and_keeps_its_own_error(
    cloud: Cloud, known: bool, fails_at: int, mode: str
) -> None:
    error = SourceUnavailableError("the host broke off")
    file = MemoryFile(os.urandom(3 * PART), known=known, fails_at=fails_at, error=error)
    bucket = OutputBucket(cloud.make_client(retries={"mode": mode}), BUCKET)

    with pytest.raises(SourceUnavailableError) as failure:
        bucket.store(file, key="a", **HEADERS)

    assert error is failure.value
    assert cloud.objects() == []
    assert cloud.half_uploads() == 0


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [100, PART, 2 * PART])
def test_a_body_that_ends_unfinished_never_becomes_visible(
    cloud: Cloud, known: bool, size: int
) -> None:
    class ShortFile(MemoryFile):
        def finish(self) -> None:
            raise SourceBrokenError("shorter than announced")

    with pytest.raises(SourceBrokenError):
        cloud.bucket.store(ShortFile(os.urandom(size), known=known), key="a", **HEADERS)

    assert cloud.objects() == []
    assert cloud.half_uploads() == 0


@pytest.mark.parametrize("size", [5, large(2 * PART)])
@pytest.mark.parametrize("known", [True, False])
def test_only_what_was_seen_is_written_over(cloud: Cloud, size: int, known: bool) -> None:
    """
    A slow copy put its bytes over those that a faster one had recorded.

    The errors and their codes are those of the S3 user guide, "How to prevent object overwrites
    with conditional writes".
    """

    def store(body: bytes, replaces: str | None = None) -> None:
        file = MemoryFile(body, known=known)
        cloud.bucket.store(file, key="a", replaces=replaces, **HEADERS)

    first, second, third = (os.urandom(size) for _ in range(3))
    assert cloud.bucket.version("a") is None
    store(first)
    seen = cloud.bucket.version("a")
    with pytest.raises(KeyTakenError):
        store(second)
    store(second, seen)
    assert cloud.bucket.version("a") not in (None, seen)
    conditions: list[str] = []
    cloud.client.meta.events.register(
        "before-send.s3.CompleteMultipartUpload",
        lambda request, **_: conditions.append(request.headers["If-Match"].decode()),
    )
    if size == 5:
        with pytest.raises(KeyTakenError):
            store(third, seen)
        assert cloud.bucket.get_raw("a") == second
    else:
        # moto leaves this condition out when it puts parts together; S3 checks it (API reference,
        # CompleteMultipartUpload, "If-Match").
        with suppress(KeyTakenError):
            store(third, seen)
        assert conditions == [seen] or cloud.bucket.get_raw("a") == second
    assert cloud.half_uploads() == 0


@pytest.mark.parametrize("known", [True, False])
def test_what_s3_refuses_is_a_storage_error(cloud: Cloud, known: bool) -> None:
    bucket = OutputBucket(cloud.client, "kie-no-such-bucket")

    with pytest.raises(StorageError, match="NoSuchBucket"):
        bucket.store(MemoryFile(os.urandom(2 * PART), known=known), key="a", **HEADERS)


def test_a_refusal_before_the_first_byte_is_tried_again(cloud: Cloud) -> None:
    sends = []

    def lose_the_first(request: Any, **_: Any) -> None:
        sends.append(request)
        if len(sends) == 1:
            raise ConnectionClosedError(endpoint_url=request.url)

    client = cloud.make_client(retries={"mode": "standard"})
    client.meta.events.register("before-send.s3.PutObject", lose_the_first)

    OutputBucket(client, BUCKET).store(MemoryFile(b"hello"), key="a", **HEADERS)

    assert len(sends) == 2
    assert cloud.bucket.get_raw("a") == b"hello"


def test_an_unreachable_s3_is_a_storage_error() -> None:
    client = boto3.client(
        "s3",
        endpoint_url="https://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(StorageError):
        OutputBucket(client, BUCKET).store(MemoryFile(b"hello"), key="a", **HEADERS)


def test_raw_bodies_come_back_as_they_were(cloud: Cloud) -> None:
    cloud.bucket.put_raw("webhooks/a.json", b'{"a": 1}', "application/json")

    assert cloud.bucket.get_raw("webhooks/a.json") == b'{"a": 1}'
    head = cloud.client.head_object(Bucket=BUCKET, Key="webhooks/a.json")
    assert head["ContentType"] == "application/json"


def test_a_missing_object_is_a_storage_error(cloud: Cloud) -> None:
    with pytest.raises(StorageError, match="NoSuchKey"):
        cloud.bucket.get_raw("nothing/here")


def test_any_number_of_objects_is_deleted_there_or_not(cloud: Cloud) -> None:
    for key in ("a", "b", "c"):
        cloud.bucket.put_raw(key, b"x", "text/plain")

    cloud.bucket.delete([*(f"nothing/{n}" for n in range(1500)), "a", "b"])
    cloud.bucket.delete([])

    assert cloud.objects() == ["c"]


@pytest.mark.parametrize(
    ("download_name", "disposition"),
    [
        (None, 'inline; filename="a.png"'),
        ("my file.png", 'attachment; filename="my file.png"'),
        (
            'lä"\r\n\\%.png',
            "attachment; filename=\"l______.png\"; filename*=UTF-8''l%C3%A4%22%0D%0A%5C%25.png",
        ),
    ],
)
def test_a_signed_link_opens_without_credentials(
    cloud: Cloud, trust: str, download_name: str | None, disposition: str
) -> None:
    cloud.bucket.store(MemoryFile(b"hello"), key="a", **HEADERS)

    link = cloud.bucket.presign("a", lifetime_seconds=60, download_name=download_name)

    context = ssl.create_default_context(cafile=trust)
    with urllib.request.urlopen(link, context=context) as answer:
        assert (b"hello", disposition) == (answer.read(), answer.headers["Content-Disposition"])
    assert "X-Amz-Expires=60" in link


def test_a_link_is_for_one_method(cloud: Cloud, trust: str) -> None:
    cloud.bucket.store(MemoryFile(b"hello"), key="a", **HEADERS)
    context = ssl.create_default_context(cafile=trust)

    def head(link: str) -> int:
        request = urllib.request.Request(link, method="HEAD")
        try:
            with urllib.request.urlopen(request, context=context) as answer:
                return int(answer.headers["Content-Length"])
        except urllib.error.HTTPError as error:
            return error.code

    name = "kite.png"
    for_head = cloud.bucket.presign("a", lifetime_seconds=60, download_name=name, is_head=True)
    assert head(for_head) == 5
    assert head(cloud.bucket.presign("a", lifetime_seconds=60, download_name=name)) == 403


def test_a_download_name_cannot_break_out_of_its_header() -> None:
    value = attachment('a"; filename="b.exe\r\nX: y')

    assert value.isprintable()
    assert value.count('"') == 2


MEBIBYTE = 1024 * 1024
BIG_FILE_BYTES = 100 * MEBIBYTE
COPY_TWO_FILES = """
import os, boto3
from botocore.config import Config
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch.files import FileFetcher

config = Config(signature_version="s3v4")
client = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"], config=config)
bucket = OutputBucket(client, os.environ["BUCKET"])
files = FileFetcher(ResultHosts.parse(os.environ["HOST"]), max_bytes=2**30)

def copy(path):
    with files.open(f"http://{os.environ['HOST']}{path}") as file:
        stored = bucket.store(
            file, key=path[1:], content_type="a/b", content_disposition="inline", cache_control="x"
        )
    return stored.bytes

def peak_kibibytes():
    # Not getrusage: its peak is inherited from the process that started this one.
    return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])

copy("/small")
open("/proc/self/clear_refs", "w").write("5")
before = peak_kibibytes()
print(copy(os.environ["BIG"]), peak_kibibytes() - before)
"""


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection after the other until the test is over."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def send_zeros(connection: socket.socket) -> None:
    request = connection.recv(65536)
    size = BIG_FILE_BYTES if b"/big" in request else 1000
    parts = (bytes(min(MEBIBYTE, size - start)) for start in range(0, size, MEBIBYTE))
    if b"/big-in-chunks" in request:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for part in parts:
        connection.sendall(part)


class DiscardingS3:
    """
    Takes one upload per connection over TLS and keeps its headers and chunk sizes only.

    The local cloud keeps every object in memory, which is nothing to measure a stream against.
    """

    def __init__(self, certificate: str) -> None:
        self.headers: list[bytes] = []
        self.chunk_sizes: list[int] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def __call__(self, connection: socket.socket) -> None:
        with self._tls.wrap_socket(connection, server_side=True) as secured:
            stream = secured.makefile("rb")
            self.headers = [line.strip().lower() for line in iter(stream.readline, b"\r\n")]
            secured.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = io.BufferedReader(Dechunked(stream), MEBIBYTE)
            self.chunk_sizes = list(discarded_chunks(body))
            body.read()
            secured.sendall(b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 0\r\n\r\n")


class Dechunked(io.RawIOBase):
    """The body within "Transfer-Encoding: chunked"."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = int(self._stream.readline(), 16)
            if not self._left:
                self._stream.readline()
                return 0
        size = self._stream.readinto(memoryview(buffer)[: self._left])
        self._left -= size
        if not self._left:
            self._stream.readline()
        return size


def discarded_chunks(body: io.BufferedIOBase) -> Iterator[int]:
    while size := int(body.readline(), 16):
        body.read(size)
        body.readline()
        yield size


def copy_in_another_process(endpoint: str, trust: str, path: str = "/big") -> tuple[int, int]:
    """Return the size of the copy, and the KiB of memory that it took at most."""
    with listening(send_zeros) as port:
        environment = {
            "ENDPOINT": endpoint,
            "BUCKET": BUCKET,
            "BIG": path,
            "HOST": f"127.0.0.1:{port}",
            "PYTHONPATH": str(Path(__file__).parents[2] / "layers/gateway/python"),
            "AWS_CA_BUNDLE": trust,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        done = subprocess.run(
            [sys.executable, "-c", COPY_TWO_FILES],
            env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    size, growth_kibibytes = map(int, done.stdout.split())
    return size, growth_kibibytes


@pytest.mark.large
def test_one_request_copies_a_large_file_in_constant_memory(trust: str) -> None:
    s3 = DiscardingS3(trust)
    with listening(s3) as port:
        size, growth_kibibytes = copy_in_another_process(f"https://127.0.0.1:{port}", trust)

    assert BIG_FILE_BYTES == size == sum(s3.chunk_sizes)
    assert growth_kibibytes < 8 * 1024
    # What the real S3 asks of such an upload, and moto does not.
    assert min(s3.chunk_sizes[:-1]) >= 8 * 1024
    assert b"x-amz-decoded-content-length: %d" % size in s3.headers
    assert b"x-amz-content-sha256: streaming-unsigned-payload-trailer" in s3.headers
    assert b"x-amz-trailer: x-amz-checksum-crc32" in s3.headers
    assert not [header for header in s3.headers if header.startswith(b"content-length")]


@pytest.mark.large
def test_parts_copy_a_large_file_in_constant_memory(cloud: Cloud, trust: str) -> None:
    endpoint = cloud.client.meta.endpoint_url

    size, growth_kibibytes = copy_in_another_process(endpoint, trust, "/big-in-chunks")

    assert size == BIG_FILE_BYTES
    assert cloud.client.head_object(Bucket=BUCKET, Key="big-in-chunks")["ETag"].endswith('-20"')
    # One part of 5 MiB, and what the allocator makes of it.
    assert growth_kibibytes < 10 * 1024
