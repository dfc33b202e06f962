"""What people read: every Markdown file of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
# Others' files, as their package managers put them there.
_FOREIGN = "node_modules"


def documents() -> list[Path]:
    """Every Markdown file, but for those in folders of tools such as `.venv`."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    found = [*ROOT.glob("*.md"), *(ROOT / ".github").rglob("*.md")]
    found += [path for folder in folders for path in folder.rglob("*.md")]
    return sorted(path for path in found if _FOREIGN not in path.parts)
