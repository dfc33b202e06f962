"""Pins, and the import rules that import-linter cannot express; its contracts: pyproject.toml."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ROOT / "layers" / "gateway" / "python" / "kie_gateway"
PINS = [
    ROOT / "requirements-dev.txt",
    ROOT / "requirements-sam.txt",
    ROOT / "layers" / "deps" / "requirements.txt",
    ROOT / "layers" / "imaging" / "requirements.txt",
]
STDLIB_ONLY = ("core", "flows")
# Function: what it has no use for, and therefore does not wait for at a cold start.
LIGHT = {
    "callback": {"httpx", "jwt", "PIL", "kie_gateway.catalogue.catalogue", "kie_gateway.fetch"},
    "realtime_authorizer": {
        *("httpx", "jwt", "PIL", "cryptography", "kie_gateway.core.task"),
        *("kie_gateway.fetch", "kie_gateway.kie", "kie_gateway.catalogue"),
    },
    "thumbnail": {"httpx", "jwt", "kie_gateway.core.task", "kie_gateway.fetch", "kie_gateway.kie"},
}


def imports(path: Path) -> Iterator[str]:
    """Name what a module imports when it runs; what is for types only does not count."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("package", STDLIB_ONLY)
def test_rules_and_flows_know_no_library(package: str) -> None:
    for path in (CODE / package).rglob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            assert top == "kie_gateway" or top in sys.stdlib_module_names, f"{path.name}: {name}"


@pytest.mark.parametrize("function", LIGHT)
def test_functions_start_with_what_they_use(function: str) -> None:
    code = f"import sys, kie_gateway.wiring.{function}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(CODE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not LIGHT[function] & set(run.stdout.split())


def test_functions_make_one_gateway() -> None:
    """And none of another function: each imports its own wiring only."""
    for path in sorted((ROOT / "functions").glob("*/app.py")):
        wired = {name for name in imports(path) if name.startswith("kie_gateway.wiring")}
        own = f"kie_gateway.wiring.{path.parent.name}"
        assert wired == {own, "kie_gateway.wiring.start"}


@pytest.mark.parametrize("path", PINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pins_are_exact_hashed_and_name_no_index(path: Path) -> None:
    text = path.read_text()
    assert "--index-url" not in text
    assert "://" not in text
    blocks = re.split(r"\n(?=[a-z])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    packages = [block for block in blocks if re.match(r"[a-zA-Z]", block)]
    assert packages
    for block in packages:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def pins(path: Path) -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9._-]+==[^\s\\]+)", path.read_text(), re.MULTILINE))


def test_what_is_deployed_is_what_is_tested() -> None:
    assert pins(PINS[2]) | pins(PINS[3]) <= pins(PINS[0])
