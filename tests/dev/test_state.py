"""What was stored is there again after the program was killed, and open tasks are watched again."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from dev.cloud import LocalCloud
from dev.logs import Log
from dev.state import State, StateError
from sam_template.template import Template
from tests.dev.support import ROOT, SMALL_STACK, alive, call, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = ["outputs/a/0.png", "outputs/a", "with space/é+.txt", "../up", "double//slash"]


class Running:
    """The driver, and clients for it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        line = next(line for line in process.stdout or () if line.startswith("READY "))
        self.facts = json.loads(line.removeprefix("READY "))
        self.resources = self.facts["resources"]

    def client(self, service: str) -> Any:
        access = self.facts["access"]
        return boto3.client(  # type: ignore[call-overload]  # any service
            service,
            endpoint_url=access["AWS_ENDPOINT_URL"],
            region_name=access["AWS_DEFAULT_REGION"],
            aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=access["AWS_SESSION_TOKEN"],
            config=Config(proxies={}),
        )

    def pids(self) -> list[int]:
        found = call(self.facts["url"], "/_dev/processes").json()
        return [p["pid"] for processes in found.values() for p in processes]

    def put(self, **values: str) -> None:
        item = {name: {"S": value} for name, value in values.items()}
        self.client("dynamodb").put_item(TableName=self.resources["Table"], Item=item)

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client("dynamodb").scan(
            TableName=self.resources["Table"]
        )["Items"]
        return found

    def secret(self) -> str:
        arn = self.resources["Generated"]
        return str(self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


@contextmanager
def running(folder: Path, stack: Path = SMALL_STACK) -> Iterator[Running]:
    """Run the driver; kill it at the end, with no chance to tidy up."""
    command = [sys.executable, "-m", "tests.dev.driver", str(folder), str(stack)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    """Items, objects and the generated secret; and no process is left behind."""
    with running(tmp_path) as first:
        first.put(pk="a", sk="1", v="x")
        first.put(pk="b", sk="1")
        first.client("dynamodb").delete_item(
            TableName=first.resources["Table"], Key={"pk": {"S": "b"}, "sk": {"S": "1"}}
        )
        s3, bucket = first.client("s3"), first.resources["Bucket"]
        for key in KEYS:
            body = f"body of {key}".encode()
            facts = {"ContentType": "image/png", "Metadata": {"a": "b"}}
            s3.put_object(Bucket=bucket, Key=key, Body=body, **facts)
        s3.put_object(Bucket=bucket, Key="gone", Body=b"")
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "gone"}]})
        secret, pids = first.secret(), first.pids()
        first.put(pk="a", sk="2", v="the last moment")
    eventually(lambda: not any(map(alive, pids)), 3)
    assert (
        (tmp_path / "files" / "Bucket" / "outputs" / "a" / "0.png").read_bytes().startswith(b"body")
    )
    with running(tmp_path) as second:
        values = {item["sk"]["S"]: item["v"]["S"] for item in second.items()}
        assert values == {"1": "x", "2": "the last moment"}
        assert second.secret() == secret
        s3, bucket = second.client("s3"), second.resources["Bucket"]
        found = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert sorted(entry["Key"] for entry in found) == sorted(KEYS)
        answer = s3.get_object(Bucket=bucket, Key="with space/é+.txt")
        assert answer["Body"].read() == "body of with space/é+.txt".encode()
        assert (answer["ContentType"], answer["Metadata"]) == ("image/png", {"a": "b"})


def test_interrupted_tasks_are_watched_again(tmp_path: Path) -> None:
    """Open ones only: not those settled or given up, and nothing that is no task."""
    log = Log(io.StringIO())
    rows = {"open": "look", "settled": "none", "late": "look"}
    with LocalCloud(Template(SMALL_STACK), state_folder=tmp_path, log=log) as cloud:
        client, table = cloud.client("dynamodb"), cloud.resources["Table"]
        for name, step in rows.items():
            status = "expired" if name == "late" else "running"
            item = {"pk": f"TASK#task_{name}", "sk": "TASK", "next_step": step, "status": status}
            client.put_item(TableName=table, Item={k: {"S": v} for k, v in item.items()})
        event = {"pk": {"S": "TASK#task_open"}, "sk": {"S": "EVENT#1"}, "next_step": {"S": "look"}}
        client.put_item(TableName=table, Item=event)
    with LocalCloud(Template(SMALL_STACK), state_folder=tmp_path, log=log) as cloud:
        client, machine = cloud.client("stepfunctions"), cloud.stack.machines["Machine"]
        [found] = client.list_executions(stateMachineArn=machine)["executions"]
        name, _, stamp = found["name"].rpartition("-r")
        assert name == "task_open"
        assert int(stamp) == pytest.approx(time.time(), abs=10)
        facts = json.loads(client.describe_execution(executionArn=found["executionArn"])["input"])
        assert facts["task_id"] == "task_open"
        assert datetime.fromisoformat(facts["wait_until"]) <= datetime.now(UTC)


def test_uploads_and_links_work_with_plain_http(tmp_path: Path) -> None:
    """Presigned ones, path-style, as browsers and curl use them; kept like any other object."""
    with LocalCloud(Template(SMALL_STACK), state_folder=tmp_path, log=Log(io.StringIO())) as cloud:
        s3, where = cloud.client("s3"), {"Bucket": cloud.resources["Bucket"], "Key": "in/x y.txt"}
        put = s3.generate_presigned_url("put_object", Params=where)
        assert put.startswith(f"{cloud.aws.url}/{where['Bucket']}/in/x%20y.txt")
        request = urllib.request.Request(put, b"sent", {"Content-Type": "text/plain"}, method="PUT")
        urllib.request.urlopen(request).close()
        with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=where)) as got:
            assert (got.read(), got.headers["Content-Type"]) == (b"sent", "text/plain")
        assert (cloud.files / "Bucket" / "in" / "x y.txt").read_bytes() == b"sent"
        with pytest.raises(s3.exceptions.ClientError):
            s3.upload_fileobj(io.BytesIO(b""), "no-such-bucket", "k")


def test_foreign_state_names_the_folder_to_delete(tmp_path: Path) -> None:
    """Whatever is wrong with the file."""
    (tmp_path / "state.sqlite").write_bytes(b"not a database at all, but long enough to be one")
    with pytest.raises(StateError, match=str(tmp_path)):
        State(tmp_path)


@pytest.mark.long
def test_stopping_waits_for_no_call(tmp_path: Path) -> None:
    """SIGTERM would end the driver at once; leaving the block is what Ctrl-C does."""
    with LocalCloud(Template(SMALL_STACK), log=Log(io.StringIO()), prewarm=True) as cloud:
        call = cloud.functions["EchoFunction"].submit(b'{"rawPath": "/sleep/1.9"}')
        pids = eventually(lambda: [p["pid"] for p in cloud.functions["EchoFunction"].processes()])
    assert call.result(0).failed
    assert not any(map(alive, pids))


@pytest.mark.long
def test_kill_leaves_no_child_even_when_busy(tmp_path: Path) -> None:
    """A function in the middle of its work does not outlive the program."""
    with running(tmp_path) as driver:
        [echo] = call(driver.facts["url"], "/_dev/processes").json()["EchoFunction"]
        os.kill(echo["pid"], signal.SIGSTOP)
        os.kill(echo["pid"], signal.SIGCONT)
    eventually(lambda: not alive(echo["pid"]), 3)
