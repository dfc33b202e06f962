"""Links, forms and uploads go to the bucket's own host in its own region, whichever that is."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.signed_links import CloudFrontLinks
from kie_gateway.wiring.clients import Clients
from tests.contract.clouds import s3_endpoint, write_cloud_certificate
from tests.contract.test_output_bucket import HEADERS, MemoryFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "kie-far-away"
# One opened after 2019-03-20 in which S3 answers 400 to the global host, another such, the oldest,
# and one in which it redirects.
REGIONS = ["eu-south-1", "ap-east-1", "us-east-1", "eu-central-1"]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give where S3 stands in for all of its hosts, as host and port."""
    with s3_endpoint(write_cloud_certificate(tmp_path_factory.mktemp("tls"))) as endpoint:
        yield urlsplit(endpoint).netloc


@pytest.fixture(params=REGIONS)
def region(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, s3: str
) -> Iterator[str]:
    """A region with our bucket; functions in it know it from their environment."""
    region: str = request.param
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_REGION", region)
    client: Any = boto3.client("s3", endpoint_url=f"http://{s3}", region_name=region)
    place = {"LocationConstraint": region}
    more = {} if region == "us-east-1" else {"CreateBucketConfiguration": place}
    client.create_bucket(Bucket=BUCKET, **more)
    client.put_object(Bucket=BUCKET, Key="a b.png", Body=b"hello")
    yield region
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)


def ask(
    s3: str, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Ask S3 as if its name had been resolved: by its own host, and with no way to follow on."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(s3, timeout=10)
    target = f"{parts.path or '/'}?{parts.query}".rstrip("?")
    sent = {**(headers or {}), "Host": parts.netloc}
    try:
        connection.request(method, target, body, sent, encode_chunked="Content-Length" not in sent)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def client_of_functions(s3: str) -> "S3Client":
    """Make the client that functions have; its requests reach S3 by the host they are for."""

    class Raw:
        def __init__(self, body: bytes) -> None:
            self._body = [body]

        def stream(self, **_: Any) -> list[bytes]:
            return self._body

    def send(request: Any, **_: Any) -> AWSResponse:
        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
            if name.lower() != "expect"
        }
        status, found, body = ask(s3, request.method, request.url, request.body, headers)
        answer = HTTPHeaders()
        for name, value in found.items():
            answer[name] = value
        return AWSResponse(request.url, status, answer, Raw(body))

    client = Clients().s3
    hooks: Any = client.meta.events
    hooks.register("before-send.s3", send)
    return client


def multipart(fields: dict[str, str], file: bytes) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    last = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = b"".join((*parts, last, file, b"\r\n--x--\r\n"))
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(len(body))}
    return body, headers


def test_a_link_opens_at_the_buckets_own_host(region: str, s3: str) -> None:
    link = OutputBucket(Clients().s3, BUCKET).presign("a b.png", lifetime_seconds=60)

    assert link.startswith(f"https://{BUCKET}.s3.{region}.amazonaws.com/a%20b.png?")
    assert ask(s3, "GET", link)[::2] == (200, b"hello")


def test_a_form_is_taken_at_the_buckets_own_host(region: str, s3: str) -> None:
    bucket = OutputBucket(Clients().s3, BUCKET)
    url, fields = bucket.presign_upload("in/f", content_type="a/b", size=5, lifetime_seconds=60)
    body, headers = multipart(fields, b"12345")

    assert url == f"https://{BUCKET}.s3.{region}.amazonaws.com/"
    assert ask(s3, "POST", url, body, headers)[0] == 204
    assert ask(s3, "GET", bucket.presign("in/f", lifetime_seconds=60))[2] == b"12345"


@pytest.mark.parametrize("known", [True, False])
def test_files_are_stored_at_the_buckets_own_host(region: str, s3: str, known: bool) -> None:
    bucket = OutputBucket(client_of_functions(s3), BUCKET)

    bucket.store(MemoryFile(bytes(6_000_000), known=known), key="outputs/0.png", **HEADERS)

    assert bucket.size_of("outputs/0.png") == 6_000_000
    assert set(bucket.keys("")) == {"a b.png", "outputs/0.png"}
    bucket.delete_folder("outputs/")
    assert bucket.size_of("outputs/0.png") is None


def test_links_of_the_distribution_leave_uploads_at_the_buckets_own_host(region: str) -> None:
    """With CloudFront only reading goes by it; forms, and inputs for Kie.ai, stay with S3."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    bucket = OutputBucket(Clients().s3, BUCKET)
    links = CloudFrontLinks("d1.cloudfront.net", "K1", lambda: pem, lambda: datetime.now(UTC))
    form, _ = bucket.presign_upload("in/f", content_type="a/b", size=5, lifetime_seconds=60)

    assert urlsplit(links.link("a b.png", lifetime_seconds=60)).netloc == "d1.cloudfront.net"
    own = f"{BUCKET}.s3.{region}.amazonaws.com"
    assert urlsplit(form).netloc == own
    assert urlsplit(bucket.presign("in/f", lifetime_seconds=60)).netloc == own


@pytest.mark.parametrize("region", ["eu-south-1", "ap-east-1", "eu-central-1"], indirect=True)
def test_a_link_to_the_global_host_does_not_open(region: str, s3: str) -> None:
    """What botocore signs by itself: refused for good, or sent to a host that was not signed."""
    by_itself = boto3.client("s3", config=Config(signature_version="s3v4"))
    link = OutputBucket(by_itself, BUCKET).presign("a b.png", lifetime_seconds=60)

    status, headers, body = ask(s3, "GET", link)

    assert urlsplit(link).netloc == f"{BUCKET}.s3.amazonaws.com"
    if region == "eu-central-1":
        assert (status, b"<Code>TemporaryRedirect</Code>" in body) == (307, True)
        assert ask(s3, "GET", headers["Location"])[0] == 403
    else:
        assert status == 400
        assert b"<Code>IllegalLocationConstraintException</Code>" in body
