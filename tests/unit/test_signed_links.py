"""Links of CloudFront: signed so that its own rule accepts them, and no other."""

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from kie_gateway.aws.signed_links import CloudFrontLinks
from tests.makers import NOW

KEY = generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
LINKS = CloudFrontLinks("d111.cloudfront.net", "K1", lambda: PEM, lambda: NOW)


def signed_part(link: str) -> tuple[bytes, bytes]:
    """Rebuild what CloudFront verifies: its canned policy, and the signature."""
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    resource = link.partition("?Expires=")[0].partition("&Expires=")[0]
    policy = {
        "Statement": [
            {
                "Resource": resource,
                "Condition": {"DateLessThan": {"AWS:EpochTime": int(query["Expires"][0])}},
            }
        ]
    }
    text = query["Signature"][0].replace("-", "+").replace("_", "=").replace("~", "/")
    return json.dumps(policy, separators=(",", ":")).encode(), base64.b64decode(text)


@pytest.mark.parametrize("name", [None, "kite.png"])
def test_cloudfront_accepts_the_link(name: str | None) -> None:
    link = LINKS.link("outputs/alice/task_1/0.png", lifetime_seconds=60, download_name=name)
    assert link.startswith("https://d111.cloudfront.net/outputs/alice/task_1/0.png?")
    query = parse_qs(urlsplit(link).query)
    assert query["Key-Pair-Id"] == ["K1"]
    assert query["Expires"] == [str(int((NOW + timedelta(seconds=60)).timestamp()))]
    if name is not None:
        assert query["response-content-disposition"] == [f'attachment; filename="{name}"']
    policy, signature = signed_part(link)
    KEY.public_key().verify(signature, policy, PKCS1v15(), SHA1())


def test_another_file_is_not_opened_by_it() -> None:
    link = LINKS.link("outputs/alice/task_1/0.png", lifetime_seconds=60)
    policy, signature = signed_part(link.replace("/alice/", "/bob/"))
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(signature, policy, PKCS1v15(), SHA1())
