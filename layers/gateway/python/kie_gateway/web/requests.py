"""What a request says beside its validated fields: key, body, preferences, idempotency."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from kie_gateway.core.callers.api_key import PREFIX
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError, UnauthorizedError
from kie_gateway.web.problems import UNSUPPORTED_TYPE, Problem

MAX_BODY_BYTES = 262_144
MAX_WAIT_SECONDS = 25

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# RFC 7240, section 2: a token, perhaps with a word, perhaps with parameters of its own.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_WORD = rf'(?:{_NAME}|"(?:[^"\\]|\\.)*")'
_PREFERENCE = re.compile(
    rf"({_NAME})(?:[ \t]*=[ \t]*({_WORD})?)?"
    rf"(?:[ \t]*;[ \t]*(?:{_NAME}(?:[ \t]*=[ \t]*{_WORD}?)?)?)*"
)
_COMMA = re.compile(r"[ \t]*(?:,[ \t]*|$)")
_ZERO = re.compile(r"q=0(\.0*)?")
_BEARER = re.compile(r"bearer +([\x21-\x7e]{1,4096})", re.IGNORECASE)


class MalformedRequestError(Exception):
    """A request that cannot even be read; `problem` tells why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def bearer(headers: Mapping[str, str]) -> str:
    """Read the caller's key or token. Raises UnauthorizedError."""
    found = _BEARER.fullmatch(headers.get("authorization", "").strip())
    if found is None:
        raise_unauthorized()
    return found.group(1)


def is_token(sent: str) -> bool:
    """Whether something looks like a JWT: three parts, and none of our keys."""
    return sent.count(".") == 2 and not sent.startswith(PREFIX)


def raise_unauthorized() -> NoReturn:
    """Refuse with the same words whatever was wrong."""
    raise UnauthorizedError("Send a valid key as Authorization: Bearer <key>.")


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Read `Idempotency-Key`. Raises InvalidRequestError."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if _IDEMPOTENCY_KEY.fullmatch(key) is None:
        detail = "1 to 255 visible ASCII characters"
        raise InvalidRequestError(
            f"Idempotency-Key must be {detail}", [FieldFault("/Idempotency-Key", detail)]
        )
    return key


def preferred_wait_seconds(headers: Mapping[str, str]) -> int:
    """
    Read `Prefer: wait=N` (RFC 7240); without a number the longest wait is preferred.

    Longer waits than ours are cut, as preferences may be. One that cannot be read is left out:
    a server "MUST ignore" what it cannot comply with "instead of signaling an error" (section 2).
    """
    word = _preferences(headers.get("prefer", "")).get("wait")
    if word is None or not (word == "" or (word.isascii() and word.isdecimal())):
        return 0
    return _cut(word)


def wait_word(given: object) -> object:
    """Make of `?wait=`, without a number or with a quoted one, what a plain number would be."""
    if not isinstance(given, str):
        return given
    word = _unquoted(given)
    return word or str(MAX_WAIT_SECONDS)


def _cut(word: str) -> int:
    # As text, since the longest numbers are more than Python reads.
    digits = word.lstrip("0")
    return MAX_WAIT_SECONDS if not word or len(digits) > 6 else min(int(word), MAX_WAIT_SECONDS)


def _preferences(header: str) -> dict[str, str]:
    """Read what is preferred, without the parameters; of two of a name the first counts."""
    found = dict[str, str]()
    at = len(header) - len(header.lstrip(" \t,"))
    while at < len(header):
        preference = _PREFERENCE.match(header, at)
        comma = _COMMA.match(header, preference.end()) if preference else None
        if preference is None or comma is None:
            # Not in the form of RFC 7240; what comes after the next comma may be.
            at = header.find(",", at) + 1 or len(header)
        else:
            found.setdefault(preference.group(1).lower(), _unquoted(preference.group(2) or ""))
            at = comma.end()
        at += len(header[at:]) - len(header[at:].lstrip(" \t,"))
    return found


def _unquoted(word: str) -> str:
    if len(word) >= 2 and word[0] == word[-1] == '"':
        return re.sub(r"\\(.)", r"\1", word[1:-1]).strip()
    return word.strip()


def matches_etag(headers: Mapping[str, str], etag: str) -> bool:
    """Whether `If-None-Match` names this state; compared weakly (RFC 9110)."""
    named = headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in named.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Whether `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3)."""
    weights = dict[str, str]()
    for one in headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameters = one.partition(";")
        weights[coding.strip()] = parameters.strip()
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and _ZERO.fullmatch(weight.replace(" ", "")) is None


def readable_body(event: Mapping[str, Any]) -> str | None:
    """
    Make sure that a body, if there is one, is JSON that can be kept and handed on.

    Returns:
        The body as text, None if there is none.

    Raises:
        MalformedRequestError: Sent as something else, too large, or not JSON.
    """
    body = event.get("body")
    if not body:
        return None
    kind = (event.get("headers") or {}).get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        raise MalformedRequestError(UNSUPPORTED_TYPE)
    raw = _decoded(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BODY_BYTES:
        raise MalformedRequestError(
            Problem("request_too_large", f"The body must not exceed {MAX_BODY_BYTES} bytes.")
        )
    try:
        text: str = raw.decode("utf-8")
        json.dumps(json.loads(text), allow_nan=False, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _malformed(f"The body is not valid JSON ({where}).") from None
    except (ValueError, RecursionError):
        raise _malformed("The body contains characters or numbers that cannot be stored.") from None
    return text


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("The body is not valid base64.") from None


def _malformed(detail: str) -> MalformedRequestError:
    faults = [FieldFault("", detail)]
    return MalformedRequestError(Problem("malformed_json", detail, faults=faults))
