"""The service behind the wire: accepts tasks, ends them in time and owes their webhooks."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simulator.access import caller_key
from simulator.account import Account, Order, Request
from simulator.database import Database
from simulator.inputs import links_of
from simulator.log import log, masked
from simulator.refusals import RefusedError
from simulator.schedule import Schedule
from simulator.snapshot import Snapshot
from simulator.steps import END
from simulator.store import PREFIX, Store
from simulator.tasks import Stage, Task, Tasks
from simulator.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from simulator.families import Family
    from simulator.settings import Settings
    from simulator.steps import Step


class Service:
    """
    All that the routes share.

    Args:
        own_url: Where we answer; result links start with it unless the settings say otherwise.

    """

    def __init__(self, settings: Settings, families: Iterable[Family], own_url: str) -> None:
        self.settings = settings
        self.families = {family.name: family for family in families}
        self.base_url = (settings.base_url or own_url).rstrip("/")
        self._own_urls = (self.base_url, own_url.rstrip("/"))
        self._counts: Counter[str] = Counter()
        self._database = Database(settings.state)
        self._schedule = Schedule()
        self.tasks = Tasks(self._database)
        self.store = Store(self._database)
        self.account = Account(settings, self._database, self.tasks)
        self.webhooks = Webhooks(
            settings, self._database, self._schedule, self.tasks, self._webhook_body
        )

    def resume(self) -> None:
        """Go on with what the last run left behind."""
        tasks = self.tasks.unfinished()
        for task in tasks:
            self._plan(task)
        self.webhooks.resume()
        if tasks:
            log("-", f"{len(tasks)} tasks resumed")

    def close(self) -> None:
        self._schedule.close()
        self._database.close()
        self.webhooks.close()

    def reset(self) -> None:
        self._database.reset()
        self._counts.clear()
        log("-", "everything deleted")

    def create(self, body: Mapping[str, Any], check: Callable[[], Order]) -> Task:
        """
        Accept a creation and see to its end.

        Raises:
            RefusedError: It is not accepted.

        """
        request = Request(body, caller_key())
        try:
            task = self.account.create(request, lambda: self._with_inputs(check()), now=time.time())
        except RefusedError as refused:
            log("-", f"creation refused: {refused.code} {refused.message}")
            raise
        callback = masked(task.callback_url) or "nobody"
        name = task.model or task.operation
        log(
            task.task_id,
            f"accepted {name}, {task.credits:g} credits reserved; callback: {callback}",
        )
        if not task.ends_at_once:
            self._plan(task)
            return task
        told = self._finish(task.task_id)
        if task.dials.on("webhook early"):
            # The caller gets no answer before the receiver has had the webhook.
            wait(told, self.settings.webhook_timeout_seconds + 1)
        return self.tasks.get(task.task_id) or task

    def refuse(self, body: Mapping[str, Any], refused: RefusedError) -> None:
        """Write down a creation that was refused before anybody looked at it."""
        self.account.note_refusal(Request(body, caller_key()), refused, now=time.time())
        log("-", f"creation refused: {refused.code} {refused.message}")

    def poll(self, task_id: str, is_meant: Callable[[Task], bool]) -> Task | None:
        """
        Look a task up for a caller who asks how far it has come; this is counted.

        Returns:
            None for a task that is unknown, not meant, or not visible yet.

        """
        task = self.tasks.poll(task_id)
        if task is None or not is_meant(task):
            return None
        now = time.time()
        if now < task.created_at + task.dials.number("poll null"):
            log(task_id, "asked: not visible yet")
            return None
        log(task_id, f"asked: {task.stage_told(now).value}")
        return task

    def snapshot(self, task: Task) -> Snapshot:
        """Look at a task as those who ask are told of it."""
        now = time.time()
        return self._telling(task, task.stage_told(now), now)

    def truth(self, task: Task) -> Snapshot:
        """Look at a task as it is."""
        now = time.time()
        return self._telling(task, task.stage(now), now)

    def count(self, name: str) -> int:
        """Count how often something has happened, this time included."""
        self._counts[name] += 1
        return self._counts[name]

    def own_path(self, url: str) -> str | None:
        """Return the path and query of a link that leads to us; None for others."""
        for own in self._own_urls:
            if url.startswith(f"{own}/"):
                parts = urlsplit(url)
                return f"{parts.path}?{parts.query}".rstrip("?")
        return None

    def _telling(self, task: Task, stage: Stage, now: float) -> Snapshot:
        return Snapshot(
            task=task,
            stage=stage,
            now=now,
            base_url=self.base_url,
            callback_failed=self.webhooks.has_given_up(task.task_id),
            balance=self.account.balance(),
        )

    def _with_inputs(self, order: Order) -> Order:
        """Refuse inputs that should lie at our own upload host and do not."""
        for url in links_of(order.input):
            path = (self.own_path(url) or "").partition("?")[0]
            if path.startswith(PREFIX) and self.store.get(path.removeprefix("/")) is None:
                raise RefusedError(500, "Server exception, please try again later")
        return order

    def _plan(self, task: Task) -> None:
        for step in task.steps:
            self._schedule.at(task.step_at(step), partial(self._take_step, task.task_id, step))
        if not task.never_ends:
            self._schedule.at(task.finish_at, partial(self._finish_later, task.task_id))

    def _take_step(self, task_id: str, step: Step) -> None:
        with self._database.transaction():
            task = self.tasks.get(task_id)
            owed = self.webhooks.owe(task, step.name) if task else []
        log(task_id, step.name)
        self.webhooks.send(owed)

    def _finish_later(self, task_id: str) -> None:
        self._finish(task_id)

    def _finish(self, task_id: str) -> list[Future[None]]:
        """End a task, once; each future ends with the first attempt at a webhook."""
        with self._database.transaction():
            task = self.tasks.complete(task_id, time.time())
            if task is None:
                return []
            if task.stage(time.time()) is Stage.FAILED:
                self.account.give_back(task.credits)
            owed = self.webhooks.owe(task, END)
        self._log_end(task)
        self.webhooks.forge(task)
        return self.webhooks.send(owed)

    def _log_end(self, task: Task) -> None:
        failure = task.dials.failure
        log(task.task_id, f"fail: {failure.code} {failure.message}" if failure else "success")
        if task.callback_url and task.dials.on("webhook lost"):
            log(task.task_id, "webhook lost")

    def _webhook_body(self, task: Task, event: str, base_url: str | None) -> dict[str, Any]:
        now = time.time()
        return self.families[task.family].webhook_body(
            Snapshot(
                task=task,
                stage=task.stage(now) if event == END else Stage.GENERATING,
                now=now,
                base_url=base_url or self.base_url,
                event=event,
                balance=self.account.balance(),
            )
        )
