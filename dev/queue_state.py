"""
Carries the messages of queues between moto's memory and the state folder, both ways.

A message that a function had in hand when everything was killed shows again at once: whoever had it
is gone, and nobody wants to wait for the queue's visibility timeout. One that a function has hidden
itself stays hidden until its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.sqs.models import Message, Queue, sqs_backends

from dev.queue_rules import is_hidden_by_consumer, is_visible, sent_lately
from dev.seams import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.state import State

CHANGING = frozenset(
    (
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessage",
        "DeleteMessageBatch",
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "PurgeQueue",
    )
)
_FACTS = (
    "body",
    "message_attributes",
    "system_attributes",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "deduplication_id",
    "group_id",
    "sequence_number",
    "visible_at",
    "delayed_until",
    "received_at",
    "hidden_by_consumer",
)

type _Version = tuple[int, float]


class QueueState:
    """
    Follows what the queues hold.

    Args:
        state: Where it is kept.
        queues: Logical ids by URL.
        region: Where the queues are.

    """

    def __init__(self, state: State, queues: Mapping[str, str], region: str) -> None:
        self._state = state
        self._logical = {url.rpartition("/")[2]: name for url, name in queues.items()}
        self._backend = sqs_backends[ACCOUNT][region]
        self._kept: dict[str, dict[str, _Version]] = {name: {} for name in self._logical}
        self._kept_ids: dict[str, set[str]] = {name: set() for name in self._logical}

    def keep(self, url: str) -> bool:
        """Keep what a call has changed in a queue; called under SQS's lock."""
        queue = self._backend.queues.get(url.rpartition("/")[2])
        if queue is None or queue.name not in self._logical:
            return False
        with self._state.together:
            self._keep_queue(queue)
            # Receiving moves messages there.
            if queue.dead_letter_queue is not None:
                self._keep_queue(queue.dead_letter_queue)
        return True

    def restore(self) -> None:
        """Put everything back, in the order in which it was sent."""
        physical = {logical: name for name, logical in self._logical.items()}
        for logical, message_id, facts in self._state.messages():
            if logical in physical:
                queue = self._backend.queues[physical[logical]]
                self._restore_message(queue, message_id, facts)
        for logical, scoped, sent in self._state.sent_ids():
            if logical in physical:
                name = physical[logical]
                sent_lately(self._backend.queues[name])[scoped] = (sent[0], sent[1], sent[2])
                self._kept_ids[name].add(scoped)

    def _keep_queue(self, queue: Queue) -> None:
        logical, kept = self._logical[queue.name], self._kept[queue.name]
        there = {one.id: one for one in list(queue._messages)}  # noqa: SLF001 - hidden ones, too
        for gone in kept.keys() - there.keys():
            self._state.delete_message(logical, gone)
        for message_id, message in there.items():
            if kept.get(message_id) != _version(message):
                facts = {name: vars(message).get(name) for name in _FACTS}
                self._state.put_message(logical, message_id, facts)
        self._kept[queue.name] = {name: _version(one) for name, one in there.items()}
        if queue.fifo_queue:
            self._keep_ids(queue)

    def _keep_ids(self, queue: Queue) -> None:
        logical, kept, there = (
            self._logical[queue.name],
            self._kept_ids[queue.name],
            sent_lately(queue),
        )
        for scoped in kept - there.keys():
            self._state.delete_sent_id(logical, scoped)
        for scoped in there.keys() - kept:
            self._state.put_sent_id(logical, scoped, there[scoped])
        self._kept_ids[queue.name] = set(there)

    def _restore_message(self, queue: Queue, message_id: str, facts: dict[str, Any]) -> None:
        message = Message(message_id, facts["body"])
        vars(message).update(facts)
        if not is_hidden_by_consumer(message):
            message.visible_at = 0.0
        queue._messages.append(message)  # noqa: SLF001 - as it was, with no check of what is new
        if not is_visible(message):
            queue.pending_messages.add(message)
        self._kept[queue.name][message_id] = _version(message)


def _version(message: Message) -> _Version:
    return message.approximate_receive_count, message.visible_at
