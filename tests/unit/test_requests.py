"""What a request says beside its fields, and the small secrets that travel with it."""

import base64
import hmac
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.core import callback_token as tokens
from kie_gateway.core.callers.api_key import ApiKey, hash_key
from kie_gateway.core.callers.idempotency import IdempotencyKey, fingerprint
from kie_gateway.core.credits.ledger import LedgerPosition
from kie_gateway.core.errors.caller_errors import InvalidRequestError, UnauthorizedError
from kie_gateway.flows.files.list_outputs import Place
from kie_gateway.web import requests
from kie_gateway.web.cursor import KEYS, LEDGER, OUTPUTS, TASKS
from kie_gateway.web.requests import MalformedRequestError
from tests.makers import NOW, TASK_ID, seconds

SECRET = "callback-secret"
KEY = "kg_secret"


# --- the caller's key ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY}", f"  Bearer {KEY} "]
)
def test_a_key_is_read_from_the_authorization(header: str) -> None:
    assert requests.bearer({"authorization": header}) == KEY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {KEY}"},
        *(
            {"authorization": header}
            for header in (
                "",
                KEY,
                "Bearer",
                "Bearer ",
                f"Bearer{KEY}",
                f"Basic {KEY}",
                f"Token Bearer {KEY}",
                f"Bearer {KEY} {KEY}",
                f"Bearer\t{KEY}",
                "Bearer kg_ключ",
                f"Bearer {KEY}\n{KEY}",
                "Bearer " + "x" * 4097,
            )
        ),
    ],
)
def test_anything_else_is_refused_in_the_same_words(headers: dict[str, str]) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        requests.bearer(headers)
    assert str(refused.value) == "Send a valid key as Authorization: Bearer <key>."


@pytest.mark.parametrize(
    ("expires_at", "valid"),
    [(None, True), (NOW + seconds(0.001), True), (NOW, False), (NOW - seconds(1), False)],
)
def test_a_key_is_valid_until_it_expires(expires_at: Any, valid: bool) -> None:
    key = ApiKey("key_1", hash_key(KEY), "alice", "laptop", NOW, expires_at=expires_at)
    assert key.is_valid(NOW) is valid
    assert not replace(key, revoked_at=NOW).is_valid(NOW)
    assert KEY not in repr(key)


# --- idempotency --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a", "!~", "x" * 255, "8f14e45f-ceea-467f", '"quoted"', None])
def test_an_idempotency_key_is_taken_as_sent(key: str | None) -> None:
    assert requests.idempotency_key({"idempotency-key": key} if key else {}) == key


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ", "a\n", "\x7f", "\t"])
def test_an_unusable_idempotency_key_is_named_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        requests.idempotency_key({"idempotency-key": key})
    assert [fault.pointer for fault in refused.value.faults] == ["/Idempotency-Key"]


def test_a_key_is_stored_as_a_hash() -> None:
    key = IdempotencyKey("alice", "order-1", "f", NOW)
    assert key.key_hash == IdempotencyKey("bob", "order-1", "g", NOW).key_hash
    assert "order-1" not in key.key_hash


BODIES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.5,
    -1,
    "",
    "1",
    "null",
    [],
    {},
    [None],
    {"a": None},
    {"a": 1},
]
BODIES += [
    {"a": "1"},
    {"a": [1, 2]},
    {"a": [2, 1]},
    {"a": {"b": 1}},
    {"ab": 1},
    ["a", 1],
    "\u00e9",
    "e\u0301",
]


def test_different_requests_never_look_equal() -> None:
    assert len({fingerprint(body) for body in BODIES}) == len(BODIES)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def turned(body: Any) -> Any:
    """The same JSON with the keys of every object the other way round."""
    if isinstance(body, dict):
        return {key: turned(body[key]) for key in reversed(body)}
    return [turned(one) for one in body] if isinstance(body, list) else body


@settings(max_examples=100)
@given(body=_JSON)
def test_equal_requests_look_equal_in_any_order_of_keys(body: Any) -> None:
    assert fingerprint(body) == fingerprint(json.loads(json.dumps(turned(body))))


