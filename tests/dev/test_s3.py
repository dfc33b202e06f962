"""The local S3 refuses what S3 refuses, in S3's words."""

from __future__ import annotations

import http.client
import io
import os
import ssl
import zlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore import auth
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from dev.s3_checksums import checksum
from dev.s3_credentials import Credential, Secret, find_secret
from dev.s3_errors import S3Error
from dev.s3_form import verify_form
from dev.s3_request import S3Request
from tests.contract.clouds import BUCKET, Cloud, cloud_at, s3_endpoint, write_cloud_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 5 * 1024**2
MINE = Credentials("testing", "testing")


@dataclass(frozen=True)
class Answer:
    """What S3 said, with the code and the words of a refusal."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return self._text("Code")

    @property
    def words(self) -> str:
        return self._text("Message")

    def _text(self, name: str) -> str:
        return ET.fromstring(self.body).findtext(name) or "" if self.body else ""


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
        cloud.client.put_object(Bucket=BUCKET, Key="a b.txt", Body=b"hello")
        yield cloud


@pytest.fixture
def s3(cloud: Cloud) -> Any:
    return cloud.client


def send(
    endpoint: str, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send one request over plain http; the target goes out as it is."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    finally:
        connection.close()


def send_signed(
    endpoint: str,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    more: dict[str, str] | None = None,
    credentials: Credentials = MINE,
    region: str = "us-east-1",
) -> Answer:
    """Sign a request, then send it; `more` are headers that are not signed."""
    url = f"http://{urlsplit(endpoint).netloc}/{BUCKET}{path}"
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    if body and not headers:
        request.headers["Content-Length"] = str(len(body))
    S3SigV4Auth(credentials, "s3", region).add_auth(request)
    return send(
        endpoint, method, f"/{BUCKET}{path}", body, {**dict(request.headers), **(more or {})}
    )


def target(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def link_to(s3: Any, key: str = "a b.txt", method: str = "get_object", seconds: int = 60) -> str:
    params = {"Bucket": BUCKET, "Key": key}
    return str(s3.generate_presigned_url(method, Params=params, ExpiresIn=seconds))


def with_parameter(link: str, name: str, value: str) -> str:
    parts = urlsplit(link)
    query = urlencode({**dict(parse_qsl(parts.query)), name: value}, quote_via=quote)
    return f"{parts.path}?{query}"


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return failure.value.response["Error"]["Code"]


# --- signatures ---------------------------------------------------------------------------------


def test_one_port_speaks_tls_and_plain_http(s3: Any, endpoint: str, trust: str) -> None:
    parts = urlsplit(endpoint)
    context = ssl.create_default_context(cafile=trust)
    connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=10)
    connection.request("GET", target(link_to(s3)))

    assert connection.getresponse().read() == b"hello"
    assert send(endpoint, "GET", target(link_to(s3))).body == b"hello"
    connection.close()


@pytest.mark.parametrize(
    ("credentials", "region", "status", "code"),
    [
        (MINE, "us-east-1", 200, ""),
        (Credentials("testing", "other"), "us-east-1", 403, "SignatureDoesNotMatch"),
        (Credentials("nobody", "testing"), "us-east-1", 403, "InvalidAccessKeyId"),
        (Credentials("testing", "testing", "token"), "us-east-1", 400, "InvalidToken"),
        (MINE, "eu-south-1", 400, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_header_is_verified(
    cloud: Cloud, endpoint: str, credentials: Credentials, region: str, status: int, code: str
) -> None:
    answer = send_signed(endpoint, "GET", "/a%20b.txt", credentials=credentials, region=region)

    assert (answer.status, answer.code if status != 200 else "") == (status, code)


def test_a_signature_of_last_hour_is_too_old(
    cloud: Cloud, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        auth, "get_current_datetime", lambda: datetime.now(UTC) - timedelta(minutes=16)
    )
    assert send_signed(endpoint, "GET", "/a%20b.txt").code == "RequestTimeTooSkewed"


def test_what_was_not_signed_does_not_count(cloud: Cloud, endpoint: str) -> None:
    answer = send_signed(endpoint, "GET", "/a%20b.txt", more={"x-amz-expected-bucket-owner": "1"})

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "x-amz-expected-bucket-owner" in answer.body.decode()


def test_another_body_than_the_signed_one_is_refused(cloud: Cloud, endpoint: str) -> None:
    url = f"http://{urlsplit(endpoint).netloc}/{BUCKET}/k"
    request = AWSRequest(method="PUT", url=url, data=b"signed")
    S3SigV4Auth(MINE, "s3", "us-east-1").add_auth(request)

    answer = send(endpoint, "PUT", f"/{BUCKET}/k", b"others", dict(request.headers))

    assert answer.code == "XAmzContentSHA256Mismatch"
    assert cloud.objects() == ["a b.txt"]


def test_keys_of_roles_need_their_session_token() -> None:
    """Signed by the same secret, with the right token, a wrong one, and none."""
    credential = Credential("role", "20261129", "us-east-1", "s3")
    secrets = {"role": Secret("secret", "token")}.get
    assert find_secret(secrets, credential, "token").secret_key == "secret"
    with pytest.raises(S3Error, match="InvalidToken"):
        find_secret(secrets, credential, "another")
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        find_secret(secrets, credential, None)


def test_without_a_signature_nothing_is_given(cloud: Cloud, endpoint: str) -> None:
    assert send(endpoint, "GET", f"/{BUCKET}/a%20b.txt").code == "AccessDenied"
    assert send(endpoint, "PUT", f"/{BUCKET}/k", b"x").code == "AccessDenied"


# --- links --------------------------------------------------------------------------------------


def test_a_link_opens_for_its_own_method_only(s3: Any, endpoint: str) -> None:
    """Whoever looks with HEAD before fetching is refused, and so without a word why."""
    link = target(link_to(s3))

    assert send(endpoint, "GET", link).status == 200
    head = send(endpoint, "HEAD", link)
    assert (head.status, head.body) == (403, b"")
    assert send(endpoint, "PUT", link, b"x").code == "SignatureDoesNotMatch"
    assert send(endpoint, "HEAD", target(link_to(s3, method="head_object"))).status == 200


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("X-Amz-Expires", "61", 403, "SignatureDoesNotMatch"),
        ("X-Amz-Expires", "604801", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-Expires", "soon", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-Date", "20200101T000000Z", 400, "AuthorizationQueryParametersError"),
        ("X-Amz-Credential", "testing/x", 400, "AuthorizationQueryParametersError"),
        ("response-content-type", "text/html", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_changed_link_is_refused(
    s3: Any, endpoint: str, name: str, value: str, status: int, code: str
) -> None:
    answer = send(endpoint, "GET", with_parameter(link_to(s3), name, value))

    assert (answer.status, answer.code) == (status, code)


def test_a_link_opens_at_the_signed_host_only(s3: Any, endpoint: str) -> None:
    link = target(link_to(s3))

    answer = send(endpoint, "GET", link, headers={"Host": "files.example.com"})

    assert answer.code == "SignatureDoesNotMatch"


def test_a_bucket_may_stand_in_the_host(cloud: Cloud, endpoint: str) -> None:
    """As browsers resolve it on this machine: every name below localhost is this machine."""
    port = urlsplit(endpoint).port
    client = boto3.client(
        "s3",
        endpoint_url=f"http://s3.us-east-1.localhost:{port}",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    link = urlsplit(link_to(client))

    assert link.netloc == f"{BUCKET}.s3.us-east-1.localhost:{port}"
    answer = send(endpoint, "GET", target(link.geturl()), headers={"Host": link.netloc})
    assert (answer.status, answer.body) == (200, b"hello")


def test_an_expired_link_says_so(s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now - timedelta(seconds=62))
    old = send(endpoint, "GET", target(link_to(s3)))
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now + timedelta(minutes=16))
    early = send(endpoint, "GET", target(link_to(s3)))

    assert (old.status, old.words) == (403, "Request has expired")
    assert (early.status, early.words) == (403, "Request is not yet valid")


def test_links_of_signature_version_2_are_gone(cloud: Cloud, endpoint: str) -> None:
    old = cloud.make_client().meta.config.merge(Config(signature_version="s3"))
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=old,
    )
    answer = send(endpoint, "GET", target(link_to(client)))

    assert "AWSAccessKeyId=" in link_to(client)
    assert answer.code == "InvalidRequest"


# --- forms --------------------------------------------------------------------------------------


def form_for(s3: Any, key: str = "in/x.png", **more: Any) -> dict[str, str]:
    conditions = [{"Content-Type": "image/png"}, ["content-length-range", 5, 5]]
    options = {"Fields": {"Content-Type": "image/png"}, "Conditions": conditions, "ExpiresIn": 60}
    fields: dict[str, str] = s3.generate_presigned_post(BUCKET, key, **{**options, **more})[
        "fields"
    ]
    return fields


def send_form(endpoint: str, fields: dict[str, str], file: bytes = b"12345") -> Answer:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n')
    body = b"".join((*parts, file, b"\r\n--x--\r\n"))
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return send(endpoint, "POST", f"/{BUCKET}", body, headers)


def test_a_form_uploads_what_its_policy_says(s3: Any, endpoint: str) -> None:
    assert send_form(endpoint, form_for(s3)).status == 204
    assert s3.get_object(Bucket=BUCKET, Key="in/x.png")["Body"].read() == b"12345"


@pytest.mark.parametrize(
    ("changed", "file", "status", "code"),
    [
        ({}, b"123456", 400, "EntityTooLarge"),
        ({}, b"1234", 400, "EntityTooSmall"),
        ({"key": "outputs/other"}, b"12345", 403, "AccessDenied"),
        ({"Content-Type": "text/html"}, b"12345", 403, "AccessDenied"),
        ({"acl": "public-read"}, b"12345", 403, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, b"12345", 403, "SignatureDoesNotMatch"),
        ({"policy": "e30="}, b"12345", 403, "SignatureDoesNotMatch"),
        ({"x-amz-security-token": "t"}, b"12345", 400, "InvalidToken"),
        ({"x-amz-credential": "nobody"}, b"12345", 400, "InvalidRequest"),
    ],
)
def test_a_changed_form_is_refused(
    cloud: Cloud,
    endpoint: str,
    changed: dict[str, str],
    file: bytes,
    status: int,
    code: str,
) -> None:
    answer = send_form(endpoint, {**form_for(cloud.client), **changed}, file)

    assert (answer.status, answer.code) == (status, code)
    assert cloud.objects() == ["a b.txt"]


def test_a_form_has_an_end(s3: Any, endpoint: str) -> None:
    answer = send_form(endpoint, form_for(s3, ExpiresIn=-1))

    assert (answer.status, answer.words) == (403, "Invalid according to Policy: Policy expired.")


def test_a_form_without_a_policy_is_refused(s3: Any, endpoint: str) -> None:
    assert send_form(endpoint, {"key": "k"}).code == "AccessDenied"


def test_a_form_for_one_bucket_is_none_for_another(s3: Any) -> None:
    """The policy names the bucket, so the same form does not open the next one."""
    fields = form_for(s3)
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    body = f'{parts}--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n12345\r\n--x--\r\n'
    environ = {
        "RAW_URI": "/another",
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "wsgi.input": io.BytesIO(),
    }
    secrets = {"testing": Secret("testing")}.get
    with pytest.raises(S3Error, match="Policy Condition failed"):
        verify_form(S3Request.read(environ), body.encode(), "us-east-1", secrets, datetime.now(UTC))


# --- bodies -------------------------------------------------------------------------------------


def put_raw(s3: Any, endpoint: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    """Send a presigned PUT with exactly these headers."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        connection.putrequest("PUT", target(link_to(s3, "k", "put_object")))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def test_a_body_has_a_length(s3: Any, endpoint: str) -> None:
    none = put_raw(s3, endpoint)
    chunked = put_raw(s3, endpoint, ("Transfer-Encoding", "chunked"), body=b"1\r\nx\r\n0\r\n\r\n")

    assert (none.status, none.code) == (411, "MissingContentLength")
    assert (chunked.status, chunked.code) == (501, "NotImplemented")


