"""What was not worked off when everything was killed is worked off after the next start."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.dev.outgoing import EVENTS_STACK
from tests.dev.support import call, eventually
from tests.dev.test_state import Running, running

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 60.0


def names(running: Running, kind: str) -> list[str]:
    """List what functions have seen: `SEEN` of the stream, `MESSAGE` of the queue."""
    keys = [one["pk"]["S"].split("#") for one in running.items()]
    return sorted(key[1] for key in keys if key[0] == kind)


def send(running: Running, name: str, group: str, **body: Any) -> str:
    sent = running.client("sqs").send_message(
        QueueUrl=running.resources["Deliveries"],
        MessageBody=json.dumps({"name": name, **body}),
        MessageGroupId=group,
        MessageDeduplicationId=name,
    )
    return str(sent["MessageId"])


def left(folder: Path, table: str, column: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "state.sqlite")) as db:
        return [json.loads(row[0]) for row in db.execute(f"SELECT {column} FROM {table}")]


def test_records_and_messages_survive_a_kill(tmp_path: Path) -> None:
    """
    Records whose function fails; messages that are done, hidden, or behind a hidden one.

    One that somebody had in hand who is gone shows again at once; on AWS it would stay hidden for
    the rest of the visibility timeout.
    """
    with running(tmp_path, EVENTS_STACK) as first:
        # What fails now does not come again before the kill.
        call(first.facts["url"], "/_dev/dials", "PUT", b'{"retry_seconds": 60}')
        for name in ("a", "b"):
            first.put(pk=name, sk="TASK", event="task.succeeded")
        done = send(first, "done", "other")
        # The function hides it for an hour, and what stands behind it waits.
        send(first, "hidden", "group", failures=1, hide=3600)
        eventually(lambda: names(first, "MESSAGE") == ["done", "hidden"], PATIENCE_SECONDS)
        send(first, "behind", "group")
        given_up = {"QueueUrl": first.resources["GivenUp"]}
        first.client("sqs").send_message(**given_up, MessageBody='{"name": "in hand"}')
        assert first.client("sqs").receive_message(**given_up, VisibilityTimeout=3600)["Messages"]
        assert "Messages" not in first.client("sqs").receive_message(**given_up)
        eventually(lambda: len(left(tmp_path, "messages", "facts")) == 3, PATIENCE_SECONDS)
        before = left(tmp_path, "messages", "facts")
        assert len(left(tmp_path, "changes", "record")) == 2
        first.put(pk="SWITCH", sk="ON")
    with running(tmp_path, EVENTS_STACK) as second:
        eventually(lambda: names(second, "SEEN") == ["a", "b"], PATIENCE_SECONDS)
        assert send(second, "done", "other") == done
        send(second, "later", "other")
        eventually(lambda: "later" in names(second, "MESSAGE"), PATIENCE_SECONDS)
        assert names(second, "MESSAGE") == ["done", "hidden", "later"]
        # What was worked off is gone for good, and the rest as it was.
        eventually(lambda: not left(tmp_path, "changes", "record"), PATIENCE_SECONDS)
        eventually(lambda: left(tmp_path, "messages", "facts") == before, PATIENCE_SECONDS)
        given_up = {"QueueUrl": second.resources["GivenUp"]}
        [message] = second.client("sqs").receive_message(**given_up)["Messages"]
        assert json.loads(message["Body"]) == {"name": "in hand"}
