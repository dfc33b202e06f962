"""The operator's settings for asking Kie.ai, applied to a task."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.polling.model_times import Observed
from kie_gateway.core.polling.schedule import next_ask_at
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class PollPolicy:
    """
    When to ask.

    Attributes:
        first_poll_seconds: Age at the first question; 0 takes it from the model's typical time.
        poll_cap_seconds: Longest pause between two questions.
        typical_seconds: Tells the median time of a model, in seconds.
        observed: Tells what this deployment has seen of a model, None while that is too little.
    """

    first_poll_seconds: int
    poll_cap_seconds: int
    typical_seconds: Callable[[str], float]
    observed: Callable[[str], Observed | None] = lambda _: None

    def expected_seconds(self, model: str) -> int:
        """Return how long a task of a model is expected to take: the median that is known best."""
        observed = self.observed(model)
        median = observed.p50 if observed is not None else self.typical_seconds(model)
        return max(round(median), 1)

    def next_ask_at(self, task: Task, now: datetime) -> datetime:
        """Choose when to ask about a task next."""
        return next_ask_at(
            since=task.submitted_at or task.sending_at or task.created_at,
            now=now,
            deadline_at=task.deadline_at,
            typical_seconds=self.typical_seconds(task.model),
            observed=self.observed(task.model),
            first_poll_seconds=self.first_poll_seconds,
            poll_cap_seconds=self.poll_cap_seconds,
        )

    def first_watch_at(self, task: Task) -> datetime:
        """Choose until when a new task is left to its webhook."""
        return self.next_ask_at(task, task.created_at)

    def while_not_visible_at(self, task: Task, now: datetime) -> datetime:
        """Choose when to ask about a task that Kie.ai does not know yet."""
        return min(now + timedelta(seconds=min(10, self.poll_cap_seconds)), task.deadline_at)
