"""
Feeds functions from the streams of tables, in order for each partition key, at least once.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html and, for what
a function answers, https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html:
a failed batch comes again, and everything behind it waits, until it is given up; see
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dev.event_patterns import matches
from dev.queues import pause_seconds
from dev.service_rules import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from dev.changes import Change
    from dev.dials import Dials
    from dev.functions import Outcome
    from dev.logs import Log
    from dev.mappings import StreamSource

SHARD = "shardId-00000001700000000000-localdev"
# How long a failed batch rests where the dial `retry_seconds` does not say; AWS does not tell.
_FIRST_PAUSE_SECONDS = 1.0
_IDLE_SECONDS = 0.5

type Submit = Callable[[bytes], Future[Outcome]]


@dataclass(frozen=True)
class Batch:
    """
    Records that a function gets together.

    Attributes:
        failures: How often they have failed.
        due: When they come, in unix seconds.
        is_repetition: Whether they have been worked off before.

    """

    changes: Sequence[Change]
    failures: int = 0
    due: float = 0.0
    is_repetition: bool = False


class Lane:
    """A line of records, of which one batch is worked on at a time."""

    def __init__(self) -> None:
        self.news = threading.Event()
        self.at_work = threading.Lock()
        self._waiting: deque[Change] = deque()
        self._again: deque[Batch] = deque()
        self._lock = threading.Lock()

    def add(self, change: Change) -> None:
        with self._lock:
            self._waiting.append(change)
        self.news.set()

    def put_back(self, *batches: Batch) -> None:
        """Let batches come before everything that waits."""
        with self._lock:
            self._again.extendleft(reversed(batches))

    def due_at(self, size: int, window: float) -> float | None:
        """Return when the next batch comes, in unix seconds; None if there is nothing."""
        with self._lock:
            if self._again:
                return self._again[0].due
            if not self._waiting:
                return None
            first = self._waiting[0].seen_at
            return first if len(self._waiting) >= size else first + window

    def take(self, size: int) -> Batch:
        """Take the next batch, due or not."""
        with self._lock:
            if self._again:
                return self._again.popleft()
            taken: list[Change] = []
            weight = 0
            while self._waiting and len(taken) < size:
                weight += len(json.dumps(self._waiting[0].record)) + 200
                if taken and weight > MAX_PAYLOAD_BYTES:
                    break
                taken.append(self._waiting.popleft())
            return Batch(taken)


class StreamReader:
    """
    One event source mapping: works records off, a batch at a time in each lane.

    Args:
        source: What the mapping says.
        submit: Invokes the function.
        tell: Sends a message to the queue of failures.
        forget: Called with what has been worked off or given up.
        clock: The time that pauses, windows and ages are counted by, in unix seconds.

    """

    def __init__(
        self,
        source: StreamSource,
        submit: Submit,
        *,
        function_arn: str,
        tell: Callable[[str], None],
        forget: Callable[[Sequence[Change]], None],
        log: Log,
        dials: Dials,
        clock: Callable[[], float],
    ) -> None:
        self.name, self.table = source.name, source.table
        self.lanes = [Lane() for _ in range(source.lanes)]
        self._source = source
        self._submit = submit
        self._function_arn = function_arn
        self._tell = tell
        self._forget = forget
        self._log = log
        self._dials = dials
        self._clock = clock

    def wants(self, record: Mapping[str, Any]) -> bool:
        filters = self._source.filters
        return not filters or any(matches(one, record) for one in filters)

    def add(self, change: Change) -> None:
        digest = hashlib.sha256(change.partition.encode()).digest()
        self.lanes[int.from_bytes(digest[:4]) % len(self.lanes)].add(change)

    def due_at(self, lane: Lane) -> float | None:
        """Return when a lane's next batch comes, in unix seconds; None if there is nothing."""
        return lane.due_at(self._source.batch_size, self._source.window_seconds)

    def step(self, lane: Lane) -> bool:
        """Work one batch off, if one is due; False if none is."""
        with lane.at_work:
            due = self.due_at(lane)
            if due is None or due > self._clock():
                return False
            batch = lane.take(self._source.batch_size)
            try:
                self._work_off(lane, batch)
            except Exception:
                # Nobody knows how far it came.
                lane.put_back(replace(batch, due=self._clock() + _FIRST_PAUSE_SECONDS))
                raise
            return True

    def _work_off(self, lane: Lane, batch: Batch) -> None:
        batch = self._without_old(batch)
        if not batch.changes:
            return
        event = {"Records": [self._shown(change) for change in batch.changes]}
        outcome = self._submit(json.dumps(event).encode()).result()
        numbers = [str(change.number) for change in batch.changes]
        failed = first_failed(outcome, numbers, partial=self._source.partial_failures)
        done = batch.changes[:failed]
        if done:
            self._forget(done)
        if failed is not None:
            lane.put_back(*self._failed(batch, failed, outcome))
        elif not batch.is_repetition and self._dials.takes_share("stream_repeat"):
            lane.put_back(Batch(batch.changes, is_repetition=True))

    def _failed(self, batch: Batch, first: int, outcome: Outcome) -> list[Batch]:
        """Return what comes again of a batch, of which some or none has been worked off."""
        left, failures = batch.changes[first:], batch.failures
        # Splitting does not count as a retry.
        if self._source.bisects and len(left) > 1:
            half = len(left) // 2
            parts = [left] if first else [left[:half], left[half:]]
        elif 0 <= self._source.most_retries <= failures:
            self._give_up(left, "RetryAttemptsExhausted", failures + 1, outcome)
            return []
        else:
            parts, failures = [left], failures + 1
        pause = pause_seconds(self._dials.retry_seconds or _FIRST_PAUSE_SECONDS, max(failures, 1))
        return [Batch(part, failures, self._clock() + pause) for part in parts]

    def _without_old(self, batch: Batch) -> Batch:
        most = self._source.most_age_seconds
        oldest = self._clock() - most
        old = [one for one in batch.changes if most >= 0 and one.seen_at < oldest]
        if not old:
            return batch
        self._give_up(old, "RecordAgeExceeded", batch.failures, None)
        kept = [one for one in batch.changes if one.seen_at >= oldest]
        return replace(batch, changes=kept)

    def _give_up(
        self, changes: Sequence[Change], why: str, invocations: int, outcome: Outcome | None
    ) -> None:
        first, last = changes[0].number, changes[-1].number
        words = f"{self._source.function}: gave up {len(changes)} records, {first} to {last}: {why}"
        self._log.line("stream", words, level="ERROR")
        self._tell(json.dumps(self._report(changes, why, invocations, outcome)))
        self._forget(changes)

    def _report(
        self, changes: Sequence[Change], why: str, invocations: int, outcome: Outcome | None
    ) -> dict[str, Any]:
        """Describe what was given up; services-dynamodb-errors.html has an example."""
        answered: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome is not None and outcome.failed:
            answered["functionError"] = "Unhandled"
        return {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._function_arn,
                "condition": why,
                "approximateInvokeCount": invocations,
            },
            **({"responseContext": answered} if outcome is not None else {}),
            "version": "1.0",
            "timestamp": _rfc3339(self._clock(), "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": SHARD,
                "startSequenceNumber": str(changes[0].number),
                "endSequenceNumber": str(changes[-1].number),
                "approximateArrivalOfFirstRecord": _rfc3339(_arrival(changes[0])),
                "approximateArrivalOfLastRecord": _rfc3339(_arrival(changes[-1])),
                "batchSize": len(changes),
                "streamArn": self._source.stream_arn,
            },
        }

    def _shown(self, change: Change) -> dict[str, Any]:
        return {**change.record, "eventSourceARN": self._source.stream_arn}


