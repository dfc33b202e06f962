"""What follows tasks: executions, the store queue, and what is known of their times."""

from datetime import datetime
from typing import Protocol

from kie_gateway.core.polling.model_times import Observed


class Executions(Protocol):
    """Executions of the machine `WatchTask`."""

    def start(self, task_id: str, watch: int, wait_until: datetime) -> None:
        """Follow a task from `wait_until` on; starting the same watch twice is harmless."""

    def stop(self, task_id: str, watch: int, why: str) -> None:
        """End a watch that another one takes over from."""

    def is_running(self, task_id: str, watch: int) -> bool:
        """Whether a watch was started and has not ended."""


class StoreQueue(Protocol):
    """Work that must not keep Kie.ai waiting for an answer."""

    def request_storing(self, task_id: str) -> None:
        """Ask for the results of a task to be copied."""

    def request_asking(self, task_id: str) -> None:
        """Ask for Kie.ai to be asked about a task, and for the results to be copied if done."""


class ModelTimes(Protocol):
    """Times that this deployment's tasks have taken."""

    def add(self, model: str, seconds: float, now: datetime) -> None:
        """Count a finished task. Raises BackendUnavailableError."""

    def observed(self, model: str) -> Observed | None:
        """Read them; None while there are too few. Raises BackendUnavailableError."""
