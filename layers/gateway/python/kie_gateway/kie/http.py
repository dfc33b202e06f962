"""
Requests to Kie.ai: the key, the timeouts, and repeating where that is harmless.

Errors never carry the text of the HTTP library, which may quote addresses and headers.
"""

import random
import time
from collections.abc import Callable
from typing import Any

import httpx

from kie_gateway.core.deadline import QUESTION_SECONDS, RECORDING_SECONDS
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderContractError,
    ProviderError,
    ProviderUnreachableError,
)
from kie_gateway.core.failure import Category
from kie_gateway.kie import wire
from kie_gateway.kie.creation import BUSY_CODES
from kie_gateway.kie.families.family import Call
from kie_gateway.kie.patience import TimeLeft, any_time, within

ASK_TIMEOUT = httpx.Timeout(10.0, connect=5.0, pool=5.0)
# A 403 that is no word of Kie's comes from Cloudflare before it, see `read_page`.
_LONG_PAUSES = {"433": 600.0, "455": 60.0, "403": 60.0}
_AUTH_CODES = {"401", "403"}
_MAX_WORDS = 500
_ATTEMPTS = 3
# An attempt that took longer than this is not repeated: somebody waits for us.
_PATIENCE_SECONDS = 5.0
_LONGEST_RETRY_AFTER = 3600.0
# Cloudflare's words for a Kie.ai that is not there.
_GATEWAY_STATUSES = {502, 503, 504, *range(520, 528)}


class KieHttp:
    """
    Kie.ai's HTTP API.

    Args:
        http: With Kie's base URL; made once, so that connections are kept.
        api_key: Called for each request, since the key may be changed while we run.
        sleep: Waits between harmless repetitions.
        time_left: Tells how many seconds there are in all.
        spread: A random number from 0 to 1, so that many of us do not come back at once.
    """

    def __init__(
        self,
        http: httpx.Client,
        api_key: Callable[[], str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        spread: Callable[[], float] = random.random,
        time_left: TimeLeft = any_time,
    ) -> None:
        self._http = http
        self._api_key = api_key
        self._sleep = sleep
        self._spread = spread
        self._time_left = time_left

    def send(
        self, call: Call, *, timeout: httpx.Timeout = ASK_TIMEOUT, least: float = QUESTION_SECONDS
    ) -> httpx.Response:
        """
        Send a request once; httpx's errors come as they are.

        Args:
            least: Seconds without which it is not sent at all.

        Raises:
            OutOfTimeError: It was not sent.
        """
        timeout = within(self._time_left(), timeout, least=least)
        return self._http.request(
            call.method,
            call.path,
            params=dict(call.params) or None,
            json=call.body,
            headers={"Authorization": f"Bearer {self._api_key()}", "Accept": "application/json"},
            timeout=timeout,
        )

    def ask(self, call: Call) -> httpx.Response:
        """
        Send a request that changes nothing; repeated when the way to Kie.ai breaks.

        Raises:
            ProviderUnreachableError: No answer came.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            started = time.monotonic()
            try:
                response = self.send(call)
            except httpx.HTTPError as error:
                failure: httpx.Response | httpx.HTTPError = error
            else:
                if response.status_code not in _GATEWAY_STATUSES:
                    return response
                failure = response
            if attempt == _ATTEMPTS or time.monotonic() - started > _PATIENCE_SECONDS:
                break
            pause = 2**attempt * 0.1 * (0.5 + self._spread())
            if self._time_left() < pause + QUESTION_SECONDS + RECORDING_SECONDS:
                break
            self._sleep(pause)
        if isinstance(failure, httpx.Response):
            return failure
        raise ProviderUnreachableError(words_of(failure))

    def body_of(self, response: httpx.Response) -> bytes:
        """Read a body without our key, which Kie.ai may quote: bodies are archived and shown."""
        return response.content.replace(self._api_key().encode(), b"[key]")

    def message_of(self, body: Any) -> str:
        """Read Kie's words from a body, cut to a length for people."""
        return wire.message_of(body)[:_MAX_WORDS]

    def refuse_unusable(self, response: httpx.Response, body: Any) -> None:
        """
        Refuse answers that say nothing of what was asked.

        Raises:
            ProviderAuthError: The key is wrong.
            ProviderBusyError: Asking again later is right.
            ProviderContractError: The answer is no JSON object.
        """
        status, code = str(response.status_code), wire.code_of(body)
        message = self.message_of(body) or f"HTTP {status}"
        kept_out = status == "403" and wire.is_html(response.content)
        if _AUTH_CODES & {status, code} and not kept_out:
            raise ProviderAuthError(
                message, provider_code=code or status, category=Category.INTERNAL
            )
        if status == "429" or code in BUSY_CODES or kept_out:
            pause = pause_of(response, code or status)
            raise ProviderBusyError(
                message, provider_code=code or status, retry_after_seconds=pause
            )
        if not isinstance(body, dict):
            raise self._no_json(response, message)

    def unusable(self, response: httpx.Response, body: Any) -> ProviderError:
        """Make an error of an answer that could not be used."""
        code = wire.code_of(body) or str(response.status_code)
        message = self.message_of(body) or f"code {code}"
        if response.status_code >= 500 or code.startswith("5"):
            return ProviderBusyError(message, provider_code=code)
        return ProviderContractError(message, provider_code=code)

    def _no_json(self, response: httpx.Response, message: str) -> ProviderError:
        status = str(response.status_code)
        if response.status_code >= 500:
            return ProviderBusyError(message, provider_code=status)
        return ProviderContractError(f"HTTP {status} with a body that is not a JSON object")


def retry_after(response: httpx.Response) -> float | None:
    """Read the pause that Kie.ai asks for, in seconds; None if it does not."""
    seconds = wire.number(response.headers.get("retry-after"))
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER) if seconds is not None else None


def pause_of(response: httpx.Response, code: str) -> float | None:
    """Return how long to pause after a refusal for now, in seconds; None if nothing says so."""
    return retry_after(response) or _LONG_PAUSES.get(code)


def words_of(error: httpx.HTTPError) -> str:
    """Return the name of a network error, without its text."""
    return f"Kie.ai: {type(error).__name__}"
