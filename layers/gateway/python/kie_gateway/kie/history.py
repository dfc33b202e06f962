"""
Kie's history pages, as its own dashboard reads them.

Undocumented: reported by two public clients, closed to API keys, and answered with code 401 inside
HTTP 200 once the session of the dashboard has ended. The records of a page hold at most ten tasks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from kie_gateway.core.deadline import QUESTION_SECONDS
from kie_gateway.core.errors import (
    ProviderAuthError,
    ProviderContractError,
    ProviderUnreachableError,
)
from kie_gateway.core.ports import Record
from kie_gateway.core.reconciliation import Listed
from kie_gateway.core.task import Category, Task
from kie_gateway.kie import wire
from kie_gateway.kie.families.registry import FAMILIES, family
from kie_gateway.kie.http import ASK_TIMEOUT, words_of
from kie_gateway.kie.patience import TimeLeft, any_time, within

PAGE_SIZE = 10
MOST_PAGES = 3
MOST_PAGES_LISTED = 200
_ID_KEYS = ("taskId", "task_id", "uuid", "id")
_TIME_KEYS = ("completeTime", "createTime")
_PRICE_KEYS = ("creditsConsumed", "consumeCredits", "credits_consumed")
_MODEL_KEYS = ("model", "operationType", "type")


@dataclass(frozen=True)
class Session:
    """A session of Kie's dashboard: its token goes without "Bearer"."""

    token: str = field(repr=False)
    unique_id: str | None = field(repr=False, default=None)


class KieHistory:
    """
    The history, as flows need it (`core/ports.py`, History).

    Args:
        session: Called for each search; None switches the pages off.
        time_left: Tells how many seconds there are in all.
    """

    def __init__(
        self,
        http: httpx.Client,
        session: Callable[[], Session | None],
        *,
        time_left: TimeLeft = any_time,
    ) -> None:
        self._http = http
        self._session = session
        self._time_left = time_left

    def is_open(self, task: Task) -> bool:
        """Whether there is a page that may list the task, and a session to read it."""
        has_page = bool(family(task.family).history_path and task.upstream_task_id)
        return has_page and self._session() is not None

    def find(self, task: Task) -> Record | None:
        """
        Find a task by its exact id among the newest records of its family.

        Raises:
            ProviderUnreachableError: No page came.
            ProviderAuthError: The session has ended.
            ProviderContractError: The page was not understood.
        """
        session, speaks = self._session(), family(task.family)
        if session is None:
            return None
        for number in range(1, MOST_PAGES + 1):
            records = list(self._page(speaks.history_path, number, session))
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
            yield from self._listed(path, session, since)

    def _listed(self, path: str, session: Session, since: datetime) -> Iterator[Listed]:
        for number in range(1, MOST_PAGES_LISTED + 1):
            records = list(self._page(path, number, session))
            for record in records:
                found = _read_listed(record)
                if found is not None and (found.at is None or found.at >= since):
                    yield found
            created = [wire.moment(record.get("createTime")) for record in records]
            is_past = any(moment is not None and moment < since for moment in created)
            if is_past or len(records) < PAGE_SIZE:
                return

    def _page(self, path: str, number: int, session: Session) -> Iterator[dict[str, Any]]:
        headers = {"Authorization": session.token}
        if session.unique_id:
            headers["uniqueid"] = session.unique_id
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
        if code in ("401", "403"):
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


def _read_listed(record: dict[str, Any]) -> Listed | None:
    named = next((wire.text(record[key]) for key in _ID_KEYS if record.get(key)), None)
    if named is None:
        return None
    amounts = (wire.number(record.get(key)) for key in _PRICE_KEYS)
    model = next((wire.text(record[key]) for key in _MODEL_KEYS if record.get(key)), None)
    return Listed(
        upstream_task_id=named,
        model=model or "",
        credits_taken=next((amount for amount in amounts if amount is not None), None),
        at=wire.moment(record.get("createTime")),
    )
