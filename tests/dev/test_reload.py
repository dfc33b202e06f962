"""Changed code takes effect; a mistake in it is said once, and mended by the next change."""

from __future__ import annotations

import io
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from dev.cloud import InvocationError, LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import FIXTURES, SMALL_STACK, alive, eventually

if TYPE_CHECKING:
    from pathlib import Path


def test_code_changes_bring_new_processes(tmp_path: Path, lines: io.StringIO) -> None:
    """A change brings new processes; a mistake is said once and the next call tries again."""
    lines = io.StringIO()
    shutil.copytree(FIXTURES, tmp_path / "stack")
    app = tmp_path / "stack" / "functions" / "steps" / "app.py"
    event = {"step": "x", "execution": "e"}
    template = Template(tmp_path / "stack" / SMALL_STACK.name)
    with LocalCloud(template, log=Log(lines), reload=True) as cloud:
        assert cloud.invoke("StepsFunction", event)["did"] == "x"
        [before] = cloud.functions["StepsFunction"].processes()
        # Its watcher needs a moment to begin.
        time.sleep(0.5)
        app.write_text("import os\nos.environ['MISSING']\n")
        eventually(lambda: "steps/app.py changed" in lines.getvalue())
        with pytest.raises(InvocationError) as caught:
            cloud.invoke("StepsFunction", event)
        assert caught.value.error["errorType"] == "KeyError"
        assert "steps     -  ERROR does not start: KeyError: 'MISSING'" in lines.getvalue()
        app.write_text("def lambda_handler(event, context):\n    return 'mended'\n")
        eventually(lambda: lines.getvalue().count("steps/app.py changed") == 2)
        assert cloud.invoke("StepsFunction", event) == "mended"
        [after] = cloud.functions["StepsFunction"].processes()
        assert not alive(before["pid"])
    eventually(lambda: not alive(after["pid"]), 3)
