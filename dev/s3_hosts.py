"""
What a host says about bucket and region, and what S3 answers at the wrong one.

AmazonS3/latest/userguide/VirtualHosting.html and AmazonS3/latest/API/UsingRouting.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.s3_errors import S3Error

if TYPE_CHECKING:
    from dev.s3_request import S3Request

# Those opened before 2019-03-20. In all others a request that reached the wrong place is refused
# for good; here it is redirected.
# fmt: off
_REDIRECTING = frozenset((
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1",
    "ca-central-1", "sa-east-1", "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-southeast-1", "ap-southeast-2", "cn-north-1", "cn-northwest-1",
))
# fmt: on
_GLOBAL_REGION = "us-east-1"
# [BUCKET.]s3[.dualstack][.REGION].amazonaws.com; the same below localhost, which browsers resolve.
_AWS = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}-[a-z-]+-\d))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost)"
)
_LOCAL = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.localhost")


@dataclass(frozen=True)
class Place:
    """
    What a host stands for.

    Attributes:
        bucket: Empty with path-style addresses.
        region: Whose endpoint it is; None at the local cloud's own address, which is every
            region's.
    """

    bucket: str = ""
    region: str | None = None


def place_of(host: str) -> Place:
    """Read a `Host` header."""
    name = re.sub(r":\d+$", "", host.lower())
    if found := _AWS.fullmatch(name):
        return Place(found["bucket"] or "", found["region"] or _GLOBAL_REGION)
    if found := _LOCAL.fullmatch(name):
        return Place(found["bucket"])
    return Place()


def check_host(request: S3Request, region: str) -> None:
    """
    Refuse a request for a bucket that lies in another region.

    The global endpoint knows the way to buckets of the older regions after a day; until then, and
    here always, it redirects, and a redirected request bears a signature of another host.
    """
    asked = request.place.region
    if asked in {None, region}:
        return
    if region not in _REDIRECTING or asked not in _REDIRECTING:
        raise S3Error(
            400,
            "IllegalLocationConstraintException",
            f"The {region} location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
        )
    raise _redirect(request, region, permanent=asked != _GLOBAL_REGION)


def _redirect(request: S3Request, region: str, *, permanent: bool) -> S3Error:
    endpoint = f"{request.bucket}.s3.{region}.amazonaws.com"
    details = {"Endpoint": endpoint, "Bucket": request.bucket}
    region_header = ("x-amz-bucket-region", region)
    if permanent:
        words = (
            "The bucket you are attempting to access must be addressed using the specified "
            "endpoint. Please send all future requests to this endpoint."
        )
        return S3Error(301, "PermanentRedirect", words, details, (region_header,))
    path = request.path if request.place.bucket else request.path.removeprefix(f"/{request.bucket}")
    query = str(request.environ["RAW_URI"])[len(request.path) :]
    location = ("Location", f"https://{endpoint}{path or '/'}{query}")
    words = (
        "Please re-send this request to the specified temporary endpoint. Continue to use the "
        "original request endpoint for future requests."
    )
    return S3Error(307, "TemporaryRedirect", words, details, (location, region_header))
