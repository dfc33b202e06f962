"""The version is written in one place, and everything else says the same."""

import json
import re
import tomllib
from pathlib import Path

from kie_gateway.version import VERSION
from tests.docs.test_changelog import released_versions

ROOT = Path(__file__).parents[2]
SEMVER = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?"


def test_it_is_a_semantic_version() -> None:
    assert re.fullmatch(SEMVER, VERSION)


def test_the_project_file_refers_to_it() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in document["project"]
    assert document["project"]["dynamic"] == ["version"]
    attribute = document["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "kie_gateway.version.VERSION"


def test_the_api_document_has_it() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert document["info"]["version"] == VERSION


def test_the_newest_release_in_the_changelog_is_this_one() -> None:
    released = released_versions((ROOT / "CHANGELOG.md").read_text())
    assert released[:1] in ([], [VERSION])


def test_no_other_file_of_the_gateway_writes_it_down() -> None:
    sources = [*(ROOT / "layers" / "gateway").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    has_it = [path.name for path in sources if f'"{VERSION}"' in path.read_text()]
    assert has_it == ["version.py"]
