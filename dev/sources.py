"""Everything that feeds functions: the readers of queues and streams, by themselves or by hand."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from dev.changes import Change
from dev.queues import QueuePoller, QueueReader
from dev.streams import StreamPoller, StreamReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from dev.changes import Changes
    from dev.dials import Dials
    from dev.functions import Outcome
    from dev.logs import Log
    from dev.mappings import StreamSource
    from dev.stack import Stack
    from dev.state import State

type Submit = Callable[[str, bytes], Future[Outcome]]


class Sources:
    """
    The event sources of one cloud.

    Tests without pollers work off what there is batch by batch, at the moment that their own clock
    tells: `pump_stream` and `pump_queue` do one batch, `stream_due_at` and `queue_due_at` tell when
    there will be another.
    """

    def __init__(
        self,
        stack: Stack,
        submit: Submit,
        sqs: Any,
        *,
        changes: Changes,
        state: State,
        log: Log,
        dials: Dials,
        clock: Callable[[], float],
    ) -> None:
        self._stack = stack
        self._submit = submit
        self._sqs = sqs
        self._state = state
        self._log = log
        self._dials = dials
        self._clock = clock
        self._polling = ExitStack()
        self._queues: Mapping[str, QueueReader] = {
            source.queue: QueueReader(source, partial(submit, source.function), sqs, log, dials)
            for source in stack.sources
        }
        self._streams = [self._stream(source) for source in stack.streams]
        for reader in self._streams:
            self._resume(reader)
            changes.feed(reader)

    def start_polling(self) -> None:
        """Let all of them work by themselves."""
        for queue in self._queues.values():
            self._polling.callback(QueuePoller(queue, self._log, self._dials).stop)
        for stream in self._streams:
            self._polling.callback(StreamPoller(stream, self._log, self._clock).stop)

    def stop(self) -> None:
        self._polling.close()

    def pump_stream(self) -> bool:
        """Have one batch of records worked off that is due; False if there is none."""
        return any(reader.step(lane) for reader in self._streams for lane in reader.lanes)

    def stream_due_at(self) -> float | None:
        """Return when the next batch of records comes, in unix seconds; None if there is none."""
        times = [reader.due_at(lane) for reader in self._streams for lane in reader.lanes]
        return min((one for one in times if one is not None), default=None)

    def pump_queue(self, queue: str) -> bool:
        """Have one batch of a queue's messages worked off; False if none may be received."""
        return self._queues[queue].step()

    def queue_due_at(self, queue: str) -> float | None:
        """Return when the next message of a queue shows, in unix seconds; None if there is none."""
        return self._queues[queue].due_at()

    def take_event(self, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Take what a rule of an event bus hands on; see event_bus.py."""
        arn = str(target["Arn"])
        by_arn = {spec.arn: name for name, spec in self._stack.functions.items()}
        if arn in by_arn:
            self._submit(by_arn[arn], json.dumps(event).encode())
        elif ":sqs:" in arn:
            more = target.get("SqsParameters", {})
            self._sqs.send_message(QueueUrl=self._url(arn), MessageBody=json.dumps(event), **more)

    def _stream(self, source: StreamSource) -> StreamReader:
        return StreamReader(
            source,
            partial(self._submit, source.function),
            function_arn=self._stack.functions[source.function].arn,
            tell=partial(self._tell, source.failure_arn),
            forget=partial(self._forget, source.name),
            log=self._log,
            dials=self._dials,
            clock=self._clock,
        )

    def _resume(self, reader: StreamReader) -> None:
        """Give a reader what it had not worked off when the last run ended."""
        for number, partition, record in self._state.changes(reader.name):
            reader.add(Change(number, partition, self._clock(), record))

    def _forget(self, mapping: str, changes: Sequence[Change]) -> None:
        for change in changes:
            self._state.delete_change(mapping, change.number)

    def _tell(self, queue_arn: str | None, message: str) -> None:
        if queue_arn is not None:
            self._sqs.send_message(QueueUrl=self._url(queue_arn), MessageBody=message)

    def _url(self, queue_arn: str) -> str:
        name = queue_arn.rpartition(":")[2]
        return str(self._sqs.get_queue_url(QueueName=name)["QueueUrl"])
