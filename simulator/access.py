"""Who may call what: API keys, the session of the dashboard, and open doors."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from flask import request

from simulator.catalogue import PATHS
from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from simulator.settings import Settings

_HISTORY = ("/client/v1/userRecord/", "/api/v1/playground/pageRecordListByDoris")
_OPEN_TO_KEYS = "/client/v1/userRecord/gpt4o-image/page"
UPLOADS = "/api/file-"
HISTORY_KEYS = ("any", "bearer", "bare", "none")


def check(settings: Settings) -> None:
    """
    Look at the headers of a call.

    Raises:
        RefusedError: A header is missing or wrong.

    """
    path = request.path
    if path == PATHS:
        return
    if path.startswith(_HISTORY):
        if not (path == _OPEN_TO_KEYS and _shows_key(settings)):
            _check_session(settings.history_token)
    elif path.startswith("/api/") and not path.startswith(UPLOADS):
        check_key(settings.api_key)
        # Kie.ai gives a body of another type the same answer.
        if request.method == "POST" and not request.is_json:
            raise RefusedError(401)


def check_key(api_key: str | None) -> None:
    """
    Look at the API key.

    Args:
        api_key: The only key that is good; None lets any key pass.

    Raises:
        RefusedError: There is none, or it is another.

    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    is_known = bool(key) if api_key is None else _same(key, api_key)
    if scheme.lower() != "bearer" or not is_known:
        raise RefusedError(401)


def _shows_key(settings: Settings) -> bool:
    """Return whether the caller shows the API key as the history page takes it."""
    shown = request.headers.get("Authorization", "")
    is_bearer = shown.lower().startswith("bearer ")
    key = shown[len("bearer ") :].strip() if is_bearer else shown
    way = "bearer" if is_bearer else "bare"
    if settings.history_key not in {"any", way} or not key:
        return False
    return settings.api_key is None or _same(key, settings.api_key)


def caller_key() -> str:
    """Return the key of the caller, "" outside of a call."""
    return request.headers.get("Authorization", "") if request else ""


def _check_session(token: str) -> None:
    """Look at the session's token, which comes without `Bearer`."""
    if not _same(request.headers.get("Authorization", ""), token):
        raise RefusedError(401, "Unauthorized")


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
