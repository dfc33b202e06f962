"""Work off a message of the store queue: copy results; ask Kie.ai first where that is asked for."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.moves.alternative_moves import is_same_attempt
from kie_gateway.core.polling.decision import decide
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Status, Step, Task

_log = logging.getLogger(__name__)

# The queue gives a message up at the fifth (`template.yaml`, StoreQueue).
MOST_RECEIVED = 3


class HidingQueue(Protocol):
    """A queue whose messages can be hidden for a while."""

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """Hide a message for a while, then deliver it again. Raises BackendUnavailableError."""


@dataclass(frozen=True)
class StoreMessage:
    """
    A message of the store queue.

    Attributes:
        step: `ask` if Kie.ai is asked first.
        receipt_handle: Names the message while it is worked off.
        received: How often it has been received, this time included.
    """

    task_id: str
    step: str
    receipt_handle: str
    received: int


@dataclass(frozen=True)
class ProcessedMessage:
    """What became of a message: the task, None if there is none, and whether it comes back."""

    task: Task | None
    comes_back: bool


@dataclass(frozen=True)
class ProcessStoreMessage:
    """
    Works off messages.

    Attributes:
        ask: Asks Kie.ai how a task stands and records the answer.
        go_on: Has a task submitted soon for which another model is tried.
        close_reservation: Asks what an unwanted task has cost.
        store: Copies the results of a task.
    """

    tasks: TaskStore
    ask: Callable[[Task], Task]
    go_on: Callable[[Task], Task]
    close_reservation: Callable[[Task], Task]
    store: Callable[[Task], Task]
    queue: HidingQueue
    now: Callable[[], datetime]

    def __call__(self, message: StoreMessage) -> ProcessedMessage:
        """Work off one message."""
        task = self.tasks.get(message.task_id)
        if task is None:
            return ProcessedMessage(None, comes_back=False)
        if message.step == Step.ASK.value and task.next_step is Step.ASK:
            asked = self.ask(task)
            task = asked if is_same_attempt(task, asked) else self.go_on(asked)
        task = self.close_reservation(task)
        if task.status is Status.STORING:
            task = self.store(task)
        return ProcessedMessage(task, self._comes_back(task, message))

    def _comes_back(self, task: Task, message: StoreMessage) -> bool:
        """
        Whether to copy again later, or to look whether another copy has come through.

        A few times; what takes longer is left to the watch, before the message counts as dead.
        """
        if task.status is not Status.STORING or message.received >= MOST_RECEIVED:
            return False
        now = self.now()
        seconds = (decide(task, now).wait_until - now).total_seconds()
        try:
            self.queue.hide(message.receipt_handle, seconds)
        except BackendUnavailableError as error:
            _log.warning(
                "the message of %s returns after the queue's own pause: %s", task.task_id, error
            )
        return True
