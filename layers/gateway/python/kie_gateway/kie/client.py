"""
Kie.ai's tasks over HTTP.

Kie answers HTTP 200 even for errors; the envelope's `code` decides. What matters most here is what
an answer to a creation proves: a clear yes, a clear no, or nothing. Only a clear no may ever be
followed by a second creation, because each one costs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from kie_gateway.core.deadline import CREATION_SECONDS
from kie_gateway.core.errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderError,
    ProviderInputError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.ports import Accepted, Answer
from kie_gateway.core.report import Failed, Finished, NotUnderstood, Report, Running
from kie_gateway.core.task import Category, Task
from kie_gateway.kie import wire, words
from kie_gateway.kie.families.family import Call
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.kie.http import BUSY_CODES, LONG_PAUSES, KieHttp, retry_after, words_of
from kie_gateway.kie.reading import YES

CREATE_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)

# Raised before a byte of the request was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
# 400 to 499 are refusals, but 408 says only that an answer took too long. 505: the feature is off;
# 531: failed and refunded.
_REFUSALS = {str(code) for code in range(400, 500)} - {"408"} | {"505", "531"}
_REJECTIONS: dict[Category, type[ProviderRejectedError]] = {
    Category.INSUFFICIENT_CREDITS: ProviderNoCreditsError,
    Category.INPUT: ProviderInputError,
    Category.CONTENT_POLICY: ProviderInputError,
    Category.INTERNAL: ProviderAuthError,
}


class KieClient:
    """Kie.ai's tasks, as flows need them (`core/ports.py`, Provider)."""

    def __init__(self, http: KieHttp) -> None:
        self._http = http

    def create(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Accepted:
        """
        Create a task; sent once, never repeated here.

        Raises:
            ProviderUnreachableError, ProviderBusyError, ProviderRejectedError: surely not created.
            SubmissionUnknownError: perhaps created.
        """
        speaks = family_of(model)
        call = speaks.creation(model, task_input, callback_url)
        try:
            response = self._http.send(call, timeout=CREATE_TIMEOUT, least=CREATION_SECONDS)
        except _NOT_SENT as error:
            raise ProviderUnreachableError(words_of(error)) from None
        except httpx.HTTPError as error:
            raise SubmissionUnknownError(f"{words_of(error)}.") from None
        raw = self._http.body_of(response)
        body = wire.parse(raw)
        if response.status_code >= 500 or not isinstance(body, dict):
            raise self._unreadable_creation(response)
        known_id = speaks.known_id(model, task_input)
        accepted = self._read_created(response, body, speaks.interpret(body), known_id)
        return replace(accepted, raw=raw)

    def ask(self, task: Task) -> Answer:
        """
        Ask how a task stands.

        Raises:
            ProviderUnreachableError, ProviderBusyError: no answer this time.
            ProviderAuthError: Kie.ai does not answer us at all.
            ProviderContractError: the answer is no JSON object.
        """
        speaks = family(task.family)
        call = speaks.question(task.model, task.upstream_task_id or "", task.input)
        response = self._http.ask(call)
        raw = self._http.body_of(response)
        body = wire.parse(raw)
        self._http.refuse_unusable(response, body)
        report = speaks.interpret(body)
        if isinstance(report, NotUnderstood) and (wire.code_of(body) or "").startswith("5"):
            # Code 500 without a record is an outage, and no word about the task.
            raise self._http.unusable(response, body)
        return Answer(report, raw)

    def fresh_link(self, task: Task, url: str) -> str | None:
        """
        Ask for another link to a file of Kie's, which works for 20 minutes; None if it has none.

        Raises:
            ProviderError: no answer came.
        """
        speaks = family(task.family)
        body = {"url": url}
        if speaks.names_task_for_links and task.upstream_task_id:
            body["taskId"] = task.upstream_task_id
        response = self._http.ask(Call("POST", speaks.link_path, body=body))
        answer = wire.parse(self._http.body_of(response))
        self._http.refuse_unusable(response, answer)
        return next(wire.links(answer.get("data")), None) if wire.code_of(answer) in YES else None

    def _read_created(
        self,
        response: httpx.Response,
        body: dict[str, Any],
        report: Report,
        known_id: str | None,
    ) -> Accepted:
        code = wire.code_of(body)
        if code in YES and response.status_code >= 400:
            code = str(response.status_code)
        named = next(wire.task_ids(body), None) or _record_id(body)
        at_once: Finished | Failed | None = report if isinstance(report, Finished) else None
        if code in YES and named is not None and isinstance(report, Failed):
            at_once = report
        working = isinstance(report, Running) and words.means_still_working(wire.message_of(body))
        if at_once is None and not working and code not in YES:
            raise self._refusal(code or "", self._http.message_of(body), response)
        found = named or known_id
        if found is None and at_once is None:
            words_shown = self._http.message_of(body) if working else "Kie.ai said yes"
            raise SubmissionUnknownError(f"{words_shown} and named no task id.")
        return Accepted(found, at_once)

    def _unreadable_creation(self, response: httpx.Response) -> ProviderError:
        status = str(response.status_code)
        if status == "429":
            return ProviderBusyError(
                "Kie.ai's rate limit.",
                provider_code=status,
                retry_after_seconds=retry_after(response),
            )
        if 400 <= response.status_code < 500 and status != "408":
            return _rejection(f"HTTP {status}", status)
        return SubmissionUnknownError(
            f"HTTP {status} without a clear answer.", provider_code=status
        )

    def _refusal(self, code: str, message: str, response: httpx.Response) -> ProviderError:
        message = message or f"code {code}"
        if code in BUSY_CODES and not words.means_no_credits(message):
            pause = retry_after(response) or LONG_PAUSES.get(code)
            return ProviderBusyError(message, provider_code=code, retry_after_seconds=pause)
        if code in _REFUSALS or (code == "500" and words.is_final_refusal(message)):
            return _rejection(message, code)
        return SubmissionUnknownError(f"code {code}: {message}", provider_code=code)


def _record_id(body: dict[str, Any]) -> str | None:
    data = wire.decoded(body.get("data"))
    return wire.text(data.get("recordId")) if isinstance(data, dict) else None


def _rejection(message: str, code: str) -> ProviderRejectedError:
    category = words.category_of(code, message)
    kind = _REJECTIONS.get(category, ProviderRejectedError)
    return kind(message, provider_code=code, category=category)
