"""Copy a task's results into the bucket, and only then say that it succeeded."""

import logging
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.storage_errors import (
    LeaseLostError,
    SourcePageError,
    StorageError,
)
from kie_gateway.core.files.media import MediaType
from kie_gateway.core.files.media_facts import MediaFacts
from kie_gateway.core.files.quality import Wanted, wanted
from kie_gateway.core.files.retention import delete_at
from kie_gateway.core.files.storing import (
    LONGEST_REASON,
    numbered,
    without_beside,
)
from kie_gateway.core.moves import storing_moves
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.files import Files, OutputStore
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Cure, Missing, Source
from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.files.copy_attempt import CopyAttempt
from kie_gateway.flows.files.copy_result import Copied, ResultCopier
from kie_gateway.flows.files.renew_sources import RenewSources
from kie_gateway.flows.files.storing_lease import StoringLease

_log = logging.getLogger(__name__)

COPIES_AT_ONCE = 3
# Recorded together: a transaction of DynamoDB takes a hundred items, and each file is told of by
# one (API reference, TransactWriteItems).
PORTION = 20
# One page in the place of a file may be a host in trouble. The same again is what the link leads
# to, and so is any at this attempt.
PAGES_BELIEVED = 3


@dataclass(frozen=True)
class StoreOutputs:
    """
    Stores the results of a task that reads `storing`.

    One copy holds the lease: the record names until when. Keys are derived from the task, so a copy
    that was cut off is simply written over by the next. A copy that has lost its lease records
    nothing, and writes over nothing either: a file is only put where none is, or in the place of
    the very version that was there while the lease was held.

    Attributes:
        measure: Measures a file by its type, first bytes, last bytes and size.
        retention_days: How long files are kept that do not say; 0 for ever.
        minimum: Tells the smallest picture, width and height, that a model delivers.
        in_parts: Tells whether a model takes pictures apart: the parts may be of any size.
        create_children: Creates what is to follow a task that has succeeded.
        report_success: Told once of every task that has succeeded.
        report_unlisted: Told of every host of a result that is not listed.
    """

    tasks: TaskStore
    files: Files
    outputs: OutputStore
    kie: Provider
    policy: PollPolicy
    measure: Callable[[MediaType, bytes, bytes, int], MediaFacts]
    now: Callable[[], datetime]
    retention_days: int = 0
    minimum: Callable[[str], tuple[int, int] | None] = lambda _: None
    in_parts: Callable[[str], bool] = lambda _: False
    create_children: Callable[[Task], Task] = lambda task: task
    report_success: Callable[[Task], None] = lambda _: None
    report_unlisted: Callable[[str], None] = lambda _: None

    def __call__(self, task: Task) -> Task:
        """Copy what is not stored yet; returns the record afterwards."""
        held = self.tasks.move(
            task, lambda current: storing_moves.acquire_storing_lease(current, self.now())
        )
        if not held.changed:
            return held.task
        lease = StoringLease(held.task, self.tasks, self.now)
        after = self._store(lease)
        if after.status is Status.CANCELED or after.deleted_at is not None:
            self._remove(lease, after)
        return after

    def _store(self, lease: StoringLease) -> Task:
        attempt = CopyAttempt()
        hopeless = {one.index for one in lease.task.missing if one.cure is Cure.PERSON}
        try:
            self._copy(lease, lease.task.sources, attempt, without=hopeless)
            if attempt.may_be_renewed:
                self._copy_from_fresh_links(lease, attempt)
        except LeaseLostError:
            # Whatever the record says now, it is not this copy's to change.
            return self.tasks.get(lease.task.task_id) or lease.task
        if attempt.lacking or hopeless - attempt.copied.keys():
            return self._release(lease, attempt)
        return self._settle(lease, attempt)

    def _copy_from_fresh_links(self, lease: StoringLease, attempt: CopyAttempt) -> None:
        """Ask Kie.ai once for links that have not expired, and copy from those."""
        renew = RenewSources(self.tasks, self.kie, self.now)
        fresh = renew(lease, attempt)
        if fresh is not None:
            self._copy(lease, fresh, attempt)

    def _copy(
        self,
        lease: StoringLease,
        sources: Sequence[Source],
        attempt: CopyAttempt,
        without: Set[int] = frozenset(),
    ) -> None:
        """Copy what is not copied yet, a few at a time, and record it in portions."""
        done = {output.index for output in lease.task.outputs} | attempt.copied.keys() | without
        todo = [one for one in numbered(sources, lease.task.missing) if one[0] not in done]
        copier = ResultCopier(self.files, self.outputs, self.measure)
        asked = self._asked(lease.task)
        beside = Wanted(least=lease.task.least_picture, is_strict=True)
        hosts: set[str] = set()
        with ThreadPoolExecutor(max(min(len(todo), COPIES_AT_ONCE), 1)) as pool:
            for portion in batched(todo, PORTION, strict=False):
                self._record_portion(lease, attempt)
                copies = {
                    # In a copy of our context, so that it knows how much time is left.
                    index: pool.submit(
                        copy_context().run,
                        copier.copy,
                        lease,
                        index,
                        source,
                        beside if source.is_beside else asked,
                        hosts.add,
                    )
                    for index, source in portion
                }
                # The first trouble counts once all have ended.
                wait(copies.values())
                for index, source in portion:
                    try:
                        attempt.copied[index] = copies[index].result()
                    except LeaseLostError:
                        raise
                    except StorageError as error:
                        if source.is_beside:
                            _log.warning("%s goes without it: %s", lease.task.task_id, error)
                        else:
                            attempt.lacking[index] = error
        self._report_unlisted(lease.task, hosts)

    def _record_portion(self, lease: StoringLease, attempt: CopyAttempt) -> None:
        """Record what is stored before more is copied: whatever happens, that will not be lost."""
        stored = attempt.real
        if len(stored) < PORTION:
            return
        gone_at = self._delete_at(lease.task)
        kept = self.tasks.move(
            lease.task,
            lambda current: storing_moves.keep_outputs(
                current, stored, lease.leased_until, self.now(), gone_at
            ),
        )
        if not kept.changed:
            raise LeaseLostError("Another copy of the results has taken over.")
        lease.task = kept.task
        for output in stored:
            del attempt.copied[output.index]

    def _asked(self, task: Task) -> Wanted:
        """Read what size was asked for; of a film or a song it says nothing about a picture."""
        if task.kind != "image" or self.in_parts(task.model):
            return Wanted()
        return replace(wanted(task.input, self.minimum(task.model)), least=task.least_picture)

    def _settle(self, lease: StoringLease, attempt: CopyAttempt) -> Task:
        previews, real = attempt.previews, attempt.real
        pictures = [one for one in (*lease.task.outputs, *real) if one.media == "image"]
        waiting = [one for one in previews if not one.is_beside]
        if waiting and not pictures:
            return self._keep_previews(lease, waiting)
        if not lease.task.outputs:
            # Beside the real picture a thumbnail is none of the results, and leaves no gap; but a
            # number that was shown once never changes.
            small = [one.output.index for one in previews]
            real = [
                replace(one, index=one.index - sum(index < one.index for index in small))
                for one in real
            ]
        now, gone_at, leased_until = self.now(), self._delete_at(lease.task), lease.leased_until
        beside = [one.output for one in previews]
        settled = self.tasks.move(
            lease.task,
            lambda current: storing_moves.settle(current, real, now, gone_at, beside, leased_until),
        )
        if not settled.changed:
            return settled.task
        self.report_success(settled.task)
        return self._go_on(settled.task)

    def _go_on(self, task: Task) -> Task:
        """Create what is to follow; trouble with that is the watch's, and not this copy's."""
        try:
            return self.create_children(task)
        except GatewayError as error:
            _log.warning("the children of %s are created later: %s", task.task_id, error)
            return task

    def _keep_previews(self, lease: StoringLease, previews: Sequence[Copied]) -> Task:
        why = next(one.why_preview for one in previews if one.why_preview is not None)
        leased_until, now = lease.leased_until, self.now()
        return self.tasks.move(
            lease.task,
            lambda current: storing_moves.keep_previews(
                current,
                [one.output for one in previews],
                why,
                leased_until,
                next_at=self.policy.while_not_visible_at(current, now),
                now=now,
            ),
        ).task

    def _release(self, lease: StoringLease, attempt: CopyAttempt) -> Task:
        task, leased_until, now = lease.task, lease.leased_until, self.now()
        missing = [_missing(index, error, task) for index, error in sorted(attempt.lacking.items())]
        reasons = [error.message for _, error in sorted(attempt.lacking.items())]
        words = reasons[0] if reasons else "What is missing cannot be copied at present."
        promised = len(without_beside(task.sources))
        if promised > 1:
            words = f"{len(reasons)} of {promised} results were not copied: {words}"
        return self.tasks.move(
            task,
            lambda current: storing_moves.storing_failed(
                current,
                words,
                leased_until,
                missing=missing,
                now=now,
                outputs=attempt.real,
                delete_at=self._delete_at(task),
            ),
        ).task

    def _report_unlisted(self, task: Task, hosts: Set[str]) -> None:
        """Report hosts to the operator, whether another link has brought the result or not."""
        for host in sorted(hosts):
            self.report_unlisted(host)
        if hosts and task.store_attempts == 1:
            named = ", ".join(sorted(hosts))[:LONGEST_REASON]
            words = f"Results are on hosts that ResultHosts does not list: {named}."
            entry = Entry(Happened.HOST_NOT_LISTED, self.now(), words, {"hosts": named})
            self.tasks.note(task.task_id, entry)

    def _delete_at(self, task: Task) -> datetime | None:
        return delete_at(self.now(), task.retention_days, self.retention_days)

    def _remove(self, lease: StoringLease, after: Task) -> None:
        """Remove what was written for a task that was canceled or deleted meanwhile."""
        recorded = {output.key for output in after.outputs}
        try:
            self.outputs.delete([key for key in lease.keys if key not in recorded])
        except StorageError as error:
            _log.warning("%s: files were not removed: %s", lease.task.task_id, error.message)


def _missing(index: int, error: StorageError, task: Task) -> Missing:
    """Return what is missing, and what may fix it: trying again, or only a person."""
    reason = error.message[:LONGEST_REASON]
    heals = error.retryable
    if isinstance(error, SourcePageError):
        again = any((one.index, one.reason) == (index, reason) for one in task.missing)
        heals = not again and task.store_attempts < PAGES_BELIEVED
    return Missing(index, reason, Cure.TIME if heals else Cure.PERSON)