def trailing(*chunks: bytes, trailer: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer


def put_with_trailer(endpoint: str, body: bytes, size: int) -> Answer:
    headers = {
        "Content-Encoding": "aws-chunked",
        "Content-Length": str(len(body)),
        "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }

    class Streaming(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    url = f"http://{urlsplit(endpoint).netloc}/{BUCKET}/k"
    request = AWSRequest(method="PUT", url=url, data=body, headers=headers)
    Streaming(MINE, "s3", "us-east-1").add_auth(request)
    return send(endpoint, "PUT", f"/{BUCKET}/k", body, dict(request.headers))


def crc32(body: bytes) -> bytes:
    return b64encode(zlib.crc32(body).to_bytes(4))


def test_a_trailer_is_checked_against_the_bytes(cloud: Cloud, endpoint: str) -> None:
    good, bad = (b"x-amz-checksum-crc32:" + crc32(b) + b"\r\n\r\n" for b in (b"hello", b"other"))
    absent = put_with_trailer(endpoint, trailing(b"hello", trailer=b"\r\n"), 5)
    wrong = put_with_trailer(endpoint, trailing(b"hello", trailer=bad), 5)
    short = put_with_trailer(endpoint, trailing(b"hello", trailer=good), 6)
    small = put_with_trailer(endpoint, trailing(b"hel", b"lo", trailer=good), 5)

    assert absent.code == "MalformedTrailerError"
    assert (wrong.code, wrong.words) == (
        "BadDigest",
        "The CRC32 you specified did not match the calculated checksum.",
    )
    assert short.code == "IncompleteBody"
    assert (small.status, small.code) == (403, "InvalidChunkSizeError")
    assert cloud.objects() == ["a b.txt"]
    assert put_with_trailer(endpoint, trailing(b"hello", trailer=good), 5).status == 200
    found = cloud.client.get_object(Bucket=BUCKET, Key="k")
    assert found["Body"].read() == b"hello"
    assert "ContentEncoding" not in found


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_checked_against_the_bytes(s3: Any, algorithm: str) -> None:
    wrong = {f"Checksum{algorithm}": checksum(algorithm, b"other")}
    right = {f"Checksum{algorithm}": checksum(algorithm, b"hello")}

    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"hello", **wrong)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"hello", **right)

    assert code_of(failure) == "BadDigest"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    # The check values of the catalogue of parametrised CRC algorithms, over "123456789".
    [("crc32", 0xCBF43926), ("crc32c", 0xE3069283), ("crc64nvme", 0xAE8B14860A799888)],
)
def test_checksums_are_the_published_ones(algorithm: str, expected: int) -> None:
    size = 8 if algorithm == "crc64nvme" else 4
    assert checksum(algorithm, b"123456789") == b64encode(expected.to_bytes(size)).decode()


