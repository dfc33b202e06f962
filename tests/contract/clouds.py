"""The local cloud's S3, over TLS, as functions speak to it."""

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from cryptography import x509
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from dev import seams
from dev.s3_credentials import Secret
from dev.s3_front import S3Front
from dev.s3_request import is_for_s3
from dev.s3_tls import EitherServer
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.core.files.remote_file import RemoteFile, StoredFile
from tests.contract.hostile_host import write_certificate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "kie-outputs"


class _PartsBucket(OutputBucket):
    """Stores every file as if nobody had told its length."""

    def store(self, file: Any, **options: Any) -> StoredFile:
        return super().store(_OfUnknownLength(file), **options)


class _OfUnknownLength:
    content_length = None

    def __init__(self, file: RemoteFile) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@dataclass
class Cloud:
    """One way into S3's bucket, with a record of what was called."""

    client: "S3Client"
    make_client: Callable[..., "S3Client"]
    in_parts: bool = False
    calls: list[str] = field(default_factory=list)

    @property
    def bucket(self) -> OutputBucket:
        kind = _PartsBucket if self.in_parts else OutputBucket
        return kind(self.client, BUCKET)

    def objects(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [found["Key"] for found in listed]

    def half_uploads(self) -> int:
        return len(self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


def write_cloud_certificate(folder: Path) -> str:
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return str(write_certificate(folder / "cloud.pem", [address]))


@contextmanager
def s3_endpoint(certificate: str) -> Iterator[str]:
    """Serve S3 as the local cloud does; the same port answers plain http, for other services."""
    seams.nothing_is_read_twice()
    moto = DomainDispatcherApplication(create_backend_app)
    s3 = S3Front(moto, {"testing": Secret("testing")}.get, DEFAULT_ACCOUNT_ID)

    def answer(environ: Any, start_response: Any) -> Any:
        return (s3 if is_for_s3(environ) else moto)(environ, start_response)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = EitherServer(answer, MotoRequestHandler, tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def door(endpoint: str, certificate: str, *, in_parts: bool = False) -> Cloud:
    """A way to S3 through an endpoint."""

    def make_client(**options: Any) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            verify=certificate,
            config=Config(signature_version="s3v4", **options),
        )

    cloud = Cloud(make_client(), make_client, in_parts)
    cloud.client.meta.events.register(
        "before-call.s3", lambda model, **_: cloud.calls.append(model.name)
    )
    return cloud


@contextmanager
def cloud_at(endpoint: str, certificate: str) -> Iterator[Cloud]:
    """An empty bucket behind an endpoint."""
    cloud = door(endpoint, certificate)
    cloud.client.create_bucket(Bucket=BUCKET)
    cloud.calls.clear()
    try:
        yield cloud
    finally:
        cloud.bucket.delete_folder("")
        cloud.client.delete_bucket(Bucket=BUCKET)
