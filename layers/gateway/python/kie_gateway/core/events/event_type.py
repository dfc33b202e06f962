"""The types of events."""

from enum import StrEnum


class EventType(StrEnum):
    """What an event tells of."""

    TASK_RUNNING = "task.running"
    TASK_STORING = "task.storing"
    TASK_SUCCEEDED = "task.succeeded"
    TASK_FAILED = "task.failed"
    TASK_CANCELED = "task.canceled"
    TASK_EXPIRED = "task.expired"
    TASK_RECOVERED = "task.recovered"
    TASK_ATTENTION = "task.attention"
    BATCH_COMPLETED = "batch.completed"
    CREDITS_LOW = "credits.low"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"

    @property
    def is_about_task(self) -> bool:
        """Whether a task is what it tells of."""
        return self.value.startswith("task.")
