"""Send a creation that Kie.ai refused for now sooner than planned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.moves import submission_moves
from kie_gateway.core.polling.decision import decide
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Submission, Task
from kie_gateway.flows.submitting.resume_submit_queue import ResumeSubmitQueue
from kie_gateway.flows.submitting.submit_watched import SubmitWatched


@dataclass(frozen=True)
class SubmitNow:
    """
    Submits queued tasks at once, unless they wait for their turn in the submit queue.

    While Kie.ai's account is out of credits this finds out whether that has changed; if so,
    everybody who waits for credits goes on.

    Attributes:
        has_time: Whether there is time for one more of those who wait for credits.
    """

    tasks: TaskStore
    submit_queue: SubmitQueue
    submit: SubmitWatched
    resume: ResumeSubmitQueue
    now: Callable[[], datetime]
    has_time: Callable[[], bool] = lambda: True

    def __call__(self, task: Task) -> Task:
        """Submit one task; returns the record afterwards."""
        state = self.submit_queue.state()
        waits_for_credits = state is not None and state.waits_for_credits(task.price)
        was_short = task.is_short_of_credits
        if task.is_in_submit_queue and not waits_for_credits:
            return task
        sleeps_until = decide(task, self.now()).wait_until
        moved = self.tasks.move(
            task, lambda current: submission_moves.start_submission(current, self.now())
        )
        if not moved.changed:
            return moved.task
        after = self.submit(moved.task, sleeps_until=sleeps_until)
        if (waits_for_credits or was_short) and after.submission is Submission.ACCEPTED:
            self.resume(has_time=self.has_time)
        return after
