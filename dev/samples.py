"""A cloud with sample tasks in it: what the events in `events/` speak of."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from dev.cloud import LocalCloud
from dev.pool import WorkerPool
from dev.settings import LOCAL_KEY
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.table_keys import task_key
from kie_gateway.aws.task_item import write_entry, write_task
from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.groups.spec_json import write_specs
from kie_gateway.core.groups.task_spec import ChildSpec, TaskSpec
from kie_gateway.core.results import Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.manage_keys import IssueKey, NewKey
from kie_gateway.wiring.clock import utc_now
from sam_template.template import ROOT, Template
from simulator.server import KieSimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "events"
# Good for nothing else: they make the tokens and signatures in the samples right.
CALLBACK_SECRET = "the-secret-of-the-sample-events"  # noqa: S105 - see above
SIGNING_SECRET = "the-signing-secret-of-the-sample-events"  # noqa: S105 - see above
UPSTREAM_ID = "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5"
_PREFIX = "task_01kjd3x7h8"
RUNNING = f"{_PREFIX}sample0running00"
STORING = f"{_PREFIX}sample0storing00"
WAITING = f"{_PREFIX}sample0waiting00"
FAILED = f"{_PREFIX}sample0failed000"
SUCCEEDED = f"{_PREFIX}sample0succeeded"
EXPIRED = f"{_PREFIX}sample0expired00"
PARENT = f"{_PREFIX}sample0parent000"


_OUTPUT = Output(
    index=0,
    media="image",
    content_type="image/png",
    bytes=1,
    sha256="0" * 64,
    key=f"outputs/local/{SUCCEEDED}/0.png",
    source_url="https://tempfile.aiquickdraw.com/r/sample.png",
    width=1024,
    height=1024,
)


def _running(now: datetime) -> Task:
    return Task(
        task_id=RUNNING,
        owner="local",
        status=Status.RUNNING,
        model="google/nano-banana",
        family="market",
        kind="image",
        input={"prompt": "a lighthouse at dawn"},
        callback_base_url="https://example.com",
        created_at=now,
        deadline_at=now + timedelta(hours=1),
        submission=Submission.ACCEPTED,
        upstream_task_id=UPSTREAM_ID,
        submitted_at=now,
        next_at=now,
    )


_NIGHT = ChildSpec(
    name="night",
    pointer="/then/0",
    starts=Start.THEN,
    required=True,
    task=TaskSpec(
        model="google/nano-banana-edit",
        input={
            "prompt": "{{input.prompt}}, but at night",
            "image_urls": ["{{outputs[0].url}}"],
        },
        deadline_seconds=3600,
    ),
)


def _parent(succeeded: Task) -> Task:
    """Make a task whose child is due, as whoever has settled it has not created it."""
    price = Decimal(4)
    child = Child(
        name=_NIGHT.name,
        task_id=derived_task_id(PARENT, 0),
        starts=_NIGHT.starts,
        required=_NIGHT.required,
        state=ChildState.PLANNED,
        credits=price,
    )
    reservation = Reservation(price, release_after_seconds=86_400).charge(price)
    return replace(succeeded, task_id=PARENT, reservation=reservation, children=(child,))


class Samples:
    """The sample cloud at hand."""

    def __init__(self, cloud: LocalCloud, simulator: KieSimulator) -> None:
        self.cloud = cloud
        self._simulator = simulator

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke a function on an event. Raises InvocationError."""
        return self.cloud.invoke(function, event)

    def seed(self) -> None:
        """Put every sample task into the state that the events expect."""
        table = self.cloud.resources["TaskTable"]
        dynamodb = self.cloud.client("dynamodb")
        # Created by an event before, and again by the next.
        dynamodb.delete_item(TableName=table, Key=task_key(derived_task_id(PARENT, 0)))
        for task in self._tasks():
            entry = Entry(Happened.CREATED, task.created_at, f"Created for {task.model}.")
            dynamodb.put_item(TableName=table, Item=write_task(task))
            dynamodb.put_item(TableName=table, Item=write_entry(task.task_id, entry, "0"))
        issue = IssueKey(KeyTable(dynamodb, table), lambda: "key_of_samples", utc_now)
        issue(NewKey("local", "sample", frozenset(Scope)), LOCAL_KEY)
        self._keep(
            f"outputs/local/{SUCCEEDED}/0.png", httpx.get(self._picture).content, "image/png"
        )
        self._keep(
            f"inputs/local/{PARENT}/children.json", write_specs([_NIGHT]), "application/json"
        )

    def _keep(self, key: str, body: bytes, content_type: str) -> None:
        bucket = self.cloud.resources["AssetBucket"]
        s3 = self.cloud.client("s3")
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def _tasks(self) -> Iterator[Task]:
        now = utc_now()
        running = _running(now)
        yield running
        yield replace(
            running,
            task_id=STORING,
            status=Status.STORING,
            sources=(Source(self._picture),),
            completed_by=CompletedBy.WEBHOOK,
        )
        yield replace(
            running,
            task_id=WAITING,
            status=Status.QUEUED,
            submission=Submission.WAITING,
            upstream_task_id=None,
            submitted_at=None,
        )
        yield replace(
            running,
            task_id=FAILED,
            status=Status.FAILED,
            error=Failure("500", Category.UPSTREAM, "Internal Error", retryable=True),
            completed_at=now,
        )
        succeeded = replace(
            running,
            task_id=SUCCEEDED,
            status=Status.SUCCEEDED,
            outputs=(_OUTPUT,),
            completed_at=now,
        )
        yield succeeded
        yield _parent(succeeded)
        yield replace(
            running,
            task_id=EXPIRED,
            status=Status.EXPIRED,
            attention=Attention.STALLED,
            deadline_at=now,
            completed_at=now,
            next_at=now + timedelta(hours=1),
        )

    @cached_property
    def _picture(self) -> str:
        """Where a picture lies that the simulator has made."""
        headers = {"Authorization": "Bearer local"}
        with httpx.Client(base_url=self._simulator.base_url, headers=headers) as http:
            body = {"model": "google/nano-banana", "input": {"prompt": "a sample [slow 0]"}}
            created = http.post("/api/v1/jobs/createTask", json=body).json()["data"]
            until = time.monotonic() + 10
            while True:
                record = http.get("/api/v1/jobs/recordInfo", params=created).json()["data"]
                if record["state"] == "success" or time.monotonic() > until:
                    link: str = json.loads(record["resultJson"])["resultUrls"][0]
                    return link
                time.sleep(0.05)


@contextmanager
def sample_cloud(wanted: str | None = None) -> Iterator[Samples]:
    """
    Run the template's functions without containers, with sample tasks to work on.

    `wanted` is the function that will be invoked; its process starts while the tasks are made.
    """
    template = Template()
    hosts = template.parameters["ResultHosts"]["Default"]
    # The sample tasks' webhooks would go to hosts of the internet.
    with KieSimulator(port=0, seconds=0.1, create_limit=0, sends_webhooks=False) as simulator:
        values = {
            "KieBaseUrl": simulator.base_url,
            "ResultHosts": f"{hosts},{urlsplit(simulator.base_url).netloc}",
            "LiveUpdates": "true",
        }
        keys = {"api_key": "local"}
        with LocalCloud(template, values, kie_keys=keys, poll_queues=False) as cloud:
            for name, value in (
                ("CallbackSecret", CALLBACK_SECRET),
                ("SigningSecret", SIGNING_SECRET),
            ):
                cloud.client("secretsmanager").put_secret_value(
                    SecretId=cloud.resources[name], SecretString=value
                )
            if wanted is not None and isinstance(function := cloud.functions[wanted], WorkerPool):
                function.prewarm()
            samples = Samples(cloud, simulator)
            samples.seed()
            yield samples
