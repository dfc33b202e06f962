"""In-memory fakes of `core/ports`; the record's fake passes the suite of the real table."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from threading import Lock
from typing import Any, Protocol

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerEntry, LedgerPosition, with_balances
from kie_gateway.core.credits.posting import (
    affects_account,
    funded,
    post_creation,
    post_move,
    post_withdrawal,
    start_account,
    together,
)
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordGoneError
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import IdempotencyMismatchError
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.errors.storage_errors import KeyTakenError, SourceBrokenError, StorageError
from kie_gateway.core.files.remote_file import HEAD_BYTES, RemoteFile, StoredFile
from kie_gateway.core.moves.group_moves import with_care_of_children
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.polling.report import NotVisible, Report
from kie_gateway.core.ports.accounts import Change, Changed
from kie_gateway.core.ports.kie import Accepted, Answer
from kie_gateway.core.ports.tasks import Decide, Existing, Moved, Page, TaskFilter
from kie_gateway.core.submit_queue import (
    CREDITS_PAUSE,
    NOTHING,
    WINDOW,
    Permit,
    QueuedTask,
    Rate,
    SubmitQueueState,
    Ticket,
    fair_order,
    pause_after,
)
from kie_gateway.core.task import Status, Task, upstream_ids
from kie_gateway.core.timeline import Entry, Happened
from tests.makers import NOW, UPSTREAM_ID, seconds

MAX_TRIES = 10


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, count: float) -> None:
        self.at += seconds(count)


class Seconds:
    """A monotonic clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class FakeAccounts:
    """
    The accounts in memory.

    Attributes:
        new_owner_credits: What a new owner starts with; None for no limit.
    """

    def __init__(self, new_owner_credits: Decimal | None = None) -> None:
        self.new_owner_credits = new_owner_credits
        self._accounts: dict[str, Account] = {}
        self._entry_ids = count()
        self._ledger_entries: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
        self._once: dict[tuple[str, str], IdempotencyKey] = {}

    def account(self, owner: str, now: datetime) -> Account:
        known = self._accounts.get(owner) or Account(owner)
        return start_account(known, self.new_owner_credits, now).account

    def change(
        self, owner: str, decide: Change, now: datetime, once: IdempotencyKey | None = None
    ) -> Changed:
        if once is not None:
            known = self._once.get((once.owner, once.key_hash))
            if known is not None and known.forget_at >= now:
                if known.fingerprint != once.fingerprint:
                    raise IdempotencyMismatchError("used for another change")
                return Changed(self.account(owner, now), replayed=True)
        self.post(owner, decide, now)
        if once is not None:
            self._once[once.owner, once.key_hash] = once
        return Changed(self.account(owner, now), replayed=False)

    def ledger(
        self, owner: str, *, limit: int, before: LedgerPosition | None
    ) -> tuple[list[LedgerEntry], LedgerPosition | None]:
        rows = self._ledger_entries[owner][::-1]
        balance = (self._accounts.get(owner) or Account(owner)).balance
        if before is not None:
            rows, balance = [row for row in rows if row.entry_id < before.entry_id], before.balance
        page = with_balances(rows[:limit], balance)
        if len(rows) <= limit:
            return page, None
        return page, LedgerPosition(page[-1].entry_id, page[-1].balance_after - page[-1].gain)

    def post(self, owner: str, decide: Change, now: datetime) -> None:
        """Make a change; nothing is left of it if it is refused."""
        known = self._accounts.get(owner) or Account(owner)
        started = start_account(known, self.new_owner_credits, now)
        posting = together(started, decide(started.account))
        if posting.account == known:
            return
        self._accounts[owner] = replace(posting.account, is_new=False)
        for row in posting.entries:
            self._ledger_entries[owner].append(
                replace(row, entry_id=f"{next(self._entry_ids):026d}-0")
            )


