"""What a request says beside its validated fields: key, body, preferences, idempotency."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from kie_gateway.core.api_key import PREFIX
from kie_gateway.core.errors import FieldFault, InvalidRequestError, UnauthorizedError
from kie_gateway.web.problems import UNSUPPORTED_TYPE, Problem

MAX_BODY_BYTES = 262_144
MAX_WAIT_SECONDS = 25

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*(\d{1,6})\s*(?:$|[,;])", re.IGNORECASE)
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
    """Read `Prefer: wait=N` (RFC 7240); longer waits than ours are cut, as preferences may be."""
    found = _WAIT.search(headers.get("prefer", ""))
    return min(int(found.group(1)), MAX_WAIT_SECONDS) if found else 0


def matches_etag(headers: Mapping[str, str], etag: str) -> bool:
    """Whether `If-None-Match` names this state; compared weakly (RFC 9110)."""
    named = headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in named.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


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
            Problem(413, "request_too_large", f"The body may have {MAX_BODY_BYTES} bytes at most.")
        )
    try:
        text: str = raw.decode("utf-8")
        json.dumps(json.loads(text), allow_nan=False, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _malformed(f"The body is not valid JSON ({where}).") from None
    except (ValueError, RecursionError):
        raise _malformed("The body is not valid JSON that can be kept.") from None
    return text


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("The body is not valid base64.") from None


def _malformed(detail: str) -> MalformedRequestError:
    faults = [FieldFault("", detail)]
    return MalformedRequestError(Problem(400, "malformed_json", detail, faults=faults))