# --- preferences and conditions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefer", "wait_seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=10", 10),
        ("Wait = 10", 10),
        ("respond-async, wait=10", 10),
        ("wait=10; foo=1", 10),
        ("wait=0", 0),
        ("wait=25", 25),
        ("wait=26", 25),
        ("wait=999999", 25),
        ("wait=" + "9" * 5000, 25),
        # Without a number, as the clients of other services send it: as long as may be.
        ("wait", 25),
        ("WAIT", 25),
        ("respond-async, wait", 25),
        ("wait; foo", 25),
        ('wait=""', 25),
        # A word may be quoted (RFC 7240, section 2).
        ('wait="10"', 10),
        ('foo="a, wait=3", wait="7"', 7),
        ('foo="\\", wait=3"; bar=",", wait=8', 8),
        (", ,wait=9,", 9),
        ('?!", wait=6', 6),
        # Of two the first counts, and a parameter is no preference.
        ("wait=5, wait=9", 5),
        ("foo;wait=7", 0),
        # What cannot be read is left out, as RFC 7240 asks for.
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=ten", 0),
        ("wait=\u0661", 0),
        ('wait="\u0661"', 0),
        ('wait="1', 0),
        ("await=10", 0),
        ("no-wait=10", 0),
    ],
)
def test_a_wait_is_a_preference_and_cut_to_ours(prefer: str | None, wait_seconds: int) -> None:
    headers = {"prefer": prefer} if prefer is not None else {}
    assert requests.preferred_wait_seconds(headers) == wait_seconds


@pytest.mark.parametrize(
    ("given", "word"),
    [("", "25"), ('""', "25"), ('"10"', "10"), ("7", "7"), ("soon", "soon"), ("26", "26"), (3, 3)],
)
def test_a_wait_in_the_query_may_be_bare_or_quoted(given: object, word: object) -> None:
    assert requests.wait_word(given) == word


@settings(max_examples=200)
@given(header=st.text(alphabet='wait=, ;"\\25x\t', max_size=40))
def test_no_preference_is_too_strange_to_be_read(header: str) -> None:
    assert 0 <= requests.preferred_wait_seconds({"prefer": header}) <= 25


@pytest.mark.parametrize(
    ("named", "matches"),
    [
        (None, False),
        ("", False),
        ('W/"3-0"', True),
        ('"3-0"', True),
        ('"1-0", W/"3-0"', True),
        ('"1-0","3-0"', True),
        ("*", True),
        ('"3-1"', False),
        ("3-0", False),
        ('w/"3-0"', False),
    ],
)
def test_a_known_state_is_recognised(named: str | None, matches: bool) -> None:
    headers = {"if-none-match": named} if named is not None else {}
    assert requests.matches_etag(headers, 'W/"3-0"') is matches


# --- bodies -------------------------------------------------------------------------------------


def encoded(raw: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}


FULL = b'"' + b"x" * (requests.MAX_BODY_BYTES - 2) + b'"'


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({}, None),
        ({"body": None}, None),
        ({"body": ""}, None),
        ({"body": '{"a": 1}'}, '{"a": 1}'),
        ({"body": '{"a": 1}', "isBase64Encoded": False}, '{"a": 1}'),
        (encoded('{"a": "ü🪁"}'.encode()), '{"a": "ü🪁"}'),
        ({"body": '"\\ud83e\\ude81"'}, '"\\ud83e\\ude81"'),
        ({"body": FULL.decode()}, FULL.decode()),
        (encoded(FULL), FULL.decode()),
    ],
)
def test_a_body_is_read_as_text(event: dict[str, Any], text: str | None) -> None:
    assert requests.readable_body(event) == text


