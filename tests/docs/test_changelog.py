"""The changelog keeps to its form: Keep a Changelog, with one section for each release."""

import itertools
import re
from datetime import date
from pathlib import Path

import pytest

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
HEADINGS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
RELEASE = re.compile(r"(\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})")
HEADER = "# Changelog\n\nWords.\n\n"


def released_versions(text: str) -> list[str]:
    """The versions of the release sections, as they stand in the file."""
    return [match[1] for title, _ in sections(text) if (match := RELEASE.fullmatch(title))]


def sections(text: str, level: str = "## ") -> list[tuple[str, str]]:
    """Every section of a level, as its title and its body."""
    parts = re.split(rf"^{level}(.+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def faults(text: str) -> list[str]:
    """What is wrong with a changelog, in words."""
    titles = [title for title, _ in sections(text)]
    found = [] if titles[:1] == ["Unreleased"] else ["the first section is not Unreleased"]
    releases = [RELEASE.fullmatch(title) for title in titles[1:]]
    found += [f"{title!r} is no release" for title in titles[1:] if not RELEASE.fullmatch(title)]
    known = [match for match in releases if match]
    for newer, older in itertools.pairwise(known):
        if number(newer[1]) <= number(older[1]) or newer[2] < older[2]:
            found.append(f"{newer[1]} stands before {older[1]}")
    found += [f"{match[2]} is no date" for match in known if not is_date(match[2])]
    for title, body in sections(text):
        found += faults_of_section(title, body)
    return found


def faults_of_section(title: str, body: str) -> list[str]:
    parts = sections(body, "### ")
    headings = [heading for heading, _ in parts]
    found = [f"{title}: {one!r} is no heading" for one in headings if one not in HEADINGS]
    if not found and headings != sorted(set(headings), key=HEADINGS.index):
        found.append(f"{title}: headings repeated or out of order")
    if not parts and title != "Unreleased":
        found.append(f"{title}: says nothing")
    for heading, entries in parts:
        lines = entries.strip().splitlines()
        if not lines or any(not line.startswith(("- ", "  ")) for line in lines):
            found.append(f"{title}, {heading}: not a list")
    return found


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_it_keeps_to_its_form() -> None:
    assert faults(CHANGELOG) == []


def test_a_release_has_a_section_of_its_own() -> None:
    text = (
        f"{HEADER}## Unreleased\n\n"
        "## 0.2.0 - 2027-01-31\n\n### Added\n\n- More.\n  Much more.\n\n### Fixed\n\n- Less.\n\n"
        "## 0.1.0 - 2026-12-24\n\n### Added\n\n- All.\n"
    )
    assert (faults(text), released_versions(text)) == ([], ["0.2.0", "0.1.0"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("## 0.1.0 - 2026-12-24\n\n### Added\n\n- All.\n", "the first section is not Unreleased"),
        ("## Unreleased\n\n### Improved\n\n- All.\n", "Unreleased: 'Improved' is no heading"),
        (
            "## Unreleased\n\n### Fixed\n\n- A.\n\n### Added\n\n- B.\n",
            "Unreleased: headings repeated or out of order",
        ),
        (
            "## Unreleased\n\n### Added\n\n- A.\n\n### Added\n\n- B.\n",
            "Unreleased: headings repeated or out of order",
        ),
        ("## Unreleased\n\n### Added\n\nWords.\n", "Unreleased, Added: not a list"),
        ("## Unreleased\n\n### Added\n\n", "Unreleased, Added: not a list"),
        ("## Unreleased\n\n## v1 - today\n\n### Added\n\n- A.\n", "'v1 - today' is no release"),
        ("## Unreleased\n\n## 0.1.0 - 2026-12-24\n\n", "0.1.0 - 2026-12-24: says nothing"),
        (
            "## Unreleased\n\n## 0.1.0 - 2026-13-24\n\n### Added\n\n- A.\n",
            "2026-13-24 is no date",
        ),
        (
            "## Unreleased\n\n## 0.9.0 - 2027-01-31\n\n### Fixed\n\n- A.\n\n## 0.10.0 - 2026-12-24",
            "0.9.0 stands before 0.10.0",
        ),
    ],
)
def test_other_forms_are_found_out(text: str, fault: str) -> None:
    assert fault in faults(HEADER + text)
