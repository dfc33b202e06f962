"""Submit a task that is watched already, and have it watched as closely as the answer asks for."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.polling.decision import decide
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import StoreQueue
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.watching.watches import Watches

_log = logging.getLogger(__name__)

# Another execution costs more than looking a little late.
_WORTH_IT = timedelta(seconds=0.5)


@dataclass(frozen=True)
class SubmitWatched:
    """
    Submits tasks for a caller who waits; from here on trouble is the watch's and not the caller's.

    Attributes:
        submit: Sends the creation of a task whose record says `sending`, for us.
    """

    tasks: TaskStore
    submit: Callable[[Task], Task]
    watches: Watches
    store_queue: StoreQueue
    now: Callable[[], datetime]

    def __call__(
        self, task: Task, *, sleeps_until: datetime, done: Callable[[Task], object] | None = None
    ) -> Task:
        """
        Submit one task.

        Args:
            sleeps_until: When the task's watch looks next; another takes over if that is too late.
            done: Told of the record as the submission has left it.
        """
        try:
            after = self.submit(task)
            if done is not None:
                done(after)
            if after.status is Status.STORING:
                # The answer held the result: no webhook will come, and the watch sleeps.
                self.store_queue.request_storing(task.task_id)
            # Kie.ai may have taken its time: what happens now is stamped as of now.
            due = decide(after, self.now())
            is_open = after.status in (Status.QUEUED, Status.RUNNING)
            if is_open and sleeps_until - due.wait_until > _WORTH_IT:
                after = self.watches.hand_over(after, wait_until=due.wait_until)
        except GatewayError as error:
            _log.warning("the watch continues with %s: %s", task.task_id, error)
            return self._as_it_stands(task)
        except Exception:  # noqa: BLE001 - told in the log
            # Whatever it is: the task may be paid by now, and the caller does not know it yet.
            _log.exception("the watch continues with %s", task.task_id)
            return self._as_it_stands(task)
        return after

    def _as_it_stands(self, task: Task) -> Task:
        """Read a task; a caller who got an error here would create, and pay, again."""
        try:
            return self.tasks.get(task.task_id) or task
        except BackendUnavailableError:
            return task