# --- uploads in parts ---------------------------------------------------------------------------


class Upload:
    """An upload in parts, and its parts so far."""

    def __init__(self, s3: Any, **options: Any) -> None:
        self.s3 = s3
        self.place = {"Bucket": BUCKET, "Key": "big"}
        self.place["UploadId"] = s3.create_multipart_upload(**self.place, **options)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def add(self, body: bytes, number: int) -> None:
        taken = self.s3.upload_part(**self.place, PartNumber=number, Body=body)
        names = ("ETag", "ChecksumCRC32")
        self.parts.append(
            {"PartNumber": number, **{name: taken[name] for name in names if name in taken}}
        )

    def complete(self, parts: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        done: dict[str, Any] = self.s3.complete_multipart_upload(
            **self.place, MultipartUpload={"Parts": self.parts if parts is None else parts}
        )
        return done


@pytest.fixture
def upload(s3: Any) -> Upload:
    upload = Upload(s3, ChecksumAlgorithm="CRC32")
    upload.add(os.urandom(PART), 1)
    upload.add(b"the end", 2)
    return upload


def test_an_upload_with_checksums_is_completed_with_them(upload: Upload) -> None:
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in upload.parts]
    with pytest.raises(ClientError) as failure:
        upload.complete(bare)

    assert failure.value.response["Error"] == {
        "Code": "InvalidRequest",
        "Message": "The upload was created using a crc32 checksum. The complete request must "
        "include the checksum for each part. It was missing for part 1 in the request.",
    }
    assert upload.complete()["ETag"].endswith('-2"')