class FakeTaskStore:
    """
    The record in memory.

    Attributes:
        unavailable: While true, every call fails as it does when DynamoDB is not there.
        accounts: Of the owners.
        lock: Held by whoever writes.
        count_in_batch: Told of each move of a task, and of its status before.
        looks: How often somebody has looked for the version of a task.
        events: Bodies of events by the tasks that they are about.
    """

    def __init__(self, *tasks: Task, accounts: FakeAccounts | None = None) -> None:
        self.unavailable = False
        self.accounts = accounts or FakeAccounts()
        self.events: dict[str, dict[str, str]] = {}
        self.looks = 0
        self._tasks = {task.task_id: task for task in tasks}
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)
        self._makers: dict[str, str] = {}
        self.count_in_batch: Callable[[Task, Status, datetime], None] = lambda *_: None
        self._keys: dict[tuple[str, str], tuple[str, IdempotencyKey]] = {}
        self.lock = Lock()

    def create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        *,
        tasks_at_once: int = 0,
        beside: Sequence[NewRecord] = (),
    ) -> Task | Existing:
        self._answer_or_fail()
        records = [NewRecord(task, tuple(entries)), *beside]
        with self.lock:
            if idempotency is not None:
                existing = self.existing(idempotency, task.created_at)
                if existing is not None:
                    return existing
            records = self._reserve(records, tasks_at_once)
            if idempotency is not None:
                self.claim(idempotency, task.task_id)
            for record in records:
                self.put(record)
        return records[0].task

    def put(self, record: NewRecord) -> None:
        """Write a new task."""
        assert record.task.task_id not in self._tasks
        self._tasks[record.task.task_id] = record.task
        self._note_results(record.task)
        self._entries[record.task.task_id] += record.entries

    def _reserve(self, records: list[NewRecord], tasks_at_once: int) -> list[NewRecord]:
        first = records[0].task
        if first.reservation is None:
            return records

        def post(account: Account) -> Posting:
            records[:] = [replace(one, task=funded(account, one.task)) for one in records]
            tasks = [one.task for one in records]
            return post_creation(account, tasks, tasks_at_once, first.created_at)

        self.accounts.post(first.paying_owner, post, first.created_at)
        return records

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> Existing | None:
        self._answer_or_fail()
        found = self.claimed(idempotency, now)
        if found is None:
            return None
        whole_id, same_request = found
        return Existing(whole_id if whole_id.startswith("task_") else "", same_request)

    def claim(self, idempotency: IdempotencyKey, whole_id: str) -> None:
        """Let a key stand for a task or a batch."""
        self._keys[idempotency.owner, idempotency.key_hash] = (whole_id, idempotency)

    def claimed(self, idempotency: IdempotencyKey, now: datetime) -> tuple[str, bool] | None:
        """Tell what a key stands for, and whether for the same request."""
        name = (idempotency.owner, idempotency.key_hash)
        whole_id, known = self._keys.get(name, ("", idempotency))
        if not whole_id or known.forget_at < now:
            return None
        return whole_id, known.fingerprint == idempotency.fingerprint

    def forget(
        self, task: Task, idempotency: IdempotencyKey | None, beside: Sequence[Task] = ()
    ) -> None:
        self._answer_or_fail()
        tasks = (task, *beside)
        current = [self._tasks.get(one.task_id) for one in tasks]
        if [one and one.version for one in current] != [one.version for one in tasks]:
            return
        if task.reservation is not None:
            withdraw = partial(post_withdrawal, tasks=tasks, now=task.created_at)
            self.accounts.post(task.paying_owner, withdraw, task.created_at)
        for one in tasks:
            del self._tasks[one.task_id]
            self._entries.pop(one.task_id, None)
            self.events.pop(one.task_id, None)
        if idempotency is not None:
            self._keys.pop((idempotency.owner, idempotency.key_hash), None)

    def get(self, task_id: str) -> Task | None:
        self._answer_or_fail()
        return self._tasks.get(task_id)

    def get_many(self, task_ids: Sequence[str]) -> list[Task]:
        self._answer_or_fail()
        return [self._tasks[task_id] for task_id in task_ids if task_id in self._tasks]

    def delete_events(self, task_id: str) -> None:
        self._answer_or_fail()
        self.events.pop(task_id, None)

    def version_of(self, task_id: str) -> int | None:
        self.looks += 1
        task = self.get(task_id)
        return None if task is None else task.version

    def move(self, task: Task, decide: Decide) -> Moved:
        self._answer_or_fail()
        for _ in range(MAX_TRIES):
            move = decide(task)
            if move is None:
                return Moved(task, changed=False)
            with self.lock:
                found = self._tasks.get(task.task_id)
                if found is None:
                    raise RecordGoneError(f"{task.task_id} has been withdrawn")
                if found.version == task.version:
                    return Moved(self._make(task, move), changed=True)
            task = found
        raise BackendUnavailableError(f"the record of {task.task_id} changes too quickly")

    def _make(self, before: Task, move: Move) -> Task:
        after = with_care_of_children(replace(move.task, version=before.version + 1))
        if affects_account(before, after):
            at = move.entries[-1].at
            created = [record.task for record in move.creates]
            post = partial(post_move, before=before, after=after, now=at, created=created)
            self.accounts.post(before.paying_owner, post, at)
        at = move.entries[-1].at if move.entries else after.created_at
        self.count_in_batch(after, before.status, at)
        self._tasks[before.task_id] = after
        self._note_results(after)
        self._entries[before.task_id] += move.entries
        for record in move.creates:
            self.put(record)
        return after

    def find_by_upstream(self, upstream_task_id: str) -> list[Task]:
        self._answer_or_fail()
        found = [t for t in self._tasks.values() if t.upstream_task_id == upstream_task_id]
        return found or [t for t in self._tasks.values() if t.earlier_attempt(upstream_task_id)]

    def find_by_result(self, upstream_id: str) -> Task | None:
        self._answer_or_fail()
        return self._tasks.get(self._makers.get(upstream_id, ""))

    def _note_results(self, task: Task) -> None:
        for upstream_id in upstream_ids(task):
            self._makers.setdefault(upstream_id, task.task_id)

    def due(self, now: datetime) -> list[str]:
        self._answer_or_fail()
        waiting = [t for t in self._tasks.values() if t.release_at is not None]
        waiting.sort(key=lambda task: task.release_at or now)
        return [t.task_id for t in waiting if t.release_at is not None and t.release_at <= now]

    def to_sweep(self, now: datetime) -> list[str]:
        self._answer_or_fail()
        due = [t for t in self._tasks.values() if t.is_swept and (t.sweep_at or now) <= now]
        return [t.task_id for t in sorted(due, key=lambda task: task.sweep_at or now)]

    def note(self, task_id: str, entry: Entry) -> None:
        self._answer_or_fail()
        self._entries[task_id].append(entry)

    def note_once_a_minute(self, task_id: str, entry: Entry) -> None:
        self._answer_or_fail()
        entry = replace(entry, at=entry.at.replace(second=0, microsecond=0))
        others = self._entries[task_id]
        same = (entry.happened, entry.at)
        self._entries[task_id] = [e for e in others if (e.happened, e.at) != same] + [entry]

    def entries(self, task_id: str) -> list[Entry]:
        self._answer_or_fail()
        return sorted(self._entries.get(task_id, []), key=lambda entry: entry.at)

    def list_tasks(
        self, owner: str, which: TaskFilter, *, limit: int, after: str | None, newest_first: bool
    ) -> Page:
        self._answer_or_fail()
        found = sorted(
            (task for task in self._tasks.values() if task.owner == owner and which.takes(task)),
            key=lambda task: task.task_id,
            reverse=newest_first,
        )
        if after is not None:
            found = [task for task in found if (task.task_id < after) is newest_first]
            found = [task for task in found if task.task_id != after]
        page = tuple(found[:limit])
        return Page(page, page[-1].task_id if len(found) > limit else None)

    def all(self) -> list[Task]:
        """Give every task."""
        return list(self._tasks.values())

    def the(self, task: Task) -> Task:
        """Read a task that must be there."""
        return self._tasks[task.task_id]

    def happened(self, task: Task) -> list[Happened]:
        """Name what the timeline of a task tells of."""
        return [entry.happened for entry in self.entries(task.task_id)]

    def words(self, task: Task) -> str:
        """Everything that the timeline of a task says, in one text."""
        return "\n".join(f"{e.message} {dict(e.facts)}" for e in self.entries(task.task_id))

    def _answer_or_fail(self) -> None:
        if self.unavailable:
            raise BackendUnavailableError("DynamoDB: not there")