class StreamPoller:
    """Lets a reader work by itself, with a thread for each lane."""

    def __init__(self, reader: StreamReader, log: Log, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._log = log
        self._clock = clock
        self._stopped = threading.Event()
        for lane in reader.lanes:
            threading.Thread(target=self._poll, args=(lane,), daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        for lane in self._reader.lanes:
            lane.news.set()

    def _poll(self, lane: Lane) -> None:
        while not self._stopped.is_set():
            lane.news.clear()
            try:
                if self._reader.step(lane):
                    continue
            except Exception as exc:  # noqa: BLE001 - one that ends is worse than one that waits
                if not self._stopped.is_set():
                    self._log.line("stream", f"cannot deliver: {exc}", level="ERROR")
            due = self._reader.due_at(lane)
            rest = _IDLE_SECONDS if due is None else due - self._clock()
            lane.news.wait(min(max(rest, 0.01), _IDLE_SECONDS))


def first_failed(outcome: Outcome, numbers: list[str], *, partial: bool) -> int | None:
    """
    Read where a batch failed; everything from there on comes again.

    Returns:
        An index, 0 for all of the batch; None if all of it was worked off.

    """
    if outcome.failed:
        return 0
    answer = outcome.value()
    if not partial or not isinstance(answer, dict):
        return None
    try:
        named = {entry["itemIdentifier"] for entry in answer.get("batchItemFailures") or []}
    except (KeyError, TypeError):
        return 0
    if not named:
        return None
    return min(numbers.index(one) if one in numbers else 0 for one in named)


def _arrival(change: Change) -> float:
    return float(change.record["dynamodb"]["ApproximateCreationDateTime"])


def _rfc3339(moment: float, precision: str = "seconds") -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")
