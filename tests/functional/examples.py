"""
Record the examples of the API's document: requests to a world, and what they were answered.

`python -m tests.functional.examples` writes them anew. Ids, times and addresses differ with each
run; they are replaced by ones that stay, so that only real changes show.
"""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import Scope
from kie_gateway.web import examples as module
from tests.functional.world import KEY, MODEL, OWNER, World
from tests.keys import issue_key

PATH = Path(module.__file__).with_name("examples.json")
ADMIN = "kg_admin"
PROMPT = "a red kite over a lake at dawn"
SHA256 = "1041d2d6aba131406653385b3d136b7e9e9cf007a8ef12dd83167d234e4fd5ae"
BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ID = re.compile(r"\b(task|batch|upload|key|we)_(?:[0-9a-z]{26}|\w*kg_\w+|of_tests)\b")
_DELIVERY = re.compile(r"\bdlv_[0-9a-z]{26}_\d{13}_[0-9a-z]{26}\b")
_EVENT = re.compile(r"\bevt_[0-9a-z]{26}\b")
_SIGNATURE = re.compile(r"\?X-Amz-[^\"]*")
_PERMALINK = re.compile(r"(/files/\w+/[\d-]+/)[\w-]{43}")
_POLICY = re.compile(r'("(?:policy|x-amz-\w+|signature|AWSAccessKeyId)": ")[^"]*"', re.IGNORECASE)

# What differs with every run whatever it is.
_STAND_INS = {
    "request_id": "5b3f0a1c-6d2e-4f70-8a91-2c4d6e8f0a1b",
    "next_cursor": "YWZ0ZXI6dGFza18wMWtqZDN4N2g4MDAwMDAwMDAwMDAwMDAwMA",
    "token": "eyJvIjoiMmJkODA2Yzk3ZjBl...IsImUiOjE3NzIzNjY0MDB9.4mR0...",
    "host": "abc123.appsync-api.us-east-1.amazonaws.com",
}

type Examples = dict[str, dict[str, Any]]


