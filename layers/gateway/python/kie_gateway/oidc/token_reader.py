"""
Callers by token: JWTs that an OpenID Connect issuer has signed.

PyJWT reads them and fetches the issuer's keys; it is imported with the first token, so that callers
with keys of ours do not wait for it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from kie_gateway.core.callers.api_key import USUAL, Caller, Scope, owner_of
from kie_gateway.core.errors.backend_errors import IssuerUnavailableError

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWKClient

# What is signed with a secret that both sides know is refused: the issuer's keys are public.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
LEEWAY_SECONDS = 30
# Keys change rarely; one that is not known is looked for at once, but not for every request.
KEYS_KEPT_SECONDS = 3600
LOOKED_FOR_EVERY_SECONDS = 60.0
_TIMEOUT_SECONDS = 3.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class TokenReader:
    """
    Reads tokens of one issuer.

    Args:
        issuer: As it names itself in `iss`; its keys are found by OpenID Connect Discovery.
        audience: What must stand in `aud`, or in `azp` or `client_id` of a token without it; one
            of several, comma separated.
        owner_claim: The claim that names the owner.
        may_admin: Whether a token may bring the scope `admin`.
        report_refused: Told which check a token has failed, in words without secrets.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        owner_claim: str = "sub",
        may_admin: bool = False,
        report_refused: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._audiences = {name.strip() for name in audience.split(",")} - {""}
        self._report_refused = report_refused
        self._owner_claim = owner_claim
        self._may_admin = may_admin
        self._clock = clock
        self._keys: PyJWKClient | None = None
        self._looked_at = -LOOKED_FOR_EVERY_SECONDS

    def read(self, token: str) -> Caller | None:
        """
        Find out who sent a token; None if it proves nothing.

        Raises:
            IssuerUnavailableError: The issuer's keys could not be fetched.
        """
        import jwt  # noqa: PLC0415 - costs time, and only callers with tokens need it

        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return self._refuse("the issuer has no such key")
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # Some providers write no audience; it is checked below, and so is the owner.
                options={
                    "require": ["exp", "iss", self._owner_claim],
                    "verify_aud": False,
                    "verify_sub": False,
                },
            )
        except jwt.PyJWKClientError as error:
            raise IssuerUnavailableError("the issuer's keys could not be fetched") from error
        except jwt.MissingRequiredClaimError as error:
            return self._refuse(f"{type(error).__name__}: {error}")
        except jwt.PyJWTError as error:
            # The messages of other errors may quote the token.
            return self._refuse(type(error).__name__)
        if not self._is_for_us(claims):
            return self._refuse("aud, azp and client_id do not include a JwtAudience")
        return self._caller(claims)

    def _refuse(self, why: str) -> Caller | None:
        self._report_refused(why)
        return None

    def _is_for_us(self, claims: dict[str, Any]) -> bool:
        """Return whether the audience is ours; the client counts only without any audience."""
        named = claims.get("aud")
        if named is None:
            named = [claims.get("azp"), claims.get("client_id")]
        told = named if isinstance(named, list) else [named]
        return any(isinstance(one, str) and one in self._audiences for one in told)

    def _caller(self, claims: dict[str, Any]) -> Caller | None:
        subject = claims[self._owner_claim]
        if not isinstance(subject, str) or not subject:
            return self._refuse(f"{self._owner_claim} is not text")
        owner = owner_of(subject)
        told = claims.get("scope", claims.get("scp", ""))
        words = told.split() if isinstance(told, str) else told
        known = {scope for scope in Scope if isinstance(words, list) and scope.value in words}
        if not self._may_admin:
            known.discard(Scope.ADMIN)
        return Caller(owner, frozenset(known) or USUAL)

    def _key(self, key_id: str | None) -> "PyJWK | None":
        """Find the key a token names; one that is not known yet may be new."""
        keys = self._keys = self._keys or self._discover()
        found = self._among(keys.get_signing_keys(), key_id)
        now = self._clock()
        if found is None and now - self._looked_at >= LOOKED_FOR_EVERY_SECONDS:
            self._looked_at = now
            found = self._among(keys.get_signing_keys(refresh=True), key_id)
        return found

    @staticmethod
    def _among(keys: "list[PyJWK]", key_id: str | None) -> "PyJWK | None":
        if key_id is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.key_id == key_id), None)

    def _discover(self) -> "PyJWKClient":
        from jwt import PyJWKClient  # noqa: PLC0415 - as above

        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            answer = httpx.get(url, timeout=_TIMEOUT_SECONDS).raise_for_status().json()
            issuer, keys_url = answer["issuer"], answer["jwks_uri"]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise IssuerUnavailableError(
                "the issuer does not publish the address of its keys"
            ) from error
        if issuer != self._issuer or not _is_safe(keys_url):
            raise IssuerUnavailableError(
                "the issuer names another issuer, or keys at an unsafe address"
            )
        return PyJWKClient(keys_url, lifespan=KEYS_KEPT_SECONDS, timeout=_TIMEOUT_SECONDS)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
