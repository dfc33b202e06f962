"""The API's document is the one that the routes write."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
OPEN = {"/docs", "/problems/{code}", "/v1/health", "/v1/openapi.json"}


def test_it_is_up_to_date() -> None:
    written = subprocess.run(
        [
            sys.executable,
            "-c",
            "from scripts.write_openapi import openapi_json; print(openapi_json())",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"layers/gateway/python:{ROOT}"},
    ).stdout
    assert json.loads(written) == DOCUMENT, "run `make openapi`"


def test_every_call_of_the_contract_is_there() -> None:
    paths = DOCUMENT["paths"]
    calls = {(method, path) for path, one in paths.items() for method in one}
    task = "/v1/tasks/{task_id}"
    assert calls >= {
        ("post", "/v1/tasks"),
        ("get", "/v1/tasks"),
        ("get", task),
        ("delete", task),
        ("post", f"{task}/refresh"),
        ("post", f"{task}/cancel"),
        ("post", f"{task}/retry"),
        ("get", f"{task}/events"),
        ("get", f"{task}/outputs/{{index}}/content"),
        ("post", "/v1/tasks/import"),
        ("post", "/v1/uploads"),
        ("get", "/v1/outputs"),
        ("get", "/v1/models"),
        ("get", "/v1/health"),
    }


def test_every_call_says_what_it_does_and_how_it_fails() -> None:
    for path, one in DOCUMENT["paths"].items():
        for method, call in one.items():
            assert call.get("description") or call.get("summary"), (method, path)
            if path not in OPEN:
                assert "401" in call["responses"], (method, path)


def test_names_that_are_referred_to_are_defined() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= DOCUMENT["components"]["schemas"].keys()
