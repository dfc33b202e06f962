"""
Take in a webhook: prove that it is Kie's, record what it says, ask for the rest to be done.

Kie's signature does not cover the body, so the body is a claim. It is taken at its word only for a
result whose links lead to hosts we trust anyway; in every other case Kie.ai is asked, behind the
queue, so that the answer to the webhook never waits.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kie_gateway.core.alternatives import Attempt
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.core.files.bucket_keys import webhook_key
from kie_gateway.core.moves import submission_moves, verdict_moves
from kie_gateway.core.moves.alternative_moves import of_attempt
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed, Finished, Partial, Running
from kie_gateway.core.polling.sighting import note_sighting
from kie_gateway.core.ports.files import Archive
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import StoreQueue
from kie_gateway.core.ports.webhooks import Said, WebhookReader
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.watching.watches import Watches

_log = logging.getLogger(__name__)

# Kie.ai tells again when it got no answer, which takes longer than recording an answer does.
_SURELY_RECORDED = timedelta(seconds=1)


class Recorded(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    PROGRESS = "progress"
    DUPLICATE = "duplicate"
    UNCLEAR = "unclear"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True)
class Delivery:
    """
    A request to a callback URL.

    Attributes:
        delivery_id: Of the request, to tell raw bodies apart.
        headers: With lower-case names.
    """

    task_id: str
    token: str
    delivery_id: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RecordWebhook:
    """
    Records deliveries.

    Attributes:
        is_usable: Whether a link leads where results may be fetched from.
    """

    tasks: TaskStore
    reader: WebhookReader
    store_queue: StoreQueue
    watches: Watches
    archive: Archive
    is_usable: Callable[[str], bool]
    now: Callable[[], datetime]

    def __call__(self, delivery: Delivery) -> Recorded:
        """
        Record a delivery.

        Raises:
            WebhookRefusedError: It does not prove to be Kie's; nothing was changed.
            BackendUnavailableError: Nothing was recorded; Kie.ai shall deliver again.
        """
        self.reader.verify_token(delivery.task_id, delivery.token)
        task = self.tasks.get(delivery.task_id)
        if task is None:
            return Recorded.UNDELIVERED
        self._verify(task, delivery)
        if task.deleted_at is not None:
            # Nothing of it is kept but what it has cost.
            self._ask_price(task)
            return Recorded.UNDELIVERED
        said = self.reader.read(task, delivery.body)
        earlier = task.earlier_attempt(said.upstream_task_id)
        if earlier is None:
            recorded = self._record(task, said)
        else:
            recorded = self._note_earlier(task, earlier, delivery.body)
        key = webhook_key(task, self.now(), delivery.delivery_id)
        # If the task is deleted at this moment, the sweep removes the body.
        self._attempt("archive", lambda: self.archive.put_raw(key, said.body, "application/json"))
        return recorded

    def _verify(self, task: Task, delivery: Delivery) -> None:
        now = self.now()
        try:
            self.reader.verify_signature(task, delivery.headers, delivery.body, now=now)
        except WebhookRefusedError as refused:
            words = f"A webhook was refused: {refused.reason.replace('_', ' ')}."
            self.tasks.note_once_a_minute(
                task.task_id,
                Entry(Happened.WEBHOOK_REFUSED, now, words, {"reason": refused.reason}),
            )
            raise

    def _record(self, task: Task, said: Said) -> Recorded:
        if isinstance(said.report, Running):
            words = f"Kie.ai reports progress: {said.report.state}."
            return self._note(task, Happened.WEBHOOK_ACCEPTED, words, Recorded.PROGRESS)
        if task.status is Status.CANCELED:
            return self._record_canceled(task, said.upstream_task_id)
        if task.status in (Status.STORING, Status.SUCCEEDED, Status.FAILED):
            return self._duplicate(task)
        is_sure = not _may_be_earlier(task, said)
        if isinstance(said.report, Finished) and is_sure and self._is_clear(said.report, said):
            return self._finish(task, said.report, said.upstream_task_id)
        return self._ask_instead(task, said)

    def _note_earlier(self, task: Task, earlier: Attempt, body: bytes) -> Recorded:
        """Note what is told of an attempt that is over; it changes nothing of the one at hand."""
        model = earlier.tried.model
        said = self.reader.read(replace(task, family=earlier.tried.family), body)
        words = f"A repeated webhook about the attempt with {model}, which is over."
        if isinstance(said.report, Finished | Partial):
            words = (
                f"A late result of the attempt with {model}, which Kie.ai had given up before;"
                " it is not delivered."
            )
        return self._note(task, Happened.WEBHOOK_DUPLICATE, words, Recorded.DUPLICATE)

    def _record_canceled(self, task: Task, named: str | None) -> Recorded:
        if named is not None:
            self._adopt(task, named)
        self._ask_price(task)
        return self._duplicate(task)

    def _adopt(self, task: Task, named: str) -> None:
        now = self.now()

        def decide(current: Task) -> Move | None:
            return submission_moves.adopt(current, named, next_at=now, now=now)

        self.tasks.move(task, of_attempt(task, decide))

    def _ask_price(self, task: Task) -> None:
        """Have Kie.ai asked what a canceled task has cost; without an answer it is asked later."""
        if task.is_price_open:
            self._attempt("queue", lambda: self.store_queue.request_asking(task.task_id))

    def _is_clear(self, finished: Finished, said: Said) -> bool:
        usable = all(
            any(self.is_usable(url) for url in (source.url, *source.alternates))
            for source in finished.sources
        )
        return usable and not said.is_about_another_task

    def _finish(
        self,
        task: Task,
        finished: Finished,
        upstream_task_id: str | None,
    ) -> Recorded:
        def decide(current: Task) -> Move | None:
            return verdict_moves.report_finished(
                current,
                finished,
                upstream_task_id=upstream_task_id,
                by=CompletedBy.WEBHOOK,
                happened=Happened.WEBHOOK_ACCEPTED,
                now=self.now(),
            )

        moved = self.tasks.move(task, of_attempt(task, decide))
        if not moved.changed:
            return self._duplicate(moved.task)
        self._have_it_stored(moved.task)
        return Recorded.ACCEPTED

    def _have_it_stored(self, task: Task) -> None:
        """Ask for what the watch, or the sweep, does later in any case: recorded is recorded."""
        self._attempt("queue", lambda: self.store_queue.request_storing(task.task_id))
        self._attempt("watch", lambda: self.watches.start(task))

    def _ask_instead(self, task: Task, said: Said) -> Recorded:
        named = said.upstream_task_id
        if named is not None:
            self._adopt(task, named)
        words = (
            "The webhook gives no clear verdict with links that may be fetched; Kie.ai is asked."
        )
        if isinstance(said.report, Failed):
            self._note_sighting(task, said, said.report.state)
            message = said.report.failure.message
            words = f"The webhook says failed: {message} Kie.ai is asked to confirm."
        if isinstance(said.report, Partial):
            words = f"{said.report.words} Kie.ai is asked."
        self._note(task, Happened.WEBHOOK_UNCLEAR, words, Recorded.UNCLEAR)
        self._attempt("queue", lambda: self.store_queue.request_asking(task.task_id))
        if task.status is Status.EXPIRED:
            # Its execution has ended; what the queue finds out must be watched.
            self._attempt("watch", lambda: self.watches.start_another(task))
        return Recorded.UNCLEAR

    def _note_sighting(self, task: Task, said: Said, state: str) -> None:
        """Whoever tells of the task has it, so an answer without a record is about the task."""
        if not said.is_about_another_task and not _may_be_earlier(task, said):
            note = of_attempt(task, lambda current: note_sighting(current, state))
            self.tasks.move(task, note)

    def _duplicate(self, task: Task) -> Recorded:
        if _waits_for_a_copy(task, self.now()):
            # Whoever recorded the first telling may have ended before it asked for the copy.
            self._have_it_stored(task)
        words = f"A repeated webhook; the task was {task.status.value} already."
        if task.status is Status.CANCELED:
            words = "A late result; the task was canceled, so it is not delivered."
        return self._note(task, Happened.WEBHOOK_DUPLICATE, words, Recorded.DUPLICATE)

    def _note(
        self,
        task: Task,
        happened: Happened,
        words: str,
        recorded: Recorded,
    ) -> Recorded:
        self.tasks.note(task.task_id, Entry(happened, self.now(), words))
        return recorded

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        """Do what the other road would do later anyway: failing is not the webhook's trouble."""
        try:
            act()
        except GatewayError as error:
            _log.warning("after a webhook: %s: %s", what, error)


def _may_be_earlier(task: Task, said: Said) -> bool:
    """Whether a webhook that names no id may be about an attempt that is over."""
    return said.upstream_task_id is None and task.was_created_before


def _waits_for_a_copy(task: Task, now: datetime) -> bool:
    """Whether results have been there for a while, and nobody copies them."""
    if task.status is not Status.STORING:
        return False
    is_held = task.storing_until is not None and now < task.storing_until
    return not is_held and (task.next_at is None or now - task.next_at >= _SURELY_RECORDED)
