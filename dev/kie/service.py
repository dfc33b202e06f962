"""The service behind the wire: accepts tasks, ends them in time and owes their webhooks."""

from __future__ import annotations

import time
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, Any

from dev.kie.account import Account, Order, RefusedError, Request
from dev.kie.database import Database
from dev.kie.log import log, masked
from dev.kie.render import extension
from dev.kie.schedule import Schedule
from dev.kie.tasks import Stage, Task, Tasks
from dev.kie.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from dev.kie.families import Family
    from dev.kie.settings import Settings


class OutageError(Exception):
    """The answer to this call is that of a broken service."""


class Service:
    """
    All that the routes share.

    Args:
        own_url: Where we answer; result links start with it unless the settings say otherwise.

    """

    def __init__(self, settings: Settings, families: Iterable[Family], own_url: str) -> None:
        self.settings = settings
        self.families = {family.NAME: family for family in families}
        self.own_url = own_url.rstrip("/")
        self._base_url = (settings.base_url or own_url).rstrip("/")
        self._database = Database(settings.state)
        self._schedule = Schedule()
        self.tasks = Tasks(self._database)
        self.account = Account(settings, self._database, self.tasks)
        self.webhooks = Webhooks(
            settings, self._database, self._schedule, self.tasks, self._webhook_body
        )

    def resume(self) -> None:
        """Go on with what the last run left behind."""
        tasks = self.tasks.unfinished()
        for task in tasks:
            self._finish_later(task)
        self.webhooks.resume()
        if tasks:
            log("-", f"{len(tasks)} tasks go on")

    def close(self) -> None:
        self._schedule.close()
        self._database.close()
        self.webhooks.close()

    def reset(self) -> None:
        self._database.reset()
        log("-", "everything forgotten")

    def create(self, body: Mapping[str, Any], check: Callable[[], Order]) -> Task:
        """
        Accept a creation and see to its end.

        Raises:
            RefusedError: It is not accepted.

        """
        request = Request(body)
        try:
            task = self.account.create(request, check, now=time.time())
        except RefusedError as refused:
            log("-", f"creation refused: {refused.code} {refused.message}")
            raise
        callback = masked(task.callback_url) or "nobody"
        log(task.task_id, f"accepted {task.model}, {task.credits:g} credits held; tells {callback}")
        if task.dials.webhook_early:
            # The caller gets no answer before the receiver has had the webhook.
            wait(self._finish(task.task_id), self.settings.webhook_timeout_seconds + 1)
        else:
            self._finish_later(task)
        return task

    def refuse(self, body: Mapping[str, Any], refused: RefusedError) -> None:
        """Write down a creation that was refused before anybody looked at it."""
        self.account.note_refusal(Request(body), refused, now=time.time())
        log("-", f"creation refused: {refused.code} {refused.message}")

    def poll(self, family: str, task_id: str, *, now: float) -> Task | None:
        """
        Look a task up for a caller who asks how far it has come; this is counted.

        Returns:
            None for a task that is unknown, of another family, or not visible yet.

        Raises:
            OutageError: A dial wants this question to fail.

        """
        task = self.tasks.poll(task_id)
        if task is None or task.family != family:
            return None
        if now < task.created_at + task.dials.poll_null_seconds:
            log(task_id, "asked: not visible yet")
            return None
        if task.polls <= task.dials.poll_errors:
            log(task_id, "asked: HTTP 500")
            raise OutageError
        log(task_id, f"asked: {task.stage_told(now).value}")
        return task

    def links(self, task: Task, base_url: str | None = None) -> list[str]:
        """Name a task's files, as of now."""
        start = f"{base_url or self._base_url}/files/{task.task_id}"
        return [f"{start}/{n}-{task.links}.{extension(task)}" for n in range(task.results)]

    def _finish_later(self, task: Task) -> None:
        if task.dials.never:
            return
        seconds = task.finish_at - task.created_at
        told = self.families[task.family].progress_bodies(task, self.links(task))
        for share, body in told if task.callback_url and not task.dials.webhook_lost else ():
            self._schedule.at(
                task.created_at + share * seconds, partial(self.webhooks.tell, task, body)
            )

        def job() -> None:
            self._finish(task.task_id)

        self._schedule.at(task.finish_at, job)

    def _finish(self, task_id: str) -> list[Future[None]]:
        """End a task, once; each future ends with the first attempt at a webhook."""
        with self._database.transaction():
            task = self.tasks.complete(task_id, time.time())
            if task is None:
                return []
            if task.stage(time.time()) is Stage.FAILED:
                self.account.give_back(task.credits)
            owed = self.webhooks.owe(task)
        self._tell(task)
        self.webhooks.forge(task)
        return self.webhooks.send(owed)

    def _tell(self, task: Task) -> None:
        failure = task.dials.failure
        log(task.task_id, f"fail: {failure.code} {failure.message}" if failure else "success")
        if task.callback_url and task.dials.webhook_lost:
            log(task.task_id, "webhook lost")

    def _webhook_body(self, task: Task, base_url: str | None) -> dict[str, Any]:
        return self.families[task.family].webhook_body(task, self.links(task, base_url))