class Recorded(Protocol):
    """Somebody who knows every task."""

    def all(self) -> Sequence[Task]: ...


class FakeSubmitQueue:
    """
    The submit queue, in memory.

    Attributes:
        error: What every call raises, None for success.
    """

    def __init__(
        self,
        store: Recorded,
        now: Callable[[], datetime] = lambda: NOW,
        *,
        rate: Rate | None = None,
    ) -> None:
        self.error: GatewayError | None = None
        self._store = store
        self._now = now
        self._rate = rate or Rate()
        self._state: SubmitQueueState | None = None
        self._turns: Counter[str] = Counter()
        self._sends: list[datetime] = []
        self._lock = Lock()

    def state(self) -> SubmitQueueState | None:
        self._fail_if_told()
        is_busy = self._state is not None and self._state.is_busy(self._now(), self._rate)
        return self._state if is_busy else None

    def report_refusal(self, pause_seconds: float | None) -> None:
        self._fail_if_told()
        now, state = self._now(), self.state()
        refusals = 1 if self._state is None else self._state.refusals_with(now)
        if state is None:
            until = now + (WINDOW if pause_seconds is None else seconds(pause_seconds))
            if refusals > 1:
                until = max(until, now + pause_after(refusals))
            self._state = SubmitQueueState(
                until, tickets=0, not_before=until, turn=0, refusals=refusals
            )
            self._turns.clear()
            self._sends.clear()
        elif state.not_before <= now:
            until = now + max(pause_after(refusals), seconds(pause_seconds or 0))
            self._state = replace(state, not_before=until, refusals=refusals)
        elif state.is_refused and pause_seconds is not None:
            until = max(state.not_before, now + seconds(pause_seconds))
            self._state = replace(state, not_before=until)

    def report_acceptance(self) -> None:
        self._fail_if_told()
        if self._state is not None:
            self._state = replace(self._state, refusals=0)

    def pause_for_credits(self, funds: Decimal = NOTHING) -> None:
        self._fail_if_told()
        now, state = self._now(), self.state()
        until = now + CREDITS_PAUSE
        if state is None:
            self._state = SubmitQueueState(
                until, tickets=0, not_before=until, turn=0, for_credits=True, funds=funds
            )
            self._turns.clear()
            self._sends.clear()
        elif not state.for_credits or state.not_before <= now:
            self._state = replace(self._from(state, until), for_credits=True, funds=funds)
        else:
            self._state = replace(state, funds=funds)

    def resume(self) -> None:
        self._fail_if_told()
        now, state = self._now(), self._state
        if state is None or not state.for_credits:
            return
        if now < state.not_before:
            state = self._from(state, now)
        self._state = replace(state, for_credits=False)

    def last_ticket_at(self) -> datetime:
        self._fail_if_told()
        now, state = self._now(), self._state
        return now if state is None else max(state.ticket_at(state.tickets, self._rate), now)

    def _from(self, state: SubmitQueueState, at: datetime) -> SubmitQueueState:
        return replace(state, since=at - state.tickets * self._rate.interval, not_before=at)

    def _reserve_try(self, state: SubmitQueueState, now: datetime) -> Permit:
        if now < state.not_before:
            return Permit(state.not_before, is_granted=False)
        refusals = state.refusals_with(now)
        self._state = replace(state, not_before=now + pause_after(refusals), refusals=refusals)
        return Permit(now, is_granted=True)

    def enqueue(self, owner: str) -> Ticket:
        self._fail_if_told()
        with self._lock:
            if self._state is None:
                self.report_refusal(0)
            assert self._state is not None
            state = self._state = replace(self._state, tickets=self._state.tickets + 1)
            self._turns[owner] = max(self._turns[owner], state.turn) + 1
            at, now = state.ticket_at(state.tickets, self._rate), self._now()
            if at < now:
                self._state = replace(state, since=now - (state.tickets - 1) * self._rate.interval)
            return Ticket(max(at, now), self._turns[owner], state.for_credits)

    def acquire_permit(self, patience: timedelta) -> Permit:
        self._fail_if_told()
        now = self._now()
        if self._state is not None and self._state.is_refused:
            return self._reserve_try(self._state, now)
        at = self._rate.next_permit_at(self._sends, now)
        is_soon = at <= now + patience
        if self._state is not None and is_soon:
            self._sends.append(at)
        return Permit(at, is_granted=is_soon)

    def correct_permit(self, reserved: datetime, sent: datetime) -> None:
        self._fail_if_told()
        if reserved in self._sends:
            self._sends[self._sends.index(reserved)] = sent

    def advance_to(self, turn: int) -> None:
        self._fail_if_told()
        if self._state is not None and self._state.turn < turn:
            self._state = replace(self._state, turn=turn)

    def front(self) -> list[str]:
        self._fail_if_told()
        return fair_order(
            [
                QueuedTask(t.task_id, t.owner, t.submit_turn or 0)
                for t in self._store.all()
                if t.is_in_submit_queue
            ]
        )

    def waiting(self) -> Iterator[str]:
        waiting = [task for task in self._store.all() if task.is_in_submit_queue]
        yield from (
            task.task_id for task in sorted(waiting, key=lambda task: task.submit_turn or 0)
        )

    def short_of_credits(self) -> Iterator[str]:
        yield from (task.task_id for task in self._store.all() if task.is_short_of_credits)

    def _fail_if_told(self) -> None:
        if self.error:
            raise self.error


