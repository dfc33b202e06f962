"""What the checklist of a first deploy names exists."""

import re
from pathlib import Path

from sam_template.template import Template
from tests.docs.test_operations import STATES

ROOT = Path(__file__).parents[2]
CHECKLIST = (ROOT / "docs" / "aws-checklist.md").read_text()


def test_names_in_it_exist() -> None:
    template = Template()
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", CHECKLIST))
    known = STATES.keys() | template.document["Resources"].keys() | template.parameters.keys()
    known |= template.document["Outputs"].keys()
    # Metrics of AWS.
    known |= {"ConcurrentExecutions", "TransactionConflict"}
    folders = (ROOT / "layers" / "gateway", ROOT / "functions")
    code = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    assert [name for name in named - known if f'"{name}"' not in code] == []


def test_commands_in_it_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"`make ([a-z-]+)", CHECKLIST)
    assert targets
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_switches_in_it_are_read() -> None:
    settings = (ROOT / "dev" / "settings.py").read_text()
    for name in re.findall(r"`(GATEWAY_[A-Z]+)`", CHECKLIST):
        assert f'"{name}"' in settings
