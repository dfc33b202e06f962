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

from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.deadline import CREATION_SECONDS
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderError,
    ProviderInputError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.failure import Category
from kie_gateway.core.polling.report import Failed, Finished, NotUnderstood, Report, Running
from kie_gateway.core.polling.sighting import was_seen
from kie_gateway.core.ports.kie import Accepted, Answer
from kie_gateway.core.task import Task
from kie_gateway.kie import reading, wire, words
from kie_gateway.kie.creation import Proof, Reading, read_creation, read_page
from kie_gateway.kie.families.family import Call
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.kie.http import KieHttp, pause_of, words_of
from kie_gateway.kie.reading import YES
from kie_gateway.kie.redaction import Redaction

CREATE_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)

# Raised before a byte of the request was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_REJECTIONS: dict[Category, type[ProviderRejectedError]] = {
    Category.INPUT: ProviderInputError,
    Category.CONTENT_POLICY: ProviderInputError,
    Category.INTERNAL: ProviderAuthError,
}


class KieClient:
    """Kie.ai's tasks, as flows need them (`core/ports/kie.py`, Provider)."""

    def __init__(self, http: KieHttp, redaction: Redaction) -> None:
        self._http = http
        self._redaction = redaction

    def create(self, task: Task, task_input: Mapping[str, Any]) -> Accepted:
        """
        Create a task; sent once, never repeated here.

        Args:
            task_input: Of the task, as Kie.ai can use it.

        Raises:
            ProviderUnreachableError, ProviderBusyError, ProviderRejectedError: surely not created.
            SubmissionUnknownError: perhaps created.
        """
        try:
            accepted = self._create(task, task_input)
        except ConfigurationError as error:
            # Surely not sent: it waits for the secrets like for a Kie.ai that is not there.
            raise ProviderUnreachableError(str(error)) from error
        except ProviderError as error:
            self._redaction.error(error, task)
            raise
        verdict = accepted.at_once
        return replace(
            accepted,
            at_once=None if verdict is None else self._redaction.report(verdict, task),
            raw=self._redaction.kept_body(accepted.raw, task),
        )

    def _create(self, task: Task, task_input: Mapping[str, Any]) -> Accepted:
        model, secret = task.model, self._redaction.callback_secret()
        speaks = family_of(model)
        url = callback_url(task.callback_base_url, task.task_id, secret)
        call = speaks.creation(model, task_input, url)
        try:
            response = self._http.send(call, timeout=CREATE_TIMEOUT, least=CREATION_SECONDS)
        except _NOT_SENT as error:
            raise ProviderUnreachableError(words_of(error)) from None
        except httpx.HTTPError as error:
            raise SubmissionUnknownError(f"{words_of(error)}.") from None
        raw = self._http.body_of(response)
        body = wire.parse(raw)
        if isinstance(body, dict):
            known_id = speaks.known_id(model, task_input)
            report = speaks.interpret(body)
            accepted = self._read_created(response, body, report, task_input, known_id)
        else:
            accepted = self._read_page(response, raw, task_input)
        return replace(accepted, raw=raw)

    def ask(self, task: Task) -> Answer:
        """
        Ask how a task stands.

        Raises:
            ProviderUnreachableError, ProviderBusyError: no answer this time.
            ProviderAuthError: Kie.ai does not answer us at all.
            ProviderContractError: the answer is no JSON object.
        """
        try:
            answer = self._ask(task)
        except ProviderError as error:
            self._redaction.error(error, task)
            raise
        return Answer(
            self._redaction.report(answer.report, task),
            self._redaction.kept_body(answer.raw, task),
        )

    def _ask(self, task: Task) -> Answer:
        speaks = family(task.family)
        call = speaks.question(task.model, task.upstream_task_id or "", task.input)
        response = self._http.ask(call)
        raw = self._http.body_of(response)
        body = wire.parse(raw)
        self._http.refuse_unusable(response, body)
        report = reading.in_answer(speaks.interpret(body), body, was_seen=was_seen(task))
        code = wire.code_of(body) or ""
        is_outage = code.startswith("5") and code not in reading.FAILED_CODES
        if isinstance(report, NotUnderstood) and is_outage:
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
        task_input: Mapping[str, Any],
        known_id: str | None,
    ) -> Accepted:
        code, message = wire.code_of(body), wire.message_of(body)
        says_yes = code in YES and response.status_code < 400
        asked = _ids_in(task_input)
        ids = [*wire.task_ids(body), *wire.bare_ids(body)]
        # An id that the request named may only be quoted back, so with a no it proves nothing.
        named = next((one for one in ids if says_yes or one not in asked), None)
        found = named or known_id
        if isinstance(report, Finished):
            return Accepted(found, report)
        if isinstance(report, Failed) and report.in_record and named is not None:
            return Accepted(named, report)
        works = isinstance(report, Running) and words.means_still_working(message)
        if named is None:
            says_yes = says_yes and code is not None
        if found is not None and (says_yes or works):
            return Accepted(found)
        if works:
            raise SubmissionUnknownError(f"{message} No task id was named.")
        proof = read_creation(response.status_code, code, message, names_task=named is not None)
        if proof.reading is Reading.ACCEPTED:
            return Accepted(named)
        raise self._refusal(proof, self._http.message_of(body), response)

    def _read_page(
        self, response: httpx.Response, raw: bytes, task_input: Mapping[str, Any]
    ) -> Accepted:
        """Read what is no JSON object: a page of somebody on the way, or an answer cut short."""
        named = wire.id_in_cut_off(raw)
        if named is not None and named not in _ids_in(task_input):
            return Accepted(named)
        is_html = wire.is_html(raw)
        proof = read_page(response.status_code, is_html=is_html)
        message = f"HTTP {response.status_code} without a clear answer."
        if is_html:
            message = f"HTTP {response.status_code} with a page instead of an answer."
        raise self._refusal(proof, message, response)

    def _refusal(self, proof: Proof, message: str, response: httpx.Response) -> ProviderError:
        code, message = proof.code, message or f"code {proof.code}"
        match proof.reading:
            case Reading.BUSY:
                pause = pause_of(response, code)
                return ProviderBusyError(message, provider_code=code, retry_after_seconds=pause)
            case Reading.NO_CREDITS:
                category = Category.INSUFFICIENT_CREDITS
                return ProviderNoCreditsError(message, provider_code=code, category=category)
            case Reading.REFUSED if proof.category is not None:
                kind = _REJECTIONS.get(proof.category, ProviderRejectedError)
                return kind(
                    message,
                    provider_code=code,
                    category=proof.category,
                    blames_model=words.blames_model(message),
                )
            case _:
                return SubmissionUnknownError(f"code {code}: {message}", provider_code=code)


def _ids_in(task_input: Mapping[str, Any]) -> set[str]:
    """Return the ids of the earlier tasks that a request is about."""
    found = (wire.text(task_input.get(key)) for key in ("taskId", "task_id"))
    return {one for one in found if one is not None}
