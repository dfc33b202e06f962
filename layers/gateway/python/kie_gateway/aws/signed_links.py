"""Links to files that open without a key, for a while: S3's own, or those of CloudFront."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from botocore.signers import CloudFrontSigner

from kie_gateway.aws.output_bucket import attachment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class CloudFrontLinks:
    """
    Links of a CloudFront distribution.

    Args:
        domain: Of the distribution.
        key_id: Which of its public keys verifies.
        private_key: Reads the key to sign with, as PEM; called for each link, so remembered there.
    """

    def __init__(
        self, domain: str, key_id: str, private_key: Callable[[], str], now: Callable[[], datetime]
    ) -> None:
        self._domain = domain
        self._signer = CloudFrontSigner(key_id, self._sign)
        self._private_key = private_key
        self._loaded: tuple[str, RSAPrivateKey] | None = None
        self._now = now

    def link(
        self,
        key: str,
        *,
        lifetime_seconds: int,
        download_name: str | None = None,
        is_head: bool = False,  # noqa: ARG002 - CloudFront signs for every method
    ) -> str:
        """Make a link to an object."""
        url = f"https://{self._domain}/{quote(key)}"
        if download_name is not None:
            url += "?" + urlencode({"response-content-disposition": attachment(download_name)})
        until = self._now() + timedelta(seconds=lifetime_seconds)
        signed: str = self._signer.generate_presigned_url(url, date_less_than=until)
        return signed

    def _sign(self, message: bytes) -> bytes:
        # Imported where it is needed: few deployments have a distribution.
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415

        # CloudFront takes no other hash for its links.
        return self._key().sign(message, PKCS1v15(), SHA1())  # noqa: S303

    def _key(self) -> "RSAPrivateKey":
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_private_key,
        )

        text = self._private_key()
        if self._loaded is None or self._loaded[0] != text:
            key = load_pem_private_key(text.encode(), password=None)
            if not isinstance(key, RSAPrivateKey):
                raise TypeError("the key of the distribution must be an RSA key")
            self._loaded = (text, key)
        return self._loaded[1]