@pytest.mark.parametrize(
    ("order", "change", "code"),
    [
        ([1, 0], {}, "InvalidPartOrder"),
        ([1], {}, "InvalidPartOrder"),
        ([0, 1], {"ChecksumCRC32": crc32(b"x").decode()}, "InvalidPart"),
        ([0, 1], {"ETag": '"0"'}, "InvalidPart"),
    ],
)
def test_the_list_of_parts_is_checked(
    cloud: Cloud, upload: Upload, order: list[int], change: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as failure:
        upload.complete([{**upload.parts[number], **change} for number in order])

    assert code_of(failure) == code
    assert cloud.objects() == ["a b.txt"]


def test_only_the_last_part_may_be_small(s3: Any) -> None:
    upload = Upload(s3, ChecksumAlgorithm="CRC32")
    upload.add(bytes(PART - 1), 1)
    upload.add(b"the end", 2)

    with pytest.raises(ClientError) as failure:
        upload.complete()

    assert code_of(failure) == "EntityTooSmall"


def test_a_part_bears_the_checksum_that_was_announced(s3: Any, endpoint: str) -> None:
    upload = Upload(s3, ChecksumAlgorithm="SHA256")

    with pytest.raises(ClientError, match="Checksum Type mismatch occurred") as failure:
        s3.upload_part(**upload.place, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")

    assert code_of(failure) == "InvalidRequest"


# --- objects ------------------------------------------------------------------------------------


def test_a_key_has_1024_bytes_at_most(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="é" * 512, Body=b"")
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket=BUCKET, Key="é" * 512 + "x", Body=b"")

    assert code_of(failure) == "KeyTooLongError"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ("retention=30", ""),
        ("a=" + quote("Zürich +-=._:/@"), ""),
        ("&".join(f"k{n}=v" for n in range(11)), "BadRequest"),
        ("a=1&a=2", "InvalidArgument"),
        ("a=b%2Cc", "InvalidTag"),
        ("aws%3Ax=b", "InvalidTag"),
        ("a=" + "x" * 257, "InvalidTag"),
        ("x" * 129 + "=a", "InvalidTag"),
    ],
)
def test_tags_are_checked(s3: Any, tags: str, code: str) -> None:
    if not code:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", Tagging=tags)
        return
    with pytest.raises(ClientError) as failure:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"", Tagging=tags)

    assert code_of(failure) == code


def test_a_list_has_a_thousand_keys_at_most(s3: Any) -> None:
    # Not over HTTP: that would take most of a minute.
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(1001):
        backend.put_object(BUCKET, f"k{number}", b"")

    found = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=5000)

    assert (found["KeyCount"], found["IsTruncated"]) == (1000, True)


def test_deleting_takes_a_thousand_keys_and_a_checksum(
    cloud: Cloud, s3: Any, endpoint: str
) -> None:
    with pytest.raises(ClientError) as failure:
        s3.delete_objects(
            Bucket=BUCKET, Delete={"Objects": [{"Key": f"k{n}"} for n in range(1001)]}
        )
    body = b"<Delete><Object><Key>a b.txt</Key></Object></Delete>"
    unchecked = send_signed(endpoint, "POST", "?delete=", body)

    assert code_of(failure) == "MalformedXML"
    assert unchecked.words == (
        "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
    )
    assert cloud.objects() == ["a b.txt"]
