"""A whole world in one process: the template's stack in moto, the handlers, and Kie.ai."""

import io
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Self

import httpx
import pytest
from moto.dynamodb.models import dynamodb_backends

from dev import seams
from dev.cloud import LocalCloud
from dev.front import Front
from dev.logs import Log
from kie_gateway.aws.key_table import KeyTable
from kie_gateway.aws.table_keys import submit_queue_key
from sam_template.template import Template
from simulator.server import KieSimulator
from tests.functional.agenda import Agenda
from tests.functional.executions import Executions
from tests.functional.functions import FUNCTIONS, OUTGOING, Functions, KieConnection
from tests.functional.messages import Messages
from tests.functional.outgoing import Outgoing
from tests.functional.story import Story
from tests.keys import issue_key

KEY = "kg_test_alice"
OWNER = "alice"
HMAC_KEY = "webhook-key-of-the-tests"
MODEL = "google/nano-banana"
# On this machine something has broken when a step takes so long.
PATIENCE_SECONDS = 120.0
# The simulated Kie.ai's callers hang up after so long, unless they say otherwise.
CALLERS_PATIENCE_SECONDS = 20.0
MOST_MOMENTS = 1000


class World:
    """
    Everything there is, on one clock that stands still unless a test lets time pass.

    It runs in moments: go to the next one at which something is due, and wait until everybody has
    come to rest again. Nobody waits for real, and what happens at one moment happens in threads.

    Attributes:
        agenda: The clock, and what is planned.
        functions: The template's functions, and what they have asked for.
        executions: The machine's executions.
        http: A caller of the API.
        create_limit: Creations that Kie.ai takes in ten seconds; 0 for any number.
        parameters: Of the template, beside those that every world sets.
    """

    def __init__(
        self,
        *,
        create_limit: int = 0,
        region: str = seams.REGION,
        tells: bool = False,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self._create_limit = create_limit
        self._parameters = dict(parameters or {})
        self._region = region
        self.agenda = Agenda()
        self.functions = Functions(self.agenda, (*FUNCTIONS, *OUTGOING) if tells else FUNCTIONS)
        self._tells = tells
        self.executions = Executions(self.agenda)
        self._exit = ExitStack()

    # beginning and end

    def __enter__(self) -> Self:
        with ExitStack() as started:
            patch = started.enter_context(pytest.MonkeyPatch.context())
            self.kie = started.enter_context(self._kie(patch))
            self.cloud = started.enter_context(self._cloud())
            started.callback(self.executions.wake_all)
            started.callback(seams.stop_executions)
            started.enter_context(seams.waits(self.executions.wait))
            started.enter_context(seams.retry_pauses(self.executions.pause))
            started.callback(self.functions.close)
            sleeps = {"WatchFunction": self.executions.sleep}
            self.functions.load(self.cloud, patch, sleeps)
            self._add_key()
            headers = {"Authorization": f"Bearer {KEY}"}
            self.http = started.enter_context(
                httpx.Client(base_url=self.cloud.url, headers=headers, timeout=PATIENCE_SECONDS)
            )
            self.messages = Messages(self.cloud, self.agenda)
            self.outgoing = Outgoing(self.cloud, self.agenda)
            self.sfn: Any = self.cloud.client("stepfunctions")
            self.s3: Any = self.cloud.client("s3")
            self.dynamodb: Any = self.cloud.client("dynamodb")
            self._exit = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def start_afresh(self) -> None:
        """Forget whatever the last test left unfinished."""
        seams.stop_executions()
        self.executions.wake_all()
        self.agenda.start_afresh()
        self.messages.forget()
        self.settle_down()
        self.messages.take_dead_letters()
        self._forget_times()
        self._empty_submit_queue()
        httpx.post(f"{self.kie.base_url}/sim/reset")
        self.functions.calls.clear()
        for line in self.functions.lines.values():
            line.delays.clear()
        self.executions.pauses.clear()

    def _kie(self, patch: pytest.MonkeyPatch) -> KieSimulator:
        """Make a simulated Kie.ai that lives by our clock."""
        patch.setattr("simulator.service.Schedule", lambda: self.agenda)
        clock = SimpleNamespace(**{**vars(time), "time": self.agenda.time, "sleep": self._pass})
        for name, module in list(sys.modules.items()):
            if name.startswith("simulator.") and vars(module).get("time") is time:
                patch.setattr(module, "time", clock)
        return KieSimulator(port=0, create_limit=self._create_limit, webhook_hmac_key=HMAC_KEY)

    def _pass(self, seconds: float) -> None:
        self.agenda.sleep(
            min(seconds, max(KieConnection.patience, default=CALLERS_PATIENCE_SECONDS))
        )

    def _cloud(self) -> LocalCloud:
        log = Log(io.StringIO())
        front, template = Front(0, log), Template()
        hosts = template.parameters["ResultHosts"]["Default"]
        values = {
            "KieBaseUrl": self.kie.base_url,
            "KieUploadBaseUrl": self.kie.base_url,
            "PublicBaseUrl": front.url,
            "ResultHosts": f"{hosts},{self.kie.base_url.removeprefix('http://')}",
            # Tests that are about limits set their own.
            "RequestsPerMinute": "0",
            "TasksAtOnce": "0",
            "LiveUpdates": "true",
            **self._parameters,
        }
        handlers = self.functions.handlers()
        keys = {"api_key": "test", "webhook_hmac_key": HMAC_KEY}
        return LocalCloud(
            template,
            values,
            kie_keys=keys,
            functions=handlers,
            front=front,
            log=log,
            poll_queues=False,
            region=self._region,
            clock=self.agenda.time,
        )

    def _add_key(self) -> None:
        keys = KeyTable(self.cloud.client("dynamodb"), self.cloud.resources["TaskTable"])
        now = self.agenda.now()
        issue_key(OWNER, "tests", keys=keys, key_id="key_of_tests", now=now, secret=KEY)

    def _forget_times(self) -> None:
        """Forget what would make a test's schedule depend on those before it."""
        for item in self._items():
            if item.hash_key.value.startswith("MODEL#"):
                self.dynamodb.delete_item(**self._place(item))
        self.functions.forget_times()

    def _empty_submit_queue(self) -> None:
        """Forget that Kie.ai refused creations, and who waits for their turn."""
        table = self.cloud.resources["TaskTable"]
        self.dynamodb.delete_item(TableName=table, Key=submit_queue_key())
        for item in self._items():
            if "submit_queue" in item.attrs and item.range_key.value == "TASK":
                change = "REMOVE submit_queue"
                self.dynamodb.update_item(**self._place(item), UpdateExpression=change)

    def _items(self) -> list[Any]:
        """List the table's items as moto has them, which takes no time; a scan does."""
        tables = dynamodb_backends[seams.ACCOUNT][self.cloud.region].tables
        rows = tables[self.cloud.resources["TaskTable"]].items
        return [item for items in rows.values() for item in items.values()]

    def _place(self, item: Any) -> dict[str, Any]:
        key = {"pk": {"S": item.hash_key.value}, "sk": {"S": item.range_key.value}}
        return {"TableName": self.cloud.resources["TaskTable"], "Key": key}

    # what tests do and look at

    def gateway(self, function: str) -> Any:
        """Give the collaborators of a function, such as `ApiFunction`."""
        return self.functions.gateway(function)

    def create(self, prompt: str, **more: Any) -> Story:
        """Create a task over HTTP; `more` are further fields of the body."""
        created_at = self.agenda.time()
        body = {"model": MODEL, "input": {"prompt": prompt}, **more}
        answer = self.http.post("/v1/tasks", json=body)
        assert answer.status_code == 202, answer.text
        self.settle_down()
        return Story(self, answer.json()["id"], created_at)

    def newest_task(self) -> Story:
        """Find the last task that was recorded, answered or not."""
        [newest] = self.http.get("/v1/tasks", params={"limit": 1}).json()["data"]
        created_at = datetime.fromisoformat(newest["created_at"]).timestamp()
        return Story(self, newest["id"], created_at)

    def creations(self) -> list[dict[str, Any]]:
        """List the creations that Kie.ai was asked for."""
        listed: list[dict[str, Any]] = httpx.get(f"{self.kie.base_url}/sim/creations").json()
        return listed

    def objects(self, prefix: str) -> list[str]:
        """List the keys in the bucket."""
        bucket = self.cloud.resources["AssetBucket"]
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def record_key(self, task: Story) -> dict[str, Any]:
        """Name the place of a task's record, for calls of DynamoDB."""
        key = {"pk": {"S": f"TASK#{task.task_id}"}, "sk": {"S": "TASK"}}
        return {"TableName": self.cloud.resources["TaskTable"], "Key": key}

    # time

    def run(self) -> None:
        """Let time pass until nothing is left that could still happen."""
        # Whoever has just begun may not have said yet what it waits for.
        self.settle_down()
        moments = 0
        while self.go_on():
            moments += 1
            assert moments < MOST_MOMENTS, "this would never end"

    def run_for(self, seconds: float) -> None:
        """Let some time pass."""
        over = threading.Event()
        self.agenda.at(self.agenda.time() + seconds, over.set)
        while not over.is_set():
            self.go_on()

    def go_on(self) -> bool:
        """Go to the next moment at which something happens; False if nothing is left to happen."""
        begun = self.agenda.go_on()
        self.settle_down()
        return begun

    def settle_down(self) -> None:
        """Wait until nothing more happens unless time passes."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._is_moving() or self.messages.deliver() or self._is_telling():
            assert time.monotonic() < until, "the world does not come to rest"

    def _is_telling(self) -> bool:
        return self._tells and self.outgoing.work()

    def _is_moving(self) -> bool:
        moving = self.executions.are_awake() or self.agenda.is_busy()
        if moving:
            time.sleep(0.0005)
        return moving
