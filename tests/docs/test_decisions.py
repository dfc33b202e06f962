"""Every decision is in the index, with its title and its date."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
ROW = re.compile(
    r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (\d{4}-\d{2}-\d{2}) \| (\S.*) \|$", re.MULTILINE
)
# The title, and the date that the first paragraph starts with.
START = re.compile(r"# (\d+)\. (.+)\n\n(\d{4}-\d{2}-\d{2})\. ")


def test_the_index_lists_them_as_they_are() -> None:
    index = [row[:4] for row in ROW.findall((FOLDER / "README.md").read_text())]
    expected = []
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        start = START.match(path.read_text())
        assert start, path.name
        number, title, date = start.groups()
        assert path.name.startswith(f"{int(number):04}-")
        expected.append((number, title, path.name, date))
    assert index == expected


def test_every_file_is_a_decision_or_the_index() -> None:
    others = [path.name for path in FOLDER.iterdir() if not re.match(r"\d{4}-", path.name)]
    assert others == ["README.md"]


def test_numbers_follow_each_other() -> None:
    numbers = [int(path.name[:4]) for path in sorted(FOLDER.glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
