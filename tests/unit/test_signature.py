"""Kie.ai's webhook signature: base64 of HMAC-SHA256 over task id and time, and nothing else."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any

import pytest

from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.kie import signature
from tests.makers import NOW, UPSTREAM_ID

KEY = "webhook-key"
SENT_AT = int(NOW.timestamp())
GIVEN = base64.b64encode(hmac.digest(KEY.encode(), f"{UPSTREAM_ID}.{SENT_AT}".encode(), "sha256"))


def headers(sent_at: Any = SENT_AT, signed: str | None = None) -> dict[str, str]:
    signed = signature.sign(UPSTREAM_ID, sent_at, KEY) if signed is None else signed
    return {signature.SIGNATURE_HEADER: signed, signature.TIMESTAMP_HEADER: str(sent_at)}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in headers().items() if key != name}


def verify(given: Mapping[str, str], *task_ids: str) -> None:
    signature.verify(given, task_ids or (UPSTREAM_ID,), KEY, now=NOW)


def test_a_signature_is_what_kies_page_says() -> None:
    assert signature.sign(UPSTREAM_ID, SENT_AT, KEY) == GIVEN.decode()


@pytest.mark.parametrize("age", [-300, -1, 0, 1, 300])
def test_a_fresh_signature_is_taken(age: int) -> None:
    verify(headers(SENT_AT - age))


@pytest.mark.parametrize(
    "task_ids", [(UPSTREAM_ID, "another"), ("another", UPSTREAM_ID), (UPSTREAM_ID, UPSTREAM_ID)]
)
def test_one_of_the_ids_in_question_is_enough(task_ids: tuple[str, ...]) -> None:
    verify(headers(), *task_ids)


REFUSED: list[tuple[str, Mapping[str, str], str]] = [
    ("no headers", {}, "signature_missing"),
    ("no signature", without(signature.SIGNATURE_HEADER), "signature_missing"),
    ("no time", without(signature.TIMESTAMP_HEADER), "signature_missing"),
    ("empty signature", headers(signed=""), "signature_missing"),
    ("empty time", headers(""), "signature_missing"),
    ("upper-case names", {k.upper(): v for k, v in headers().items()}, "signature_missing"),
    ("stale", headers(SENT_AT - 301), "timestamp_stale"),
    ("from the future", headers(SENT_AT + 301), "timestamp_stale"),
    ("from 1970", headers(0), "timestamp_stale"),
    ("milliseconds", headers(SENT_AT * 1000), "timestamp_unreadable"),
    ("a fraction", headers(f"{SENT_AT}.5"), "timestamp_unreadable"),
    ("a sign", headers(f"+{SENT_AT}"), "timestamp_unreadable"),
    ("spaces", headers(f" {SENT_AT}"), "timestamp_unreadable"),
    ("other digits", headers("١٧٧٢٣٦٦٤٠٠"), "timestamp_unreadable"),
    ("words", headers("now"), "timestamp_unreadable"),
    ("hex", headers(signed=base64.b64decode(GIVEN).hex()), "signature_mismatch"),
    ("no base64", headers(signed="%%%"), "signature_unreadable"),
    ("no ASCII", headers(signed="ключ"), "signature_unreadable"),
    ("URL-safe base64", headers(signed="-_" * 22), "signature_unreadable"),
    ("cut", headers(signed=GIVEN.decode()[:-4]), "signature_mismatch"),
    ("longer", headers(signed=GIVEN.decode() + "AAAA"), "signature_unreadable"),
    ("another key", headers(signed=signature.sign(UPSTREAM_ID, SENT_AT, "other")), "mismatch"),
    ("another task", headers(signed=signature.sign("another", SENT_AT, KEY)), "mismatch"),
    ("another time", headers(signed=signature.sign(UPSTREAM_ID, SENT_AT - 1, KEY)), "mismatch"),
    ("the id alone", headers(signed=signature.sign(UPSTREAM_ID, "", KEY)), "mismatch"),
]


@pytest.mark.parametrize(
    ("given", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_anything_else_is_refused_with_its_reason(given: Mapping[str, str], reason: str) -> None:
    with pytest.raises(WebhookRefusedError) as refused:
        verify(given)
    assert refused.value.reason.endswith(reason)
    assert KEY not in str(refused.value)


def test_a_delivery_without_any_id_proves_nothing() -> None:
    with pytest.raises(WebhookRefusedError, match="mismatch"):
        signature.verify(headers(), [], KEY, now=NOW)


def test_every_candidate_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    compare = hmac.compare_digest

    def spy(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return compare(left, right)

    monkeypatch.setattr("hmac.compare_digest", spy)
    verify(headers(), UPSTREAM_ID, "second", "third")
    given = base64.b64decode(GIVEN)
    expected = [signature.sign(one, SENT_AT, KEY) for one in (UPSTREAM_ID, "second", "third")]
    assert compared == [(given, base64.b64decode(one)) for one in expected]
