"""
SQS's own rules where moto is kinder, above all those of FIFO queues.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-key-terms.html:
an id for deduplication counts for five minutes, also once its message has been deleted. What moto
does by itself: none of a group is given out while one of it is in flight, except that it would
give out a later message before an earlier one when both show again.

Visibility: API_ChangeMessageVisibility.html of the API reference, and for the twelve hours, which
begin when a message is received,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import moto.sqs.models as sqs_models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid, SQSException
from moto.sqs.models import Message, Queue, SQSBackend

from dev.service_rules import MAX_VISIBILITY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

DEDUPLICATION_SECONDS = 300.0

# As moto has them; kept here so that installing twice does not wrap what is wrapped.
_moto_mark_received = Message.mark_received
_moto_delete_message = Queue.delete_message
_moto_add_message = Queue.add_message
_moto_receive_message = SQSBackend.receive_message
_moto_create = Queue.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]  # a class method's function

_clock: Callable[[], float] = time.time
# Later than all of the run before.
_numbers = itertools.count(time.time_ns())


class _NotInFlight(SQSException):
    def __init__(self) -> None:
        words = "The specified message isn't in flight."
        super().__init__("AWS.SimpleQueueService.MessageNotInflight", words)


def govern(clock: Callable[[], float] = time.time) -> None:
    """Say by which clock messages are hidden and ids are kept; moto has one state, so one clock."""
    global _clock  # noqa: PLW0603 - moto's messages are made by moto
    _clock = clock


def install() -> None:
    """Put the rules into moto; doing so twice changes nothing."""
    vars(sqs_models)["unix_time"] = _now
    vars(sqs_models)["unix_time_millis"] = lambda: _now() * 1000
    setattr(Message, "visible", property(is_visible))  # noqa: B010
    setattr(Message, "mark_received", _mark_received)  # noqa: B010
    setattr(Queue, "add_message", _add_message)  # noqa: B010
    setattr(Queue, "delete_message", _delete_message)  # noqa: B010
    setattr(Queue, "create_from_cloudformation_json", classmethod(_create))  # noqa: B010
    setattr(SQSBackend, "receive_message", _receive_message)  # noqa: B010
    setattr(SQSBackend, "change_message_visibility", _change_visibility)  # noqa: B010


def _now() -> float:
    return _clock()


def is_visible(message: Message) -> bool:
    """Return whether a message may be received."""
    return _now() * 1000 >= message.visible_at


def is_hidden_by_consumer(message: Message) -> bool:
    """Return whether whoever received a message last has said how long it stays hidden."""
    return bool(vars(message).get("hidden_by_consumer"))


def sent_lately(queue: Queue) -> dict[str, tuple[float, str, str]]:
    """Return when each id for deduplication was sent, and which message and number it was."""
    known: dict[str, tuple[float, str, str]] = vars(queue).setdefault("sent_lately", {})
    for scoped in [key for key, sent in known.items() if _now() - sent[0] >= DEDUPLICATION_SECONDS]:
        del known[scoped]
    return known


def _mark_received(message: Message, visibility_timeout: int | None = None) -> None:
    _moto_mark_received(message, visibility_timeout)
    vars(message).update(received_at=_now(), hidden_by_consumer=False)


def _add_message(queue: Queue, message: Message) -> None:
    # One that has been received before moves to the dead letters, whatever its id.
    is_new = not message.approximate_receive_count
    if not queue.fifo_queue:
        _moto_add_message(queue, message)
        return
    if is_new:
        known = sent_lately(queue)
        scope = message.group_id if vars(queue)["deduplication_scope"] == "messageGroup" else ""
        scoped = f"{scope}|{message.deduplication_id}"
        if scoped in known:
            _, message.id, message.sequence_number = known[scoped]
            return
        # moto's own numbers say nothing of the order.
        message.sequence_number = f"{next(_numbers):020d}"
        known[scoped] = (_now(), message.id, message.sequence_number)
    with queue._messages_lock:  # noqa: SLF001 - as moto's own, without its deduplication
        queue._messages.append(message)  # noqa: SLF001
        queue._messages_lock.notify_all()  # noqa: SLF001


def _receive_message(
    backend: SQSBackend, queue_name: str, *rest: Any, **more: Any
) -> list[Message]:
    # moto would notice only one by one that they are in flight no longer.
    pending = backend.get_queue(queue_name).pending_messages
    pending -= {message for message in pending if message.visible}
    return _moto_receive_message(backend, queue_name, *rest, **more)


def _delete_message(queue: Queue, receipt_handle: str) -> None:
    message = _find(queue, receipt_handle)
    if message is not None and queue.fifo_queue:
        _check_handle(message, receipt_handle)
    _moto_delete_message(queue, receipt_handle)


def _change_visibility(
    backend: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    queue = backend.get_queue(queue_name)
    message = _find(queue, receipt_handle)
    if message is None:
        raise ReceiptHandleIsInvalid
    if queue.fifo_queue:
        if message.visible and message.receipt_handle == receipt_handle:
            raise _NotInFlight
        _check_handle(message, receipt_handle)
    until = _now() + int(visibility_timeout)
    if until - vars(message).get("received_at", _now()) > MAX_VISIBILITY_SECONDS:
        raise InvalidParameterValue(
            f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
            "VisibilityTimeout for the message is beyond the limit "
            f"[{MAX_VISIBILITY_SECONDS} seconds]"
        )
    message.change_visibility(int(visibility_timeout))
    vars(message)["hidden_by_consumer"] = True
    if message.visible:
        queue.pending_messages.discard(message)


def _find(queue: Queue, receipt_handle: str) -> Message | None:
    there = list(queue._messages)  # noqa: SLF001 - those that are hidden
    return next((one for one in there if one.had_receipt_handle(receipt_handle)), None)


def _check_handle(message: Message, receipt_handle: str) -> None:
    """Refuse a handle whose visibility timeout is over, as FIFO queues do."""
    if message.visible or message.receipt_handle != receipt_handle:
        raise InvalidParameterValue(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. "
            "Reason: The receipt handle has expired."
        )


def _create(
    cls: type[Queue], resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any
) -> Any:
    """Give a FIFO queue that has no name of its own one that ends as it must."""
    properties = cloudformation_json["Properties"]
    is_fifo = str(properties.get("FifoQueue", False)).lower() == "true"
    if is_fifo and "QueueName" not in properties:
        resource_name = f"{resource_name[:75]}.fifo"
    return _moto_create(cls, resource_name, cloudformation_json, *rest, **more)
