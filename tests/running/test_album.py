"""
An album on the running gateway: twelve tracks, each with a cover, asked for by one request.

A third of all webhooks is lost, one model is paused and another takes its place, and two covers
fail. It comes to the same end when every function is killed again and again.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running.driver import accepted_creations
from tests.running.gateway import Gateway
from tests.running.test_restart import dying, eventually

pytestmark = pytest.mark.long

TRACKS = 12
PAUSED, FAILING = 3, (5, 8)
MODEL, PAUSED_MODEL = "suno/generate", "ai-music-api/generate"
OTHER = {"custom_mode": False, "instrumental": True, "model": "V5"}
DEADLINE_SECONDS = 120
FUNCTIONS = ("ApiFunction", "CallbackFunction", "StoreFunction", "WatchFunction")
END_SECONDS = 240


def track(number: int) -> dict[str, Any]:
    words = f"track {number}"
    if number % 3 == 0:
        words += " [webhook lost]"
    cover: dict[str, Any] = {"min_width": 2048, "min_height": 1152}
    if number in FAILING:
        cover["prompt"] = f"cover {number} [fail 501 broken]"
    song = {"model": MODEL, "input": {"prompt": words}}
    if number != PAUSED:
        return {**song, "cover": cover, "deadline_seconds": DEADLINE_SECONDS}
    paused = {**OTHER, "prompt": f"{words} [{PAUSED_MODEL}: create 500 paused]"}
    return {
        "model": PAUSED_MODEL,
        "input": paused,
        "fallback": [song],
        "cover": cover,
        "deadline_seconds": DEADLINE_SECONDS,
    }


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed again and again"])
def test_an_album_comes_to_the_same_end(tmp_path: Path, killed: bool) -> None:
    gateway = Gateway(tmp_path, "FirstPollSeconds=2 PollCapSeconds=4")
    with gateway.started():
        items = [track(number) for number in range(TRACKS)]
        asked = gateway.http.post("/v1/batches", json={"items": items})
        assert asked.status_code == 202, asked.text
        batch = asked.json()
        with dying(gateway, *FUNCTIONS, every_seconds=4) if killed else nullcontext():
            # Most of what there is to be lost is under way in the first seconds.
            eventually(lambda: read(gateway, batch)["progress"] >= 0.5, END_SECONDS)
        eventually(lambda: is_over(gateway, batch), END_SECONDS)
        unknown = [
            shown["id"]
            for number, shown in enumerate(tracks(gateway, batch))
            if not came_home(gateway, number, shown)
        ]
        assert len(unknown) <= (TRACKS // 2 if killed else 0)
        assert sum(read(gateway, batch)["counts"].values()) == TRACKS


def read(gateway: Gateway, batch: dict[str, Any]) -> dict[str, Any]:
    """Read the batch; a function that was killed while it read is asked again."""
    while True:
        try:
            answer = gateway.http.get(f"/v1/batches/{batch['id']}")
        except httpx.TransportError:
            continue
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found


def tracks(gateway: Gateway, batch: dict[str, Any]) -> list[dict[str, Any]]:
    params = {"batch_id": batch["id"], "order": "asc", "limit": TRACKS}
    found: list[dict[str, Any]] = gateway.http.get("/v1/tasks", params=params).json()["data"]
    return found


def is_over(gateway: Gateway, batch: dict[str, Any]) -> bool:
    return read(gateway, batch)["progress"] == 1 and all(
        one["group_status"] != "running" for one in tracks(gateway, batch)
    )


def came_home(gateway: Gateway, number: int, shown: dict[str, Any]) -> bool:
    """Look at a track; False if whoever sent it died, and nobody knows whether Kie.ai took it."""
    accepted = accepted_creations(gateway.http, gateway.simulator, shown["id"])
    if is_unknown(shown):
        assert accepted == 0
        return False
    assert (shown["status"], accepted) == ("succeeded", 1), shown
    assert shown["outputs"][0]["media"] == "audio"
    assert shown["model"] == MODEL
    [cover] = shown["children"]
    made = gateway.http.get(f"/v1/tasks/{cover['id']}").json()
    if is_unknown(made):
        assert accepted_creations(gateway.http, gateway.simulator, made["id"]) == 0
        return False
    failing = number in FAILING
    assert (cover["name"], cover["required"]) == ("cover", False)
    assert made["status"] == ("failed" if failing else "succeeded"), made
    assert shown["group_status"] == ("partial" if failing else "succeeded")
    # Each of its models was asked once.
    asked = accepted_creations(gateway.http, gateway.simulator, made["id"])
    assert asked == len(made["attempts"])
    return True


def is_unknown(task: dict[str, Any]) -> bool:
    never_sent = (task["attention"] == "stalled") and task["upstream"]["task_id"] is None
    is_lost = task["attention"] == "submission_unknown" or never_sent
    return task["status"] == "expired" and is_lost
