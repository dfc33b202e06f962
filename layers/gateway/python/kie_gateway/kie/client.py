"""
Kie.ai over HTTP.

Kie answers HTTP 200 even for errors; the envelope's `code` decides. What matters most here is what
an answer to a creation proves: a clear yes, a clear no, or nothing. Only a clear no may ever be
followed by a second creation, because each one costs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from kie_gateway.core.errors import (
    ProviderBusyError,
    ProviderContractError,
    ProviderError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.ports import Accepted, Answer
from kie_gateway.kie import wire, words
from kie_gateway.kie.families.registry import family, family_of

CREATE_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
ASK_TIMEOUT = httpx.Timeout(10.0, connect=5.0, pool=5.0)

# Raised before a byte of the request was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_YES = ("200", "0", None)
# 429 and 430: too often; 433: the key's hourly or daily cap; 455: maintenance.
_BUSY_CODES = {"429", "430", "433", "455"}
_LONG_PAUSES = {"433": 600.0, "455": 60.0}
# 400 to 499 are refusals, but 408 says only that an answer took too long. 505: the feature is off;
# 531: failed and refunded.
_REFUSALS = {str(code) for code in range(400, 500)} - {"408"} | {"505", "531"}
_MAX_WORDS = 500


class KieClient:
    """
    Kie.ai, as flows need it (`core/ports.py`, Provider).

    Args:
        http: With Kie's base URL; made once, so that connections are kept.
        api_key: Called for each request, since the key may be changed while we run.
    """

    def __init__(self, http: httpx.Client, api_key: Callable[[], str]) -> None:
        self._http = http
        self._api_key = api_key

    def create(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Accepted:
        """
        Create a task; sent once, never repeated here.

        Raises:
            ProviderUnreachableError, ProviderBusyError, ProviderRejectedError: surely not created.
            SubmissionUnknownError: perhaps created.
        """
        speaks = family(family_of(model))
        try:
            response = self._http.post(
                speaks.CREATE_PATH,
                json=speaks.create_body(model, task_input, callback_url),
                headers=self._headers(),
                timeout=CREATE_TIMEOUT,
            )
        except _NOT_SENT as error:
            raise ProviderUnreachableError(_words_of(error)) from None
        except httpx.HTTPError as error:
            raise SubmissionUnknownError(f"{_words_of(error)}.") from None
        return self._read_created(response)

    def ask(self, family_name: str, upstream_task_id: str) -> Answer:
        """
        Ask how a task stands.

        Raises:
            ProviderUnreachableError, ProviderBusyError: no answer this time.
            ProviderRejectedError: Kie.ai does not answer us at all (a wrong key).
            ProviderContractError: the answer is no JSON.
        """
        speaks = family(family_name)
        try:
            response = self._http.get(
                speaks.ASK_PATH,
                params={"taskId": upstream_task_id},
                headers=self._headers(),
                timeout=ASK_TIMEOUT,
            )
        except httpx.HTTPError as error:
            raise ProviderUnreachableError(_words_of(error)) from None
        body = wire.parse(response.content)
        self._refuse_unusable(response, body)
        return Answer(speaks.interpret(body), response.content)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key()}"}

    def _read_created(self, response: httpx.Response) -> Accepted:
        body = wire.parse(response.content)
        if response.status_code >= 500 or not isinstance(body, dict):
            raise self._unreadable_creation(response)
        code = wire.code_of(body)
        if code in _YES and response.status_code >= 400:
            code = str(response.status_code)
        if code in _YES:
            return self._read_id(body)
        raise self._refusal(code or "", wire.message_of(body), response)

    def _read_id(self, body: dict[str, Any]) -> Accepted:
        data = wire.decoded(body.get("data"))
        found = (
            wire.text(data.get("taskId") or data.get("recordId"))
            if isinstance(data, dict)
            else None
        )
        if found is None:
            raise SubmissionUnknownError("Kie.ai said yes and named no task id.")
        return Accepted(found)

    def _unreadable_creation(self, response: httpx.Response) -> ProviderError:
        status = str(response.status_code)
        if status == "429":
            return ProviderBusyError(
                "Kie.ai's rate limit.",
                provider_code=status,
                retry_after_seconds=_retry_after(response),
            )
        if 400 <= response.status_code < 500 and status != "408":
            return ProviderRejectedError(
                f"HTTP {status}", provider_code=status, category=words.category_of(status, "")
            )
        return SubmissionUnknownError(
            f"HTTP {status} without a clear answer.", provider_code=status
        )

    def _refusal(self, code: str, message: str, response: httpx.Response) -> ProviderError:
        message = self._without_key(message) or f"code {code}"
        if code in _BUSY_CODES and not words.means_no_credits(message):
            pause = _retry_after(response) or _LONG_PAUSES.get(code)
            return ProviderBusyError(message, provider_code=code, retry_after_seconds=pause)
        if code in _REFUSALS or (code == "500" and words.is_final_refusal(message)):
            category = words.category_of(code, message)
            return ProviderRejectedError(message, provider_code=code, category=category)
        return SubmissionUnknownError(f"code {code}: {message}", provider_code=code)

    def _refuse_unusable(self, response: httpx.Response, body: Any) -> None:
        """Tell answers that say nothing of the task from those that do."""
        status, code = str(response.status_code), wire.code_of(body)
        message = self._without_key(wire.message_of(body)) or f"HTTP {status}"
        if "401" in (status, code) or "403" in (status, code):
            raise ProviderRejectedError(
                message, provider_code=code or status, category=words.category_of("401", "")
            )
        if status == "429" or code in _BUSY_CODES:
            raise ProviderBusyError(
                message, provider_code=code, retry_after_seconds=_retry_after(response)
            )
        has_record = isinstance(body, dict) and isinstance(body.get("data"), dict)
        if response.status_code >= 500 or (code in ("500", "502", "503", "505") and not has_record):
            raise ProviderBusyError(message, provider_code=code or status)
        if not isinstance(body, dict):
            raise ProviderContractError(f"HTTP {status} with a body that is no JSON object")

    def _without_key(self, message: str) -> str:
        return message.replace(self._api_key(), "[key]")[:_MAX_WORDS]


def _retry_after(response: httpx.Response) -> float | None:
    seconds = wire.number(response.headers.get("retry-after"))
    return min(max(seconds, 0.0), 3600.0) if seconds is not None else None


def _words_of(error: httpx.HTTPError) -> str:
    """Name a network error without its text, which may quote addresses and headers."""
    return f"Kie.ai: {type(error).__name__}"
