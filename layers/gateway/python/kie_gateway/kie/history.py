"""
Kie's history pages, as its own dashboard reads them.

Undocumented: reported by two public clients. The page of 4o pictures was open to API keys, with and
without "Bearer", in some of their versions; the others want a session of the dashboard, and are
answered with code 401 inside HTTP 200 once it has ended. A page that refuses us is left alone for
an hour. The records of a page hold at most ten tasks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from kie_gateway.core.credits.reconciliation import Listed
from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.core.deadline import QUESTION_SECONDS
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderContractError,
    ProviderError,
    ProviderUnreachableError,
)
from kie_gateway.core.failure import Category
from kie_gateway.core.ports.kie import Record
from kie_gateway.core.task import Task
from kie_gateway.kie import wire
from kie_gateway.kie.families.family import Family
from kie_gateway.kie.families.registry import FAMILIES, family
from kie_gateway.kie.http import ASK_TIMEOUT, words_of
from kie_gateway.kie.patience import TimeLeft, any_time, within
from kie_gateway.kie.redaction import Redaction

PAGE_SIZE = 10
CLOSED_FOR = timedelta(hours=1)
MOST_PAGES = 3
MOST_PAGES_LISTED = 200
_REFUSALS = ("401", "403", "404")
_ID_KEYS = ("taskId", "task_id", "uuid", "id")
_TIME_KEYS = ("completeTime", "createTime")
_PRICE_KEYS = ("creditsConsumed", "consumeCredits", "credits_consumed")
_MODEL_KEYS = ("model", "operationType", "type")


type Headers = dict[str, str]


@dataclass(frozen=True)
class Session:
    """A session of Kie's dashboard: its token goes without "Bearer"."""

    token: str = field(repr=False)
    unique_id: str | None = field(repr=False, default=None)


