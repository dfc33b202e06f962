"""
What tests tell followers in worlds whose stream nobody works off.

So that they say what is told, and when; `tests/running/test_live_updates.py` follows real tasks.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from botocore.credentials import Credentials

from kie_gateway.aws.live_updates import AppSyncPublisher
from kie_gateway.core.ports.live import LivePublisher


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def local_publisher(host: str, now: Callable[[], datetime] = utc_now) -> Iterator[LivePublisher]:
    """Publish to a local cloud as its administrator; `host` as `GET /v1/realtime` tells it."""
    credentials = Credentials("local", "local", "local")
    with httpx.Client() as http:
        url = f"http://{host}/event"
        yield AppSyncPublisher(http, url, "us-east-1", lambda: credentials, now)


def tell(publisher: LivePublisher, owner: str, task: dict[str, Any]) -> None:
    """Tell the followers of a task how it stands."""
    event = {
        "id": f"evt_{task['id'].removeprefix('task_')}-{task['status']}",
        "type": f"task.{task['status']}",
        "timestamp": task["completed_at"] or task["created_at"],
        "data": task,
    }
    publisher.publish(owner, task["id"], [json.dumps(event)])