class Recorder:
    """
    Asks a world, and keeps what it was asked and what it answered.

    Attributes:
        found: By operation id: `request`, and answers by status; problems by the name of the
            response that they are described as.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: Examples = {}
        self._began = world.agenda.now()

    def ask(
        self, operation: str, method: str, path: str, body: Any = None, *, key: str = KEY
    ) -> Any:
        """Make a request that succeeds."""
        answer = self._send(method, path, body, key)
        assert answer.is_success, answer.text
        kept = self.found.setdefault(operation, {})
        if body is not None:
            kept["request"] = body
        if answer.content:
            kept[str(answer.status_code)] = answer.json()
        self.world.settle_down()
        return answer.json() if answer.content else None

    def refused(
        self, name: str, method: str, path: str, body: Any = None, *, key: str = KEY
    ) -> None:
        """Make a request that is refused."""
        answer = self._send(method, path, body, key)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        self.found.setdefault("problems", {})[name] = answer.json()

    def examples(self) -> Examples:
        """Give what was found, with ids, times and addresses that stay."""
        text = json.dumps(self.found)
        ids: dict[str, str] = {}

        def stays(found: re.Match[str]) -> str:
            kind = found[1]
            number = sum(one.startswith(kind) for one in ids)
            return ids.setdefault(found[0], f"{kind}_01kjd3x7h8{number:016d}")

        def moved(found: re.Match[str]) -> str:
            age = datetime.fromisoformat(found[0]) - self._began
            # Whoever was in another's way has paused for a moment; things last halves of a second.
            whole = timedelta(seconds=math.floor(age.total_seconds() + 0.25))
            return f"{BEGINNING + whole:%Y-%m-%dT%H:%M:%SZ}"

        text = _TIME.sub(moved, _ID.sub(stays, text))
        text = _SIGNATURE.sub("?X-Amz-Signature=...", text)
        text = _PERMALINK.sub(r"\1...", text)
        text = _POLICY.sub(r'\1..."', text)
        # Simulated pictures show the id of their task.
        text = re.sub(r'("bytes": |image/png, )\d+(?=, "sha256"| bytes)', r"\g<1>17236", text)
        text = re.sub(r'("sha256": ")\w{64}', rf"\g<1>{SHA256}", text)
        text = re.sub(r"kg_live_[\w-]+", "kg_live_...", text)
        text = re.sub(r"whsec_[\w+/]+=*", "whsec_...", text)
        event = f"01kjd3x7h8{77:016d}"
        text = _EVENT.sub(f"evt_{event}", text)
        text = _DELIVERY.sub(f"dlv_01kjd3x7h8{0:016d}_1772366400000_{event}", text)
        text = re.sub(r"http://[^/\"]*/[^/\"]*?(?=/outputs/)", "https://files.example", text)
        # What other owners read in the document must not look like somebody's own.
        text = text.replace(OWNER, "acme")
        text = text.replace(self.world.cloud.url, "https://gateway.example")
        cleaned: Examples = _cleaned(json.loads(text))
        return cleaned

    def _send(self, method: str, path: str, body: Any, key: str) -> httpx.Response:
        content = body if isinstance(body, str) or body is None else json.dumps(body)
        url, headers = f"{self.world.cloud.url}{path}", {"Authorization": f"Bearer {key}"}
        return httpx.request(method, url, content=content, headers=headers, timeout=20)


def _cleaned(node: Any, name: str = "") -> Any:
    """Replace what differs with every run and has no form of its own."""
    match node:
        case dict():
            return {inner: _cleaned(value, inner) for inner, value in node.items()}
        case list() if name == "channels":
            return [f"/tasks/2bd806c97f0e00af1a1fc3328fa763a9/1969168/task-01kjd3x7h8{0:016d}"]
        case list():
            return [_cleaned(value, name) for value in node]
        case str():
            return _cleaned_text(node, name)
    return node


def _cleaned_text(text: str, name: str) -> str:
    if name in ("task_id", "upstream_task_id") and re.fullmatch(r"\w{32}", text):
        return "6f1e2d3c4b5a69788796a5b4c3d2e1f0"
    if name == "id" and re.fullmatch(r"[0-9a-z]{26}-\d+", text):
        return "01kjd3x7h80000000000000000-0"
    if name == "month":
        return f"{BEGINNING:%Y-%m}"
    if name == "url" and text.startswith("http://127.0.0.1"):
        return "https://bucket.s3.us-east-1.amazonaws.com/"
    if name == "url" and text.startswith("ws://127.0.0.1"):
        return "wss://abc123.appsync-realtime-api.us-east-1.amazonaws.com/event/realtime"
    return _STAND_INS.get(name, text)


def make_admin(world: World) -> None:
    """Make the key `ADMIN`."""
    keys = KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])
    scopes, now = frozenset({Scope.ADMIN}), world.agenda.now()
    issue_key("root", "x", keys=keys, key_id="key_kg_admin", now=now, secret=ADMIN, scopes=scopes)


def record(world: World) -> Examples:
    """Go through the API, and return what was sent and answered."""
    make_admin(world)
    recorder = Recorder(world)
    _record_tasks(recorder)
    _record_batches(recorder)
    _record_files_and_models(recorder)
    _record_webhooks(recorder)
    _record_administration(recorder)
    _record_problems(recorder)
    return recorder.examples()


def _record_tasks(recorder: Recorder) -> None:
    world, wish = recorder.world, {"prompt": PROMPT, "aspect_ratio": "16:9"}
    body = {"model": MODEL, "input": wish, "metadata": {"order": "4711"}}
    task = recorder.ask("createTask", "POST", "/v1/tasks", body)
    canceled = recorder.world.create("another kite")
    recorder.ask("cancelTask", "POST", f"/v1/tasks/{canceled.task_id}/cancel")
    world.run()
    recorder.ask("getTask", "GET", f"/v1/tasks/{task['id']}")
    recorder.ask("refreshTask", "POST", f"/v1/tasks/{task['id']}/refresh")
    recorder.ask("listTaskEvents", "GET", f"/v1/tasks/{task['id']}/events")
    recorder.ask("listTasks", "GET", "/v1/tasks?status=succeeded&limit=1")
    recorder.ask("listOutputs", "GET", "/v1/outputs?media=image&limit=1")
    failing = world.create("[fail] a kite that Kie.ai does not make")
    world.run()
    recorder.ask("retryTask", "POST", f"/v1/tasks/{failing.task_id}/retry")
    world.run()
    upstream = world.http.get(f"/v1/tasks/{task['id']}").json()["upstream"]["task_id"]
    items = [
        {"model": MODEL, "upstream_task_id": upstream},
        {"model": MODEL, "url": "https://elsewhere.example/kite.png"},
    ]
    recorder.ask("importTasks", "POST", "/v1/tasks/import", {"items": items})


def _record_batches(recorder: Recorder) -> None:
    item = {"model": "bytedance/seedream", "input": {"prompt": PROMPT}}
    body = {"item": item, "count": 3, "seeds": [7, 8, 9]}
    batch = recorder.ask("createBatch", "POST", "/v1/batches", body)
    recorder.world.run()
    recorder.ask("getBatch", "GET", f"/v1/batches/{batch['id']}")
    recorder.ask("listBatches", "GET", "/v1/batches?limit=1")
    unwanted = recorder.world.http.post("/v1/batches", json={"item": item, "count": 2}).json()
    recorder.ask("cancelBatch", "POST", f"/v1/batches/{unwanted['id']}/cancel")
    recorder.world.run()


def _record_files_and_models(recorder: Recorder) -> None:
    file = {"content_type": "image/png", "bytes": 482113}
    recorder.ask("createUpload", "POST", "/v1/uploads", file)
    recorder.ask("listModels", "GET", "/v1/models?q=nano-banana-pro")
    recorder.ask("getModel", "GET", f"/v1/models/{MODEL}")
    recorder.ask("getRecipe", "GET", "/v1/recipes/extract-clothing")
    recorder.ask("getHealth", "GET", "/v1/health")
    recorder.ask("getRealtime", "GET", "/v1/realtime")
    task_id = recorder.found["createTask"]["202"]["id"]
    followed = {"tasks": [task_id], "ttl_seconds": 600}
    recorder.ask("createRealtimeToken", "POST", "/v1/realtime/tokens", followed)


def _record_webhooks(recorder: Recorder) -> None:
    endpoints = "/v1/webhook-endpoints"
    body = {
        "url": "https://app.example/hooks/kie",
        "events": ["task.succeeded", "task.failed", "task.expired"],
        "description": "orders",
    }
    made = recorder.ask("createWebhookEndpoint", "POST", endpoints, body)
    own = f"{endpoints}/{made['id']}"
    recorder.ask("listWebhookEndpoints", "GET", endpoints)
    recorder.ask("getWebhookEndpoint", "GET", own)
    recorder.ask("updateWebhookEndpoint", "PATCH", own, {"description": "orders and returns"})
    recorder.ask("rotateWebhookSecret", "POST", f"{own}/rotate-secret")
    delivery = recorder.ask("testWebhookEndpoint", "POST", f"{own}/test")
    recorder.ask("listDeliveries", "GET", f"{own}/deliveries?limit=1")
    recorder.ask("retryDelivery", "POST", f"/v1/deliveries/{delivery['id']}/retry")
    since = {"since": f"{recorder.world.agenda.now():%Y-%m-%dT%H:%M:%SZ}"}
    recorder.ask("recoverDeliveries", "POST", f"{own}/recover", since)
    recorder.ask("deleteWebhookEndpoint", "DELETE", own)


def _record_administration(recorder: Recorder) -> None:
    grant = {"owner": OWNER, "credits": 500, "reason": "invoice 2026-117"}
    recorder.ask("grantCredits", "POST", "/v1/credits/grant", grant, key=ADMIN)
    adjustment = {"owner": OWNER, "credits": -20, "reason": "granted twice"}
    recorder.ask("adjustCredits", "POST", "/v1/credits/adjust", adjustment, key=ADMIN)
    limits = {"owner": OWNER, "soft_budget": 300, "hard_budget": 400}
    recorder.ask("setCreditLimits", "PUT", "/v1/credits/limits", limits, key=ADMIN)
    recorder.ask("getCredits", "GET", "/v1/credits")
    recorder.ask("listLedgerEntries", "GET", "/v1/credits/ledger?limit=2")
    wish = {"owner": "bob", "name": "web shop", "expires_in_days": 90}
    key = recorder.ask("createKey", "POST", "/v1/keys", wish, key=ADMIN)
    recorder.ask("listKeys", "GET", "/v1/keys?owner=bob", key=ADMIN)
    recorder.ask("rotateKey", "POST", f"/v1/keys/{key['id']}/rotate", key=ADMIN)
    stop = {"reason": "Prices at Kie.ai are being checked."}
    recorder.ask("stopCreations", "POST", "/v1/creations/stop", stop, key=ADMIN)


def _record_problems(recorder: Recorder) -> None:
    world, body = recorder.world, {"model": MODEL, "input": {"prompt": PROMPT}}
    recorder.refused("ServiceUnavailable", "POST", "/v1/tasks", body)
    recorder.ask("resumeCreations", "DELETE", "/v1/creations/stop", key=ADMIN)
    recorder.refused("BadRequest", "POST", "/v1/tasks", '{"model": "google/nano-banana",')
    recorder.refused("Unauthorized", "GET", "/v1/tasks", key="kg_unknown")
    recorder.refused("Forbidden", "GET", "/v1/keys")
    recorder.refused("NotFound", "GET", "/v1/tasks/task_01kjd3x7h8000000000000000z")
    done = world.newest_task().task_id
    recorder.refused("Conflict", "POST", f"/v1/tasks/{done}/cancel")
    recorder.refused("ContentTooLarge", "POST", "/v1/tasks", json.dumps({"input": "x" * 300_000}))
    wrong = {"model": MODEL, "input": {"prompt": PROMPT, "aspect_ratio": "17:9"}}
    recorder.refused("UnprocessableContent", "POST", "/v1/tasks", wrong)
    short = {"owner": OWNER, "hard_budget": 0}
    httpx.put(
        f"{world.cloud.url}/v1/credits/limits",
        json=short,
        headers={"Authorization": f"Bearer {ADMIN}"},
    )
    recorder.refused("PaymentRequired", "POST", "/v1/tasks", body)
    with limited(world):
        httpx.get(f"{world.cloud.url}/v1/tasks", headers={"Authorization": f"Bearer {KEY}"})
        recorder.refused("TooManyRequests", "GET", "/v1/tasks")


@contextmanager
def limited(world: World) -> Iterator[None]:
    """Let owners send one request a minute."""
    app = world.functions.app("ApiFunction").app
    before = app.use_cases
    authenticate = replace(before.authenticate, requests_per_minute=1)
    app.use_cases = replace(before, authenticate=authenticate)
    yield
    app.use_cases = before


if __name__ == "__main__":
    with World() as whole_world:
        PATH.write_text(json.dumps(record(whole_world), indent=1, ensure_ascii=False) + "\n")
