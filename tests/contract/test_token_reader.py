"""Tokens of an issuer that signs with real keys and hands them out over HTTP."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kie_gateway.core.callers.api_key import OWNER, USUAL, Caller, Scope
from kie_gateway.core.errors.backend_errors import IssuerUnavailableError
from kie_gateway.oidc.token_reader import LOOKED_FOR_EVERY_SECONDS, TokenReader
from tests.fakes import Seconds
from tests.oidc_issuer import AUDIENCE, RSA_KEY, Issuer

OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def reader(issuer: Issuer, clock: Seconds) -> TokenReader:
    return TokenReader(issuer.url, AUDIENCE, clock=clock)


@pytest.mark.parametrize("key_id", ["rsa", "ec"])
def test_a_good_token_names_its_owner(issuer: Issuer, reader: TokenReader, key_id: str) -> None:
    assert reader.read(issuer.sign(key_id)) == Caller("alice", USUAL)


def test_keys_are_fetched_once(issuer: Issuer, reader: TokenReader) -> None:
    for _ in range(5):
        assert reader.read(issuer.sign()) is not None
    assert issuer.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": 2**33},
        {"iss": "https://issuer.invalid"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": None, "azp": "another"},
        {"aud": "another", "azp": AUDIENCE},
        {"sub": None},
        {"sub": ""},
        {"sub": ["alice"]},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_proves_nothing(
    issuer: Issuer, reader: TokenReader, claims: dict[str, Any]
) -> None:
    assert reader.read(issuer.sign(**claims)) is None


# As the documentation of each provider shows them.
SUBJECTS = [
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "google-oauth2|103547991597142817347",
    "-XyZ0a_entra-pairwise-subject-begins-with-a-hyphen",
    "repo:octo-org/octo-repo:ref:refs/heads/main",
    "../x",
    "x" * 300,
    "h_somebody-elses-hash",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_any_subject_names_an_owner(issuer: Issuer, reader: TokenReader, subject: str) -> None:
    """Tokens of Auth0, Google, Entra and GitHub Actions were a bare 401 for their subjects."""
    caller = reader.read(issuer.sign(sub=subject))
    assert caller is not None
    assert OWNER.fullmatch(caller.owner)
    assert caller.owner.startswith("h_")
    assert caller == reader.read(issuer.sign(sub=subject))


def test_no_two_subjects_name_one_owner(issuer: Issuer, reader: TokenReader) -> None:
    hashed = reader.read(issuer.sign(sub=SUBJECTS[0]))
    assert hashed is not None
    subjects = [*SUBJECTS, "alice", "Alice", SUBJECTS[0].upper(), hashed.owner]
    owners = {getattr(reader.read(issuer.sign(sub=one)), "owner", None) for one in subjects}
    assert None not in owners
    assert len(owners) == len(subjects)


@pytest.mark.parametrize("claim", ["azp", "client_id"])
def test_a_token_without_an_audience_is_good_for_the_client_it_names(
    issuer: Issuer, reader: TokenReader, claim: str
) -> None:
    """Session tokens of Clerk name `azp`, access tokens of Cognito `client_id`, and no `aud`."""
    assert reader.read(issuer.sign(aud=None, **{claim: AUDIENCE})) == Caller("alice", USUAL)


def test_one_of_several_audiences_is_enough(issuer: Issuer) -> None:
    reader = TokenReader(issuer.url, f"https://app.example.com, {AUDIENCE}")
    assert reader.read(issuer.sign(aud=["x", AUDIENCE])) is not None
    assert reader.read(issuer.sign(aud=None, azp="https://app.example.com")) is not None
    assert reader.read(issuer.sign(aud="https://app.example")) is None


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1}, "ExpiredSignatureError"),
        ({"iss": "https://issuer.invalid"}, "InvalidIssuerError"),
        ({"aud": "another"}, "aud, azp and client_id do not include a JwtAudience"),
        ({"sub": None}, 'MissingRequiredClaimError: Token is missing the "sub" claim'),
        ({"sub": ["alice"]}, "sub is not text"),
    ],
)
def test_the_operator_is_told_which_check_failed(
    issuer: Issuer, claims: dict[str, Any], why: str
) -> None:
    told: list[str] = []
    reader = TokenReader(issuer.url, AUDIENCE, report_refused=told.append)
    token = issuer.sign(**claims)
    assert reader.read(token) is None
    assert reader.read(issuer.sign("rsa", OTHER_RSA_KEY)) is None
    assert told == [why, "InvalidSignatureError"]


def test_clocks_may_differ_a_little(issuer: Issuer, reader: TokenReader) -> None:
    assert reader.read(issuer.sign(exp=time.time() - 20, nbf=time.time() + 20)) is not None


def test_a_token_signed_by_somebody_else_proves_nothing(
    issuer: Issuer, reader: TokenReader
) -> None:
    assert reader.read(issuer.sign("rsa", OTHER_RSA_KEY)) is None
    good = issuer.sign()
    assert reader.read(good[:-6] + "AAAAAA") is None
    head, claims, signature = good.split(".")
    richer = encoded({"iss": issuer.url, "aud": AUDIENCE, "sub": "root", "exp": 2**40})
    assert reader.read(f"{head}.{richer}.{signature}") is None
    assert reader.read(good) is not None
    assert claims


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
def test_a_token_that_anybody_can_sign_proves_nothing(
    issuer: Issuer, reader: TokenReader, algorithm: str
) -> None:
    head = encoded({"alg": algorithm, "typ": "JWT", "kid": "rsa"})
    claims = encoded({"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": 2**33})
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hmac.new(pem, f"{head}.{claims}".encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert reader.read(f"{head}.{claims}.{'' if 'one' in algorithm else signature}") is None


@pytest.mark.parametrize("sent", ["..", "a.b.c", "e30.e30.", "🪁.🪁.🪁", "." * 2 + "x"])
def test_any_other_text_proves_nothing(reader: TokenReader, sent: str) -> None:
    assert reader.read(sent) is None


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


# --- keys that change ---------------------------------------------------------------------------


def test_a_new_key_is_known_with_its_first_token(issuer: Issuer, reader: TokenReader) -> None:
    assert reader.read(issuer.sign()) is not None
    issuer.keys = {"rsa2": OTHER_RSA_KEY}
    assert reader.read(issuer.sign("rsa2")) is not None


def test_a_flood_of_unknown_keys_asks_the_issuer_once_a_minute(
    issuer: Issuer, reader: TokenReader, clock: Seconds
) -> None:
    for number in range(50):
        assert reader.read(issuer.sign(f"unknown-{number}")) is None
    assert len(issuer.asked) == 3
    clock.at = LOOKED_FOR_EVERY_SECONDS
    assert reader.read(issuer.sign("unknown")) is None
    assert len(issuer.asked) == 4


def test_a_token_without_a_key_id_goes_by_the_only_key(issuer: Issuer) -> None:
    assert TokenReader(issuer.url, AUDIENCE).read(issuer.sign(None)) is None
    issuer.keys = {"rsa": RSA_KEY}
    assert TokenReader(issuer.url, AUDIENCE).read(issuer.sign(None)) is not None


def test_an_issuer_that_is_down_is_no_refusal(issuer: Issuer, reader: TokenReader) -> None:
    issuer.is_down = True
    with pytest.raises(IssuerUnavailableError):
        reader.read(issuer.sign())
    issuer.is_down = False
    assert reader.read(issuer.sign()) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://issuer.invalid"},
        {"jwks_uri": "http://keys.invalid/keys"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_keys_from_an_unsafe_place_are_not_fetched(
    issuer: Issuer, reader: TokenReader, changes: dict[str, str]
) -> None:
    issuer.changes = changes
    with pytest.raises(IssuerUnavailableError):
        reader.read(issuer.sign())


# --- what a token may ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, USUAL),
        ({"scope": "openid profile"}, USUAL),
        ({"scope": "openid tasks:read"}, {Scope.TASKS_READ}),
        ({"scp": ["tasks:write", "x"]}, {Scope.TASKS_WRITE}),
        ({"scope": "admin"}, USUAL),
        ({"scope": 7}, USUAL),
    ],
    ids=range(6),
)
def test_a_token_brings_scopes_of_ours_or_the_usual(
    issuer: Issuer, reader: TokenReader, claims: dict[str, Any], scopes: set[Scope]
) -> None:
    assert reader.read(issuer.sign(**claims)) == Caller("alice", frozenset(scopes))


def test_a_token_is_an_admins_only_where_that_is_wanted(issuer: Issuer) -> None:
    reader = TokenReader(issuer.url, AUDIENCE, may_admin=True, owner_claim="email")
    caller = reader.read(issuer.sign(scope="admin", email="root@example.com"))
    assert caller == Caller("root@example.com", frozenset({Scope.ADMIN}))
    assert reader.read(issuer.sign(scope="admin")) is None
