"""A true body of each event, recorded from a run."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("examples.json")


def event_examples() -> dict[str, dict[str, Any]]:
    """Read the bodies, by the type of event."""
    found: dict[str, dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
    return found
