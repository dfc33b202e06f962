"""What functions sign for others opens without the local cloud's certificate."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import signers
from botocore.config import Config

from dev import s3_links


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the seam for one test; it is in every function's process."""
    for kind in (signers.RequestSigner, signers.S3PostPresigner):
        for name in ("generate_presigned_url", "generate_presigned_post"):
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, getattr(kind, name))
    s3_links.install()
    s3_links.install()


def client(endpoint: str | None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-south-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )


@pytest.mark.parametrize(
    ("endpoint", "opened"),
    [
        ("https://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("https://localhost:4566", "http://bucket.localhost:4566"),
        ("https://s3.example.com:4566", "https://bucket.s3.example.com:4566"),
        (None, "https://bucket.s3.eu-south-1.amazonaws.com"),
    ],
)
def test_only_links_to_this_machine_lose_their_tls(endpoint: str | None, opened: str) -> None:
    s3 = client(endpoint)
    params = {"Bucket": "bucket", "Key": "https://127.0.0.1:1/a"}
    link = urlsplit(s3.generate_presigned_url("get_object", Params=params))
    form = urlsplit(s3.generate_presigned_post("bucket", "a")["url"])

    assert f"{link.scheme}://{link.netloc}" == opened
    assert f"{form.scheme}://{form.netloc}" == opened
    assert link.path.endswith("/https%3A//127.0.0.1%3A1/a")
