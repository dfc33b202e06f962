"""An owner of its own for a test that looks at credits."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.functional.story import Story
from tests.functional.world import MODEL, World


@dataclass
class Owner:
    """An owner with a key of its own, and an admin beside."""

    world: World
    name: str
    http: httpx.Client
    admin: httpx.Client

    def create(self, prompt: str = "a kite", **more: Any) -> Story:
        answer = self.ask(prompt, **more)
        assert answer.status_code == 202, answer.text
        self.world.settle_down()
        return OwnStory(self.world, answer.json()["id"], self.world.agenda.time(), self.http)

    def ask(self, prompt: str = "a kite", key: str | None = None, **more: Any) -> httpx.Response:
        body = {"model": MODEL, "input": {"prompt": prompt}, **more}
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post("/v1/tasks", json=body, headers=headers)

    def give(self, credits_: float) -> None:
        body = {"owner": self.name, "credits": credits_, "reason": "welcome"}
        self.admin.post("/v1/credits/grant", json=body).raise_for_status()

    def account(self) -> dict[str, Any]:
        body: dict[str, Any] = self.http.get("/v1/credits").raise_for_status().json()
        return body

    def figures(self) -> tuple[float | None, float, float, int]:
        """Tell balance, reserved, spent and open tasks."""
        found = self.account()
        return found["balance"], found["reserved"], found["spent"], found["open_tasks"]

    def reasons(self) -> list[str]:
        """Name the entries of the ledger, oldest first."""
        entries = self.http.get("/v1/credits/ledger").raise_for_status().json()["data"]
        return [entry["reason"] for entry in entries][::-1]


@dataclass(frozen=True)
class OwnStory(Story):
    """A task, read with its owner's key."""

    http: httpx.Client

    def _get(self, path: str) -> Any:
        return self.http.get(f"/v1/tasks/{self.task_id}{path}").raise_for_status().json()

    def cancel(self) -> httpx.Response:
        return self.http.post(f"/v1/tasks/{self.task_id}/cancel")
