"""The page about events shows true bodies, and examples that work."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kie_gateway.core.events.event_type import EventType
from kie_gateway.fetch.webhook_signature import sign_webhook
from kie_gateway.web.events.examples import event_examples

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text()
NPM = ROOT / "tools" / "api-document" / "node_modules"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SCRIPTS = {
    re.split(r"[ /:]+", block.splitlines()[0])[1]: block
    for block in re.findall(r"^```(?:js|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}


def bodies() -> Iterator[dict[str, Any]]:
    for block in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        body = json.loads(block)
        if "type" in body:
            yield body


def test_every_type_has_a_true_body() -> None:
    recorded = event_examples()
    assert sorted(body["type"] for body in bodies()) == sorted(EventType)
    for body in bodies():
        true = recorded[body["type"]]
        assert body.keys() == true.keys()
        assert body | {"data": {}} == true | {"data": {}}
        assert body["data"].items() <= Items(true["data"])


class Items:
    """The fields of an object, which may hold what cannot be hashed."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self._whole = whole

    def __ge__(self, some: Any) -> bool:
        return all(name in self._whole and self._whole[name] == value for name, value in some)


def test_every_type_is_in_the_table() -> None:
    assert re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", PAGE, re.MULTILINE) == [
        type_.value for type_ in EventType
    ]


def sent() -> tuple[str, dict[str, str]]:
    body = json.dumps(event_examples()["task.succeeded"], ensure_ascii=False)
    return body, sign_webhook([SECRET], "evt_1", datetime.now(UTC), body)


def test_python_verifies(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_text(SCRIPTS["verify.py"])
    body, headers = sent()
    program = (
        "import json, sys; from verify import event_of;"
        " secret, body, headers = json.load(sys.stdin);"
        " print(event_of(secret, body.encode(), headers)['type'])"
    )
    for secret, code in ((SECRET, 0), ("whsec_" + "A" * 32, 1)):
        run = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps([secret, body, headers]),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == code, run.stderr
    assert "WebhookVerificationError" in run.stderr


PROGRAM = """
import { POST } from "./next.mjs";
import { handler as supabase } from "./supabase.mjs";
import { handler as firebase } from "./firebase.mjs";
import { saved } from "./database.mjs";
const { secret, body, headers } = JSON.parse(await new Response(process.stdin).text());
process.env.KIE_WEBHOOK_SECRET = secret;
const request = (text) => new Request("http://app.test", { method: "POST", body: text, headers });
const answer = () => ({
  status(code) { this.code = code; return this; },
  end() { return this.code; },
});
const rows = [];
const table = { from: () => ({ upsert: async (row) => (rows.push(row), {}) }) };
const store = { doc: (path) => ({ set: async (row) => rows.push({ path, ...row }) }) };
const statuses = [];
for (const text of [body, body.replace("succeeded", "failed")]) {
  statuses.push((await POST(request(text))).status);
  statuses.push((await supabase(table, secret)(request(text))).status);
  statuses.push(await firebase(store, secret)({ rawBody: text, headers }, answer()));
}
console.log(JSON.stringify({ statuses, rows, saved: saved.length }));
"""
DATABASE = "export const saved = []; export const save = async (...row) => saved.push(row);"


def test_the_handlers_verify_and_save(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (NPM / "standardwebhooks").exists():
        if os.environ.get("CI"):
            pytest.fail("node or its packages are missing, and the handlers were not run")
        pytest.skip("there is no node, or npm's registry could not be reached")
    (tmp_path / "node_modules").symlink_to(NPM)
    scripts = {name: text for name, text in SCRIPTS.items() if name.endswith(".mjs")}
    for name, text in {**scripts, "database.mjs": DATABASE, "run.mjs": PROGRAM}.items():
        (tmp_path / name).write_text(text)
    body, headers = sent()
    run = subprocess.run(
        [node, "run.mjs"],
        input=json.dumps({"secret": SECRET, "body": body, "headers": headers}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["statuses"] == [204] * 3 + [401] * 3
    task = event_examples()["task.succeeded"]["data"]
    picture = task["outputs"][0]["permalink"]
    assert found["rows"] == [
        {
            "id": task["id"],
            "status": "succeeded",
            "picture": picture,
            "event": "evt_01kjd3x7h80000000000000000_5",
        },
        {"path": f"generations/{task['id']}", "status": "succeeded", "picture": picture},
    ]
    assert found["saved"] == 1
