"""Every file and folder that a document names is there."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from kie_gateway.core.files.bucket_keys import OF_OWNERS, RAW
from tests.docs.documents import ROOT, documents

PACKAGE = ROOT / "layers" / "gateway" / "python" / "kie_gateway"
# The changelog is history: what it names may have moved since. The guide describes the layout of
# `web` by resource.
UNCHECKED = {ROOT / "CHANGELOG.md", ROOT / "docs" / "adding-a-route.md"}
# Made on each machine, and kept out of git.
MADE = {"deploy.toml", ".venv", ".venv-sam", ".dev", ".aws-sam"}
# Keys in the bucket look like paths, and are none.
BUCKET_FOLDERS = {*OF_OWNERS, *RAW}
WORD = re.compile(r"`([\w.<>*{},/-]+)`")
SUFFIX = re.compile(r"[^/]\.(?:asl\.json|csv|in|json|md|py|toml|txt|yaml|yml)$")


def named_paths(text: str, bases: tuple[Path, ...]) -> Iterator[str]:
    """
    What stands in backticks and looks like a path of the repository.

    That is a file by its suffix, or anything below a folder of one of the bases. Model ids, routes,
    media types and keys in the bucket are neither.
    """
    prose = re.sub(r"^\s*```.*?^\s*```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for word in WORD.findall(prose):
        first, slash, _ = word.partition("/")
        if first in BUCKET_FOLDERS:
            continue
        is_below = slash and first and any((base / first).is_dir() for base in bases)
        if is_below or (first and any(map(SUFFIX.search, patterns(word)))):
            yield word


def patterns(path: str) -> Iterator[str]:
    """Write a path as globs: `<placeholder>` stands for any name, `{a,b}` for each of two."""
    parts = re.split(r"\{([^}]*)\}", re.sub(r"<[^>]*>", "*", path.rstrip("/")))
    choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
    yield from ("".join(chosen) for chosen in product(*choices))


def missing(document: Path, text: str) -> list[str]:
    """Name the paths in a document that lead nowhere, from the root, our package, or its folder."""
    bases = (ROOT, PACKAGE, document.parent)
    return [
        path
        for path in dict.fromkeys(named_paths(text, bases))
        if path.split("/")[0] not in MADE
        and not all(
            any(next(base.glob(pattern), None) for base in bases) for pattern in patterns(path)
        )
    ]


@pytest.mark.parametrize(
    "document",
    [path for path in documents() if path not in UNCHECKED],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_paths_that_are_named_exist(document: Path) -> None:
    assert missing(document, document.read_text()) == []


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("`docs/nowhere.md` and `template.yaml`", ["docs/nowhere.md"]),
        ("`kie/families/<family>.py` and `kie/<family>/nothing.py`", ["kie/<family>/nothing.py"]),
        ("`layers/*/requirements.in` and `layers/*/setup.cfg`", ["layers/*/setup.cfg"]),
        (
            "`requirements-dev.{in,txt}` and `requirements-dev.{in,lock.txt}`",
            ["requirements-dev.{in,lock.txt}"],
        ),
        ("`tests/unit/` and `tests/none/`", ["tests/none/"]),
        ("`google/nano-banana`, `image/png`, `/v1/tasks`, `inputs/`, `v1.2`, `a.b()`", []),
        ("`deploy.toml` and `.venv/bin/ruff`", []),
        ("`inputs/<owner>/<task>/input.json`", []),
    ],
)
def test_a_path_that_leads_nowhere_is_found_out(text: str, gone: list[str]) -> None:
    assert missing(ROOT / "README.md", text) == gone
