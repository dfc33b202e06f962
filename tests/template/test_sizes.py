"""Files and functions stay short enough to be read in one go."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
FILES = [
    path
    for path in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if not path.startswith("tests/") and (ROOT / path).exists()
]


def functions(path: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", FILES)
def test_files_and_functions_are_short(path: str) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= MOST_LINES_OF_A_FILE
    too_long = {name: lines for name, lines in functions(path) if lines > MOST_LINES_OF_A_FUNCTION}
    assert too_long == {}
