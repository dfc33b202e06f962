"""What happens is told to receivers that misbehave, on the running gateway."""

import json
import os
import random
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.receiver import Got, Receiver, Said, receiving
from tests.running.driver import create, happened
from tests.running.gateway import Gateway
from tests.running.test_restart import dying, eventually

NPM = Path(__file__).parents[2] / "tools" / "api-document" / "node_modules"
LIFE = ["task.running", "task.storing", "task.succeeded"]
# More tries than misfortune can use up.
RETRIES = ",".join(["1"] * 5 + ["2"] * 20)
TASKS, END_SECONDS = 200, 900
# Whether each signature is right, and whether the library verifies those that have just come.
VERIFIER = """
import { Webhook } from "standardwebhooks";
const { secret, got } = JSON.parse(await new Response(process.stdin).text());
const webhook = new Webhook(secret);
let signed = 0;
let verified = 0;
for (const { body, headers } of got) {
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
  const own = webhook.sign(headers["webhook-id"], at, body);
  signed += headers["webhook-signature"].split(" ").includes(own);
}
for (const { body, headers } of got.slice(-20)) {
  verified += webhook.verify(body, headers).type.startsWith("task.");
}
console.log(JSON.stringify({ signed, verified }));
"""


@contextmanager
def telling(folder: Path, receiver: Receiver) -> Iterator[Gateway]:
    parameters = f"WebhookHosts={receiver.place} WebhookRetrySeconds={RETRIES}"
    gateway = Gateway(folder, f"{parameters} FirstPollSeconds=3 PollCapSeconds=2")
    with gateway.started():
        yield gateway


def new_endpoint(gateway: Gateway, url: str) -> dict[str, Any]:
    answer = gateway.http.post("/v1/webhook-endpoints", json={"url": url})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def by_task(got: list[Got]) -> dict[str, list[str]]:
    """Give the types of each task's events, each once, in the order in which they first came."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in got:
        found[one.event["data"]["id"]].setdefault(one.event["id"], one.event["type"])
    return {task: list(events.values()) for task, events in found.items()}


def assert_all_told(got: list[Got], tasks: list[str]) -> None:
    assert by_task(got) == dict.fromkeys(tasks, LIFE)


def test_a_receiver_that_fails_at_first_gets_everything_in_order(tmp_path: Path) -> None:
    with receiving() as receiver, telling(tmp_path, receiver) as gateway:
        seen: set[str] = set()

        def answer(_: str, event: dict[str, Any]) -> Said:
            is_new = event["id"] not in seen
            seen.add(event["id"])
            return Said(500 if is_new and event["type"] == "task.running" else 204)

        receiver.answer = answer
        secret = new_endpoint(gateway, f"{receiver.url}/hook")["secret"]
        tasks = [create(gateway.http, f"a kite {number}")["id"] for number in range(3)]
        eventually(lambda: len(by_task(receiver.taken())) == 3, 60)
        eventually(lambda: all(one == LIFE for one in by_task(receiver.taken()).values()), 60)
        assert_all_told(receiver.taken(), tasks)
        assert all(one.is_verified_by(secret) for one in receiver.got)


class Trouble:
    """Answers at random in every way that receivers do, by a seed."""

    def __init__(self) -> None:
        self._dice = random.Random(7)

    def __call__(self, path: str, event: dict[str, Any]) -> Said:
        if path == "/gone":
            return Said(410 if self._dice.random() < 0.1 else 204)
        if path == "/dead":
            return Said(204, wait_seconds=20)
        luck = self._dice.random()
        if luck < 0.6:
            return Said()
        if luck < 0.7:
            return Said(self._dice.choice([400, 404, 500, 502]))
        if luck < 0.8:
            return Said(307, {"Location": "http://127.0.0.1:9/elsewhere"})
        if luck < 0.9:
            return Said(429, {"Retry-After": "2"})
        return Said(200, wait_seconds=1 if luck < 0.997 else 20)


@pytest.mark.long
def test_two_hundred_tasks_are_told_whatever_receivers_do_and_whoever_is_killed(
    tmp_path: Path,
) -> None:
    with receiving() as receiver, telling(tmp_path, receiver) as gateway:
        receiver.answer = Trouble()
        secret = new_endpoint(gateway, f"{receiver.url}/hook")["secret"]
        new_endpoint(gateway, f"{receiver.url}/gone")
        new_endpoint(gateway, f"{receiver.url}/dead")
        with dying(gateway, "EventsFunction", "DeliverFunction", every_seconds=15):
            tasks = created(gateway)
            # Most of what there is to be lost is under way.
            eventually(lambda: len(receiver.taken("/hook")) > TASKS // 4, END_SECONDS)
        eventually(lambda: is_told(receiver, tasks), END_SECONDS)
        told = by_task(receiver.taken("/hook"))
        # The other endpoint's end is told here as well.
        assert {task: told[task] for task in tasks} == {
            task: lived(gateway, task) for task in tasks
        }
        last = [one for one in receiver.got if one.path == "/hook"][-20:]
        assert all(one.is_verified_by(secret) for one in last)
        assert all(one.is_signed_by(secret) for one in receiver.got if one.path == "/hook")
        assert_gone_was_final(receiver)
        verify_by_node(tmp_path, secret, [one for one in receiver.got if one.path == "/hook"])


def created(gateway: Gateway) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        prompts = [f"a kite {number}" for number in range(TASKS)]
        return [one["id"] for one in pool.map(lambda one: tried(gateway, one), prompts)]


def tried(gateway: Gateway, prompt: str) -> dict[str, Any]:
    """Create a task, again if the gateway asks for that."""
    headers = {"Idempotency-Key": prompt.replace(" ", "-")}
    body = {"model": "google/nano-banana", "input": {"prompt": prompt}}
    while True:
        try:
            answer = gateway.http.post("/v1/tasks", json=body, headers=headers)
        except httpx.TransportError:
            continue
        if answer.status_code == 202:
            found: dict[str, Any] = answer.json()
            return found
        assert answer.status_code in (429, 500, 503), answer.text


def is_told(receiver: Receiver, tasks: list[str]) -> bool:
    told = by_task(receiver.taken("/hook"))
    return all(LIFE[-1] in told.get(task, ()) for task in tasks)


def lived(gateway: Gateway, task: str) -> list[str]:
    """Give what a task went through: one whose webhook came first was never seen to run."""
    return LIFE if "submitted" in happened(gateway.http, task) else LIFE[1:]


def assert_gone_was_final(receiver: Receiver) -> None:
    """Only what was under way when it was said may have come afterwards."""
    answers = [one.answered for one in receiver.got if one.path == "/gone"]
    first = answers.index(410)
    assert len(answers) - first <= 20


def verify_by_node(folder: Path, secret: str, got: list[Got]) -> None:
    """Let the library's npm twin verify."""
    node = shutil.which("node")
    if node is None or not (NPM / "standardwebhooks").exists():
        assert not os.environ.get("CI"), "node or its packages are missing"
        return
    (folder / "node_modules").symlink_to(NPM)
    (folder / "verify.mjs").write_text(VERIFIER)
    sent = [{"body": one.body.decode(), "headers": dict(one.headers)} for one in got]
    run = subprocess.run(
        [node, "verify.mjs"],
        input=json.dumps({"secret": secret, "got": sent}),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"signed": len(got), "verified": min(len(got), 20)}
