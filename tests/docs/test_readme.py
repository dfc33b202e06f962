"""What the README says is true."""

import re
import subprocess
from pathlib import Path

import pytest

from sam_template.template import Template
from simulator.dials import read_dials
from tests.docs.documents import documents

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = documents()
PARAMETERS = Template().parameters
# Shown in other words than the template's.
IN_WORDS = {"ResultHosts": "Kie.ai's file hosts", "MaxResultBytes": "2 GiB"}


def settings_table() -> dict[str, str]:
    rows = re.findall(r"^\| (`[A-Z][A-Za-z0-9`, ]+`) \| ([^|]*)\|", README, re.MULTILINE)
    found = {}
    for names, default in rows:
        for name in re.findall(r"`(\w+)`", names):
            if name in PARAMETERS:
                found[name] = default.strip().strip("`")
    return found


def test_the_settings_are_the_templates() -> None:
    table = settings_table()
    assert table.keys() == PARAMETERS.keys()
    for name, shown in table.items():
        assert shown == IN_WORDS.get(name, str(PARAMETERS[name].get("Default", ""))), name


def test_the_settings_begin_with_the_three_that_matter_first() -> None:
    settings = README[README.index("### Settings") :]
    table = r"^\| .+ \| default \| \|\n\|---.*\n((?:\|.*\n)+)"
    first, *others = re.findall(table, settings, re.MULTILINE)
    assert len(first.splitlines()) == 3
    assert all(len(table.splitlines()) <= 9 for table in others)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_that_are_named_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]+)", path.read_text())) <= targets


def test_folders_of_the_layout_exist() -> None:
    layout = README[README.index("## Layout") :]
    for name in re.findall(r"^\| `([a-z_./]+)`", layout, re.MULTILINE):
        assert (ROOT / name).exists(), name


def test_dials_that_are_named_work() -> None:
    paragraph = README[README.index("The simulated Kie.ai") : README.index("| environment |")]
    dials = re.findall(r"`(\[[^\]]+\])`", paragraph)
    assert dials
    for dial in dials:
        assert read_dials(dial) != read_dials(""), dial


def test_every_target_says_what_it_does() -> None:
    listed = subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^{target}\s+\S", listed, re.MULTILINE), target