class FakeExecutions:
    """
    Executions that only begin and end.

    Attributes:
        error: What starting and stopping raise, None for success.
        started: Until when each waits, by task id and number of the watch.
    """

    def __init__(self, error: GatewayError | None = None) -> None:
        self.error = error
        self.started: dict[tuple[str, int], datetime] = {}
        self.stopped: list[tuple[str, int]] = []

    def start(self, task_id: str, watch: int, wait_until: datetime) -> None:
        self._fail_if_told()
        self.started.setdefault((task_id, watch), wait_until)

    def stop(self, task_id: str, watch: int, why: str) -> None:
        self._fail_if_told()
        self.stopped.append((task_id, watch))

    def is_running(self, task_id: str, watch: int) -> bool:
        self._fail_if_told()
        return (task_id, watch) in self.started and (task_id, watch) not in self.stopped

    def _fail_if_told(self) -> None:
        if self.error is not None:
            raise self.error


class FakeQueue:
    """
    A queue that nobody works off.

    Attributes:
        messages: Step and task id of each.
    """

    def __init__(self, error: GatewayError | None = None) -> None:
        self.error = error
        self.messages: list[tuple[str, str]] = []
        self.hidden: list[tuple[str, float]] = []

    def request_storing(self, task_id: str) -> None:
        self._send("store", task_id)

    def request_asking(self, task_id: str) -> None:
        self._send("ask", task_id)

    def hide(self, receipt_handle: str, seconds: float) -> None:
        self.hidden.append((receipt_handle, seconds))

    def _send(self, step: str, task_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.messages.append((step, task_id))


@dataclass
class FakeProvider:
    """
    Kie.ai, saying what it is told to.

    Attributes:
        creation: Answer to each creation.
        answers: Answers to questions, one after the other; the last one is repeated.
        fresh: Fresh links by the link they replace.
        meanwhile: What others do while Kie.ai is being asked anything.
        created: Model and input of each creation.
        asked: Kie's id in each question.
    """

    creation: Accepted | ProviderError = field(default_factory=lambda: Accepted(UPSTREAM_ID))
    answers: Sequence[Report | ProviderError] = (NotVisible("no record"),)
    fresh: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b"{}"
    meanwhile: Callable[[], object] = lambda: None
    created: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def create(self, task: Task, task_input: Mapping[str, Any]) -> Accepted:
        self.created.append((task.model, task_input))
        self.meanwhile()
        if isinstance(self.creation, ProviderError):
            raise self.creation
        return self.creation

    def ask(self, task: Task) -> Answer:
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(task.upstream_task_id)
        self.meanwhile()
        if isinstance(answer, ProviderError):
            raise answer
        return Answer(answer, self.raw)

    def fresh_link(self, task: Task, url: str) -> str | None:
        return self.fresh.get(url)


@dataclass
class FakeArchive:
    """Raw bodies by key."""

    error: GatewayError | None = None
    bodies: dict[str, bytes] = field(default_factory=dict)

    def put_raw(self, key: str, body: bytes, content_type: str) -> None:
        if self.error is not None:
            raise self.error
        self.bodies[key] = body

    def get_raw(self, key: str) -> bytes:
        if key not in self.bodies:
            raise StorageError("S3 refused reading: NoSuchKey")
        return self.bodies[key]

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.bodies.pop(key, None)


@dataclass
class FakeFile:
    """
    A file at a file host.

    Attributes:
        breaks_at: Where the connection breaks, None if it does not.
        meanwhile: What happens during each read.
    """

    body: bytes
    url: str = ""
    breaks_at: int | None = None
    meanwhile: Callable[[], object] = lambda: None
    header_content_type: str | None = None
    bytes_read: int = 0

    @property
    def content_length(self) -> int | None:
        return len(self.body)

    @property
    def head(self) -> bytes:
        return self.body[:HEAD_BYTES]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body[: self.bytes_read]).hexdigest()

    def read(self, size: int, /) -> bytes:
        self.meanwhile()
        if self.breaks_at is not None and self.bytes_read + size > self.breaks_at:
            raise SourceBrokenError("the file was cut short")
        part = self.body[self.bytes_read : self.bytes_read + size]
        self.bytes_read += len(part)
        return part

    def finish(self) -> None:
        if self.bytes_read < len(self.body):
            raise SourceBrokenError("the file was not read to its end")


