"""Makers of values that tests start from; every field can be overridden."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from kie_gateway.core.results import Source
from kie_gateway.core.task import Status, Submission, Task

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TASK_ID = "task_01kjd3x7h8000000000000000a"
UPSTREAM_ID = "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5"
RESULT_URL = "https://tempfile.aiquickdraw.com/r/1789000066_1_abc.png"


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def typical_seconds(model: str) -> float:
    """The median time of a model; films take longer than pictures."""
    return 150.0 if "kling" in model else 45.0


def make_task(**changes: Any) -> Task:
    """A task that was just recorded and is about to be sent to Kie.ai."""
    fields: dict[str, Any] = {
        "task_id": TASK_ID,
        "owner": "alice",
        "status": Status.QUEUED,
        "model": "google/nano-banana",
        "family": "market",
        "kind": "image",
        "input": {"prompt": "a red kite"},
        "callback_base_url": "https://gateway.test",
        "created_at": NOW,
        "deadline_at": NOW + seconds(3600),
        "submission": Submission.SENDING,
        "submission_attempts": 1,
        "sending_at": NOW,
        "expected_seconds": 45,
    }
    return Task(**{**fields, **changes})


def running_task(**changes: Any) -> Task:
    """A task that Kie.ai has accepted."""
    fields: dict[str, Any] = {
        "status": Status.RUNNING,
        "submission": Submission.ACCEPTED,
        "upstream_task_id": UPSTREAM_ID,
        "submitted_at": NOW,
        "next_at": NOW + seconds(60),
    }
    return make_task(**{**fields, **changes})


def storing_task(**changes: Any) -> Task:
    """A task whose result Kie.ai has named."""
    fields: dict[str, Any] = {
        "status": Status.STORING,
        "sources": (Source(RESULT_URL),),
        "next_at": NOW,
    }
    return running_task(**{**fields, **changes})


def event_text(task_id: str = TASK_ID, **data: Any) -> str:
    """An event about a task, as it leaves the gateway."""
    told = {"id": f"evt_{task_id.removeprefix('task_')}-1", "type": "task.succeeded"}
    moment = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    task = {"id": task_id, "object": "task", "status": "succeeded", **data}
    return json.dumps({**told, "timestamp": moment, "data": task})
