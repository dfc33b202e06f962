"""
Create the key that signs CloudFront links, or rotate it: `make cloudfront-key`.

The private key goes into Secrets Manager and nowhere else. Links signed with the previous key stay
valid; the key before that is removed. FILE=key.pem uses an existing private key (RSA 2048).
"""

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from scripts import deployments
from scripts.deploy import choose, roll_out
from scripts.stack import StackError, run

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_PLACES = {"": "A", "A": "B", "B": "A"}


def main() -> int:
    """Make it, and deploy it."""
    parser = argparse.ArgumentParser(prog="make cloudfront-key", description=__doc__.strip())
    parser.add_argument("--file", type=Path, help="a private key (PEM) instead of a new one")
    options = parser.parse_args()
    key = _read(options.file) if options.file else generate_private_key(65537, 2048)
    deployment = choose()
    settings = dict(deployment.parameters)
    place = _PLACES[settings.get("CloudFrontSigningKey", "")]
    if settings.pop(f"CloudFrontKey{place}", None):
        # CloudFront never changes a key that it has; the place has to be empty in between.
        print(f"Removing the key before the previous one, at {place}; a second deployment follows.")
        if code := roll_out(deployments.with_parameters(deployment, settings)):
            return code
    before = settings.get("CloudFrontKeySecretArn")
    settings |= {
        f"CloudFrontKey{place}": _public_line(key),
        "CloudFrontSigningKey": place,
        "CloudFrontKeySecretArn": _store(deployment.stack, key),
    }
    chosen = deployments.with_parameters(deployment, settings)
    deployments.keep(chosen)
    if code := roll_out(chosen):
        return code
    print(f"Links are signed with the new key, at {place}.")
    if before:
        print(f"The secret of the previous key is no longer needed: {before}")
    return 0


def _read(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{path} contains no private key: {error}") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size != 2048:
        raise StackError(f"{path}: CloudFront requires RSA keys of 2048 bits")
    return key


def _public_line(key: RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return ",".join(public.decode().split("\n")).rstrip(",")


def _store(stack: str, key: RSAPrivateKey) -> str:
    """
    Keep a private key in a secret of its own; returns its ARN.

    Each has its own, so that a function never signs with one key in the name of another.
    """
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    name = f"{stack}/cloudfront-{hashlib.sha256(_public_line(key).encode()).hexdigest()[:12]}"
    client: SecretsManagerClient = boto3.client("secretsmanager")
    try:
        return client.create_secret(
            Name=name, Description="Signs links of CloudFront.", SecretString=text
        )["ARN"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceExistsException":
            raise
        return client.describe_secret(SecretId=name)["ARN"]


if __name__ == "__main__":
    run(main)
