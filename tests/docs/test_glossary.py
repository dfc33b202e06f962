"""The glossary explains words that are in use, and readers find it."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, documents

GLOSSARY = ROOT / "docs" / "glossary.md"
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS: list[tuple[str, str, str]] = ROW.findall(GLOSSARY.read_text())


def spelled(word: str) -> str:
    """Return a word without spaces, hyphens and underscores, as code may spell it."""
    return re.sub(r"[\s_-]+", "", word).lower()


def texts() -> str:
    """Return everything but the glossary: code, and what people read."""
    folders = (ROOT / "layers" / "gateway", ROOT / "functions", ROOT / "simulator")
    files = [path for folder in folders for path in folder.rglob("*.py")]
    read: list[Path] = [*files, *(path for path in documents() if path != GLOSSARY)]
    return spelled("".join(path.read_text() for path in read))


def test_there_are_enough_words_and_no_word_twice() -> None:
    words = [word for word, _, _ in ROWS]
    assert len(words) >= 25
    assert len(set(words)) == len(words)


def test_every_word_in_bold_is_a_row() -> None:
    assert re.findall(r"\*\*(.+?)\*\*", GLOSSARY.read_text()) == [word for word, _, _ in ROWS]


def test_every_word_is_in_use() -> None:
    used = texts()
    assert [word for word, _, _ in ROWS if spelled(word) not in used] == []


@pytest.mark.parametrize(("word", "meaning", "elsewhere"), ROWS, ids=[word for word, _, _ in ROWS])
def test_each_is_explained_in_one_sentence(word: str, meaning: str, elsewhere: str) -> None:
    assert meaning.endswith("."), word
    assert not re.search(r"(?<!Kie)\. ", meaning), word
    assert spelled(word) not in [spelled(other) for other in re.split("[,;]", elsewhere)]


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md"])
def test_readers_find_it(document: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / document).read_text())
    assert GLOSSARY in [((ROOT / document).parent / link).resolve() for link in links]