class KieHistory:
    """
    The history, as flows need it (`core/ports/kie.py`, History).

    Args:
        session: Called for each search; None closes the pages that want one.
        api_key: Called for each search; None closes the pages that take one.
        now: Tells the time, for pages that have refused us.
        time_left: Tells how many seconds there are in all.
    """

    def __init__(
        self,
        http: httpx.Client,
        session: Callable[[], Session | None],
        redaction: Redaction,
        *,
        api_key: Callable[[], str] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        time_left: TimeLeft = any_time,
    ) -> None:
        self._http = http
        self._session = session
        self._redaction = redaction
        self._api_key = api_key
        self._now = now
        self._time_left = time_left
        # By path: until when it is left alone, and with which headers it was open.
        self._closed_until: dict[str, datetime] = {}
        self._worked: dict[str, Headers] = {}

    def is_open(self, task: Task) -> bool:
        """Whether there is a page that may list the task, and something to open it with."""
        speaks = family(task.family)
        path = speaks.history_path
        if not path or task.upstream_task_id is None:
            return False
        closed_until = self._closed_until.get(path)
        if closed_until is not None and self._now() < closed_until:
            return False
        return bool(self._ways(speaks))

    def find(self, task: Task) -> Record | None:
        """
        Find a task by its exact id among the newest records of its family.

        Raises:
            ProviderUnreachableError: No page came.
            ProviderAuthError: The page is closed to us, and is left alone from now on.
            ProviderContractError: The page was not understood.
        """
        try:
            record = self._find(task)
        except ProviderError as error:
            self._redaction.error(error, task)
            raise
        if record is None:
            return None
        return replace(record, report=self._redaction.report(record.report, task))

    def _find(self, task: Task) -> Record | None:
        speaks = family(task.family)
        ways = self._ways(speaks)
        if not ways:
            return None
        for number in range(1, MOST_PAGES + 1):
            records = list(self._open_page(speaks.history_path, number, ways))
            for record in records:
                if task.upstream_task_id in (wire.text(record.get(key)) for key in _ID_KEYS):
                    moments = (wire.moment(record.get(key)) for key in _TIME_KEYS)
                    return Record(
                        report=speaks.interpret({"code": 200, "data": record}),
                        at=next((moment for moment in moments if moment), None),
                    )
            if len(records) < PAGE_SIZE:
                break
        return None

    def listed(self, since: datetime) -> Iterator[Listed]:
        """
        List every family's records since a moment, newest first.

        Raises:
            ProviderError: As `find`; also without a session.
        """
        session = self._session()
        if session is None:
            raise ProviderAuthError(
                "there is no session", provider_code=None, category=Category.INTERNAL
            )
        for path in dict.fromkeys(one.history_path for one in FAMILIES if one.history_path):
            yield from self._listed(path, _of_session(session), since)

    def _listed(self, path: str, way: Headers, since: datetime) -> Iterator[Listed]:
        for number in range(1, MOST_PAGES_LISTED + 1):
            records = list(self._page(path, number, way))
            for record in records:
                found = _read_listed(record)
                if found is not None and (found.at is None or found.at >= since):
                    yield found
            created = [wire.moment(record.get("createTime")) for record in records]
            is_past = any(moment is not None and moment < since for moment in created)
            if is_past or len(records) < PAGE_SIZE:
                return

    def _ways(self, speaks: Family) -> list[Headers]:
        """Return the headers that may open a family's page, the likeliest first."""
        ways: list[Headers] = []
        if self._api_key is not None and speaks.history_takes_key:
            key = self._api_key()
            ways += [{"Authorization": f"Bearer {key}"}, {"Authorization": key}]
        session = self._session()
        if session is not None:
            ways.append(_of_session(session))
        worked = self._worked.get(speaks.history_path)
        return sorted(ways, key=lambda way: way != worked)

    def _open_page(self, path: str, number: int, ways: list[Headers]) -> Iterator[dict[str, Any]]:
        code: str | None = None
        for way in ways:
            try:
                records = self._page(path, number, way)
            except ProviderAuthError as refused:
                code = refused.provider_code
                continue
            self._worked[path] = way
            return records
        self._worked.pop(path, None)
        self._closed_until[path] = self._now() + CLOSED_FOR
        raise ProviderAuthError(
            f"it refuses the gateway ({code}), and is not asked for an hour",
            provider_code=code,
            category=Category.INTERNAL,
        )

    def _page(self, path: str, number: int, headers: Headers) -> Iterator[dict[str, Any]]:
        timeout = within(self._time_left(), ASK_TIMEOUT, least=QUESTION_SECONDS)
        try:
            response = self._http.post(
                path,
                json={"pageNum": number, "pageSize": PAGE_SIZE},
                headers=headers,
                timeout=timeout,
            )
        except httpx.HTTPError as error:
            raise ProviderUnreachableError(words_of(error)) from None
        body = wire.parse(response.content)
        code = wire.code_of(body) or str(response.status_code)
        if _is_refusal(response, body, code):
            raise ProviderAuthError(
                "the session has ended or was refused",
                provider_code=code,
                category=Category.INTERNAL,
            )
        data = wire.decoded(body.get("data")) if isinstance(body, dict) else None
        records = wire.decoded(data.get("records")) if isinstance(data, dict) else None
        if not isinstance(records, list):
            raise ProviderContractError(f"code {code} and no records", provider_code=code)
        return (record for record in records if isinstance(record, dict))


def _of_session(session: Session) -> Headers:
    unique = {"uniqueid": session.unique_id} if session.unique_id else {}
    return {"Authorization": session.token, **unique}


def _is_refusal(response: httpx.Response, body: Any, code: str) -> bool:
    """Whether a page is closed: it says so, is gone, or is one for people to sign in at."""
    if code in _REFUSALS or str(response.status_code) in _REFUSALS:
        return True
    return response.status_code < 500 and not isinstance(body, dict)


def _read_listed(record: dict[str, Any]) -> Listed | None:
    named = next((wire.text(record[key]) for key in _ID_KEYS if record.get(key)), None)
    if named is None:
        return None
    amounts = (wire.number(record.get(key)) for key in _PRICE_KEYS)
    model = next((wire.text(record[key]) for key in _MODEL_KEYS if record.get(key)), None)
    return Listed(
        upstream_task_id=named,
        model=model or "",
        credits_taken=next((as_credits(one) for one in amounts if one is not None), None),
        at=wire.moment(record.get("createTime")),
    )
