"""The bucket's rules for other origins are the template's, and are applied as S3 applies them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from dev.cloud import LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import Answer, call

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = "https://app.example.com"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Run this repository's own stack; none of its functions is called."""
    values = {"AllowedOrigins": f"{APP},https://*.example.org"}
    with LocalCloud(Template(), values, log=Log(io.StringIO()), poll_queues=False) as cloud:
        bucket = cloud.resources["AssetBucket"]
        cloud.client("s3").put_object(Bucket=bucket, Key="outputs/0.png", Body=b"picture")
        yield cloud


def ask(cloud: LocalCloud, method: str, headers: dict[str, str], client_method: str) -> Answer:
    params = {"Bucket": cloud.resources["AssetBucket"], "Key": "outputs/0.png"}
    link = urlsplit(cloud.client("s3").generate_presigned_url(client_method, Params=params))
    return call(cloud.aws.url, f"{link.path}?{link.query}", method, headers=headers)


@pytest.mark.parametrize("origin", ["null", APP, "https://elsewhere.example"])
@pytest.mark.parametrize(("method", "call"), [("GET", "get_object"), ("HEAD", "head_object")])
def test_a_page_of_any_origin_reads_a_file_by_its_link(
    cloud: LocalCloud, origin: str, method: str, call: str
) -> None:
    """After the API's redirect a browser says "null", whichever page has asked."""
    answer = ask(cloud, method, {"Origin": origin}, call)

    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("access-control-allow-methods") == "GET, HEAD"
    exposed = answer.header("access-control-expose-headers") or ""
    assert {"ETag", "Content-Length", "Content-Range"} == set(exposed.split(", "))
    assert "Origin" in (answer.header("vary") or "")


def test_without_an_origin_nothing_is_said_of_it(cloud: LocalCloud) -> None:
    answer = ask(cloud, "GET", {}, "get_object")

    assert (answer.status, answer.header("access-control-allow-origin")) == (200, None)


def preflight(cloud: LocalCloud, origin: str, method: str, *headers: str) -> Answer:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = ", ".join(headers)
    path = f"/{cloud.resources['AssetBucket']}/outputs/0.png"
    return call(cloud.aws.url, path, "OPTIONS", headers=asked)


def test_a_preflight_of_a_part_is_answered_for_any_origin(cloud: LocalCloud) -> None:
    """A player that asks for a range from another origin has to ask before."""
    answer = preflight(cloud, "null", "GET", "Range", "X-Trace")

    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("access-control-allow-headers") == "range, x-trace"
    assert answer.header("access-control-max-age") == "3600"


@pytest.mark.parametrize("origin", [APP, "https://a.example.org"])
def test_the_named_origins_may_upload(cloud: LocalCloud, origin: str) -> None:
    answer = preflight(cloud, origin, "POST", "content-type")

    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == origin
    assert answer.header("access-control-allow-credentials") == "true"


@pytest.mark.parametrize("origin", ["null", "https://elsewhere.example", "https://example.org"])
def test_no_other_origin_may_upload(cloud: LocalCloud, origin: str) -> None:
    answer = preflight(cloud, origin, "POST")

    assert answer.status == 403
    assert b"CORSResponse: This CORS request is not allowed." in answer.body
    assert answer.header("access-control-allow-origin") is None


def test_nobody_may_write_by_put(cloud: LocalCloud) -> None:
    assert preflight(cloud, APP, "PUT").status == 403


def test_a_bucket_without_rules_says_so(cloud: LocalCloud) -> None:
    cloud.client("s3").create_bucket(Bucket="without-rules")
    asked: dict[str, Any] = {"Origin": APP, "Access-Control-Request-Method": "GET"}

    answer = call(cloud.aws.url, "/without-rules/k", "OPTIONS", headers=asked)

    assert (answer.status, b"CORS is not enabled for this bucket" in answer.body) == (403, True)
