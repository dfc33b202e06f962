"""One task, as one can see it from outside."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.functional.world import World


@dataclass(frozen=True)
class Story:
    """What becomes of a task; `created_at` is in unix seconds of the world's clock."""

    world: "World"
    task_id: str
    created_at: float

    def read(self) -> dict[str, Any]:
        """Read the task over HTTP."""
        task: dict[str, Any] = self._get("")
        return task

    def end(self) -> tuple[str, str | None, str | None]:
        """Tell status, `completed_by` and attention."""
        task = self.read()
        return task["status"], task["completed_by"], task["attention"]

    def timeline(self) -> list[dict[str, Any]]:
        """Read the timeline over HTTP."""
        entries: list[dict[str, Any]] = self._get("/events")["data"]
        return entries

    def told(self) -> list[str]:
        """Tell the timeline: a line for each moment, in seconds since the creation."""
        moments = groupby(self.timeline(), key=lambda entry: self._age(entry["at"]))
        return [
            f"{age:g} " + " ".join(entry["type"] for entry in entries) for age, entries in moments
        ]

    def stored_files(self) -> list[bytes]:
        """Read what the task's links lead to."""
        return [httpx.get(one["url"]).raise_for_status().content for one in self.read()["outputs"]]

    def cancel(self) -> httpx.Response:
        """Cancel the task over HTTP."""
        return self.world.http.post(f"/v1/tasks/{self.task_id}/cancel")

    def refresh(self) -> httpx.Response:
        """Have Kie.ai asked, over HTTP."""
        answer = self.world.http.post(f"/v1/tasks/{self.task_id}/refresh")
        self.world.settle_down()
        return answer

    def accepted_creations(self) -> int:
        """Count how often Kie.ai was made to work for the task."""
        mine = [one for one in self.world.creations() if self.task_id in one["callBackUrl"]]
        return sum(one["accepted"] for one in mine)

    def execution(self, watch: int = 1) -> dict[str, Any]:
        """Describe an execution of the machine."""
        described: dict[str, Any] = self.world.sfn.describe_execution(
            executionArn=self._execution_arn(watch)
        )
        return described

    def watches(self) -> int:
        """Count the executions that have followed the task."""
        return 1 + [one["type"] for one in self.timeline()].count("watch_started")

    def last_execution(self) -> dict[str, Any]:
        """Describe the execution that was the last to follow the task."""
        return self.execution(self.watches())

    def states(self, watch: int = 1) -> list[str]:
        """List the states that an execution has entered."""
        history = self.world.sfn.get_execution_history(
            executionArn=self._execution_arn(watch), maxResults=1000
        )
        details = (event.get("stateEnteredEventDetails") for event in history["events"])
        return [entered["name"] for entered in details if entered]

    def watch_anew(self, after_seconds: int = 0) -> int:
        """Start a further execution in the place of a redrive, which moto has not."""
        watch = 99
        at = datetime.fromtimestamp(self.world.agenda.time() + after_seconds, UTC)
        self.world.sfn.start_execution(
            stateMachineArn=self.world.cloud.stack.machines["WatchTask"],
            name=f"{self.task_id}-{watch}",
            input=json.dumps({"task_id": self.task_id, "wait_until": f"{at:%Y-%m-%dT%H:%M:%SZ}"}),
        )
        self.world.settle_down()
        return watch

    def _age(self, at: str) -> float:
        return round(datetime.fromisoformat(at).timestamp() - self.created_at, 3)

    def _execution_arn(self, watch: int) -> str:
        machine = self.world.cloud.stack.machines["WatchTask"]
        name = self.task_id if watch == 1 else f"{self.task_id}-{watch}"
        return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"

    def _get(self, path: str) -> Any:
        return self.world.http.get(f"/v1/tasks/{self.task_id}{path}").raise_for_status().json()
