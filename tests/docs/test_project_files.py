"""What GitHub and pre-commit read does the same as the Makefile."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
MAKE = re.compile(r"\bmake ([a-z-]+)")
# A part of the tests, which GitHub runs first so that most mistakes are told of within minutes.
EARLY = {"quick"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_the_workflow_runs_what_ci_runs() -> None:
    jobs = read(GITHUB / "workflows" / "ci.yml")["jobs"].values()
    commands = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    expected = set(MAKE.findall("\n".join(line for line in ci_lines() if line.startswith("make"))))
    assert expected >= {"coverage", "test-long", "check", "build"}
    assert {target for command in commands for target in MAKE.findall(command)} == expected | EARLY


def ci_lines() -> list[str]:
    return (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_folder_with_requirements_is_kept_up_to_date() -> None:
    [pip] = [
        update
        for update in read(GITHUB / "dependabot.yml")["updates"]
        if update["package-ecosystem"] == "pip"
    ]
    sources = [*ROOT.glob("*.in"), *(ROOT / "layers").glob("*/*.in")]
    folders = {f"/{path.parent.relative_to(ROOT)}".rstrip(".") for path in sources}
    assert set(pip["directories"]) == folders


def test_there_is_a_form_for_each_kind_of_issue() -> None:
    assert [path.stem for path in FORMS] == ["bug", "feature", "stuck_task"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_github_asks_for(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    identifiers = [field["id"] for field in fields]
    assert len(set(identifiers)) == len(identifiers)
    labels = [field["attributes"]["label"] for field in fields]
    assert len(set(labels)) == len(labels)


def test_hooks_run_the_tools_of_the_requirements() -> None:
    hooks = [
        hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]
    ]
    assert all(repo["repo"] == "local" for repo in read(ROOT / ".pre-commit-config.yaml")["repos"])
    for hook in hooks:
        tool, *_ = hook["entry"].split()
        assert (hook["language"], Path(tool).parent) == ("system", Path(".venv/bin")), hook["id"]


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    numbers = re.findall(r"^   (\d)\. [A-Z]", text, flags=re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 10)]
    assert "END OF TERMS AND CONDITIONS" in text
