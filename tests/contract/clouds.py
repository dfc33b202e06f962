"""S3 as moto plays it, over TLS as in AWS and over plain http as in the local cloud."""

import ipaddress
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from cryptography import x509
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from kie_gateway.aws.output_bucket import OutputBucket
from tests.contract.hostile_host import write_certificate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "kie-outputs"


@dataclass
class Cloud:
    """One way to S3, with a record of what was called."""

    client: "S3Client"
    make_client: Callable[..., "S3Client"]
    calls: list[str] = field(default_factory=list)

    @property
    def bucket(self) -> OutputBucket:
        return OutputBucket(self.client, BUCKET)

    def objects(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [found["Key"] for found in listed]

    def half_uploads(self) -> int:
        return len(self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


def write_cloud_certificate(folder: Path) -> str:
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return str(write_certificate(folder / "cloud.pem", [address]))


@contextmanager
def s3_endpoint(certificate: str | None = None) -> Iterator[str]:
    """Serve moto, over TLS if there is a certificate."""
    app = DomainDispatcherApplication(create_backend_app)
    tls = (certificate, certificate) if certificate else None
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def door(endpoint: str, certificate: str) -> Cloud:
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

    cloud = Cloud(make_client(), make_client)
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