UNREADABLE: list[tuple[str, dict[str, Any], int]] = [
    ("one byte too many", {"body": FULL.decode() + " "}, 413),
    ("too many once decoded", encoded(FULL + b" "), 413),
    ("too many in UTF-8", {"body": '"' + "ü" * (requests.MAX_BODY_BYTES // 2) + '"'}, 413),
    ("no JSON", {"body": "{'a': 1}"}, 400),
    ("cut", {"body": '{"a": '}, 400),
    ("two documents", {"body": "{} {}"}, 400),
    ("NaN", {"body": '{"a": NaN}'}, 400),
    ("infinite", {"body": '{"a": 1e999}'}, 400),
    ("half a character", {"body": '{"a": "\\ud800"}'}, 400),
    ("half a character, raw", {"body": '{"a": "\ud800"}'}, 400),
    ("a number of 5000 digits", {"body": "9" * 5000}, 400),
    ("nested without end", {"body": "[" * 100_000}, 400),
    ("another encoding", encoded('{"a": "ü"}'.encode("latin-1")), 400),
    ("no base64", {"body": "%%%", "isBase64Encoded": True}, 400),
    ("no ASCII", {"body": "ключ", "isBase64Encoded": True}, 400),
]


@pytest.mark.parametrize(
    ("event", "status"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
def test_a_body_that_cannot_be_kept_is_told_as_a_problem(
    event: dict[str, Any], status: int
) -> None:
    with pytest.raises(MalformedRequestError) as refused:
        requests.readable_body(event)
    assert refused.value.problem.status == status
    codes = {400: "malformed_json", 413: "request_too_large"}
    assert refused.value.problem.code == codes[status]


def test_a_syntax_error_is_located() -> None:
    with pytest.raises(MalformedRequestError, match=r"line 2, column 7"):
        requests.readable_body({"body": '{"a": 1,\n "b": x}'})


# --- cursors ------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(tail=st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26))
def test_a_cursor_leads_back_to_its_task(tail: str) -> None:
    cursor = TASKS.write(f"task_{tail}")
    assert TASKS.read(cursor) == f"task_{tail}"
    place = Place(f"task_{tail}", int(f"0x{tail.encode().hex()}", 16) % 10_000)
    assert OUTPUTS.read(OUTPUTS.write(place)) == place
    assert KEYS.read(KEYS.write(f"key_{tail}")) == f"key_{tail}"
    entry = LedgerPosition(f"{tail}-1", Decimal(place.index) / 100 - 5)
    assert LEDGER.read(LEDGER.write(entry)) == entry
    assert cursor.isascii()
    assert not set(cursor) & set("=+/")
    assert len(cursor) <= 200


def as_cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        TASK_ID,
        TASKS.write(TASK_ID)[:-2],
        TASKS.write(TASK_ID) + "A",
        TASKS.write(TASK_ID) + " ",
        "ключ",
        as_cursor(TASK_ID),
        as_cursor(f"before:{TASK_ID}"),
        as_cursor(f"after:{TASK_ID.upper()}"),
        as_cursor(f"after:{TASK_ID}\n"),
        as_cursor("after:task_ü123456789012345678901234"),
        as_cursor(f"after:{TASK_ID}/"),
        as_cursor(f"after:{TASK_ID}/-1"),
        as_cursor(f"after:{TASK_ID}/10000"),
        as_cursor(f"after:{TASK_ID}/٣"),
        as_cursor(f"below:{'0' * 26}-1/"),
        as_cursor(f"below:{'0' * 26}-1/1e9"),
        as_cursor(f"below:{'0' * 26}/1"),
        as_cursor("below:~/1"),
    ],
)
def test_a_cursor_of_others_is_an_invalid_field(cursor: str) -> None:
    for read in (TASKS.read, KEYS.read, OUTPUTS.read, LEDGER.read):
        with pytest.raises(InvalidRequestError) as refused:
            read(cursor)
        assert [fault.pointer for fault in refused.value.faults] == ["/cursor"]


def test_a_cursor_of_one_list_is_none_of_the_other() -> None:
    with pytest.raises(InvalidRequestError):
        TASKS.read(OUTPUTS.write(Place(TASK_ID, 0)))
    with pytest.raises(InvalidRequestError):
        OUTPUTS.read(TASKS.write(TASK_ID))
    with pytest.raises(InvalidRequestError):
        KEYS.read(TASKS.write(TASK_ID))


# --- callback tokens ----------------------------------------------------------------------------


def test_a_token_is_an_hmac_of_the_task_that_fits_into_a_url() -> None:
    digest = hmac.digest(SECRET.encode(), TASK_ID.encode(), "sha256")
    token = tokens.callback_token(TASK_ID, SECRET)
    assert base64.urlsafe_b64decode(token + "=") == digest
    assert (len(token), set(token) & set("=+/")) == (43, set())
    url = tokens.callback_url("https://gateway.test", TASK_ID, SECRET)
    assert url == f"https://gateway.test/callbacks/kie/{TASK_ID}/{token}"


def test_only_the_tasks_own_token_is_taken() -> None:
    token = tokens.callback_token(TASK_ID, SECRET)
    assert tokens.is_callback_token(token, TASK_ID, SECRET)
    others = ["", token[:-1], token + "A", token + "=", token.swapcase(), "ключ", "x" * 10_000]
    others += [tokens.callback_token(TASK_ID[:-1] + "b", SECRET)]
    others += [tokens.callback_token(TASK_ID, SECRET + "x")]
    assert not any(tokens.is_callback_token(other, TASK_ID, SECRET) for other in others)


def test_a_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def spy(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return False

    monkeypatch.setattr("hmac.compare_digest", spy)
    assert not tokens.is_callback_token("forged", TASK_ID, SECRET)
    assert compared == [(b"forged", tokens.callback_token(TASK_ID, SECRET).encode())]
