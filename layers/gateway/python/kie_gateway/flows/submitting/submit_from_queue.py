"""Use a task's ticket for whoever's turn it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.moves import submission_moves
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import Moved, TaskStore
from kie_gateway.core.submit_queue import EARLY, HARDLY_LATE, SHORT_PAUSE, SubmitQueueState
from kie_gateway.core.task import Status, Step, Submission, Task

# Who would wait longer for a permit goes to sleep again.
_PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class SubmitFromQueue:
    """
    Submits the first task in the queue; where there is no queue, the task itself.

    Tickets are issued by arrival, turns by fairness. When a task's ticket is due while another task
    is first, the other is submitted, and the two swap tickets: as many are left as tasks.

    Attributes:
        submit: Sends the creation of a task whose record says `sending`, for us.
        pause: Waits so many seconds, a few at most.
    """

    tasks: TaskStore
    submit_queue: SubmitQueue
    submit: Callable[[Task], Task]
    now: Callable[[], datetime]
    pause: Callable[[float], None]

    def __call__(self, task: Task) -> Task:
        """Use one task's ticket; returns the task's own record afterwards."""
        if not self._is_due(task):
            # Something else woke it.
            return task
        state = self.submit_queue.state()
        is_open = state is None or state.covers(task.price)
        if task.next_step is not Step.SUBMIT or (is_open and not task.is_in_submit_queue):
            return self._submit(task, self.submit).task
        if (
            task.submit_turn is None
            or task.is_short_of_credits
            or (state is not None and self.now() < state.not_before)
        ):
            ticket = self.submit_queue.enqueue(task.owner)
            return self._wait(task, ticket.at, ticket.turn)
        permit = self.submit_queue.acquire_permit(_PATIENCE)
        if not permit.is_granted:
            return self._wait(task, permit.at, task.submit_turn)
        self._pause_until(permit.at)
        sent_at = list[datetime]()

        def submit_and_note(one: Task) -> Task:
            sent_at.append(self.now())
            return self.submit(one)

        after = self._submit_first(task, state, submit_and_note)
        if sent_at and sent_at[0] - permit.at > HARDLY_LATE:
            self.submit_queue.correct_permit(permit.at, sent_at[0])
        return after

    def _submit_first(
        self, task: Task, state: SubmitQueueState | None, submit: Callable[[Task], Task]
    ) -> Task:
        for other in self._front(task):
            self.submit_queue.advance_to(other.submit_turn or 0)
            sent = self._submit(other, submit)
            if sent.changed:
                report_outcome(state, sent.task, self.submit_queue)
            if other is task:
                return sent.task
            if sent.changed:
                return self._wait(task, other.next_at or self.now(), task.submit_turn or 0)
        # Others are submitting all of them, or the index lags behind.
        return self._wait(task, self.now() + SHORT_PAUSE, task.submit_turn or 0)

    def _is_due(self, task: Task) -> bool:
        """Wait for a ticket that is nearly due; False if it is not."""
        if not task.is_in_submit_queue or task.next_at is None:
            return True
        if task.next_at - self.now() > EARLY:
            return False
        self._pause_until(task.next_at)
        return True

    def _pause_until(self, moment: datetime) -> None:
        left = (moment - self.now()).total_seconds()
        if left > 0:
            self.pause(left)

    def _front(self, task: Task) -> Iterator[Task]:
        for first in self.submit_queue.front():
            other = task if first == task.task_id else self.tasks.get(first)
            if other is not None and other.is_in_submit_queue:
                yield other

    def _submit(self, task: Task, submit: Callable[[Task], Task]) -> Moved:
        """Submit a task; unchanged if somebody else has taken the right to."""
        moved = self.tasks.move(
            task, lambda current: submission_moves.start_submission(current, self.now())
        )
        return Moved(submit(moved.task), changed=True) if moved.changed else moved

    def _wait(self, task: Task, at: datetime, turn: int) -> Task:
        return self.tasks.move(
            task, lambda current: submission_moves.wait_on(current, next_at=at, turn=turn)
        ).task


def report_outcome(state: SubmitQueueState | None, sent: Task, submit_queue: SubmitQueue) -> None:
    """
    Report to the queue an answer that ends what holds it up.

    Args:
        state: Of the queue, as it was before the creation was sent.
    """
    if state is None:
        return
    is_taken = sent.submission is Submission.ACCEPTED
    if state.for_credits and is_taken and not state.covers(sent.price):
        submit_queue.resume()
    is_tried_anew = sent.status is Status.QUEUED and not sent.submission_attempts
    if state.refusals and (sent.status is not Status.QUEUED or is_tried_anew):
        # Taken, or judged by what it asks for.
        submit_queue.report_acceptance()