class FakeFiles:
    """
    File hosts.

    Attributes:
        opened: Every link that was asked for, in order.
    """

    def __init__(self, files: Mapping[str, bytes | FakeFile | StorageError]) -> None:
        self.files = dict(files)
        self.opened: list[str] = []

    @contextmanager
    def open(self, url: str) -> Iterator[RemoteFile]:
        self.opened.append(url)
        found = self.files[url]
        if isinstance(found, StorageError):
            raise found
        file = FakeFile(found) if isinstance(found, bytes) else replace(found)
        file.url = url
        yield file


@dataclass(frozen=True)
class StoredObject:
    """What lies in the fake bucket, with its headers."""

    body: bytes
    content_type: str
    content_disposition: str
    cache_control: str
    tags: str = ""


@dataclass
class FakeOutputStore:
    """
    A bucket in memory.

    Attributes:
        error: What storing raises after the file was read, None for success.
        before_store: Called with the key of each file that was read and is about to be stored.
        after_store: Called with the key of each file that has been stored.
    """

    part_bytes: int = 10
    error: StorageError | None = None
    before_store: Callable[[str], object] = lambda _: None
    after_store: Callable[[str], object] = lambda _: None
    objects: dict[str, StoredObject] = field(default_factory=dict)

    def store(
        self,
        file: RemoteFile,
        *,
        key: str,
        content_type: str,
        content_disposition: str,
        cache_control: str,
        tags: str = "",
        replaces: str | None = None,
    ) -> StoredFile:
        body = b"".join(iter(lambda: file.read(self.part_bytes), b""))
        file.finish()
        self.before_store(key)
        if self.error is not None:
            raise self.error
        if self.version(key) != replaces:
            raise KeyTakenError("another copy has written this file")
        self.objects[key] = StoredObject(
            body, content_type, content_disposition, cache_control, tags
        )
        self.after_store(key)
        return StoredFile(file.bytes_read, file.sha256)

    def version(self, key: str) -> str | None:
        found = self.objects.get(key)
        return hashlib.md5(found.body, usedforsecurity=False).hexdigest() if found else None

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    def delete_folder(self, prefix: str) -> None:
        self.delete([key for key in self.objects if key.startswith(prefix)])
