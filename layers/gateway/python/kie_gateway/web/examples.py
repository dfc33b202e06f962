"""Examples of requests and answers in the API's document, recorded from a run."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("examples.json")


def examples() -> dict[str, dict[str, Any]]:
    """
    Read the examples.

    Returns:
        By operation id: the body of a `request`, and of answers by status. Under `problems`: by the
        name of the response that they are described as.
    """
    found: dict[str, dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
    return found
