"""The commands in the README and on the page about several tasks, run as they stand there."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.running.gateway import Gateway

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "several-tasks.md"]
SHOWN_URL = "http://127.0.0.1:8000"
PATIENCE_SECONDS = 60.0
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"\b(?:task|batch)_[0-9a-z]{26}\b")
# What differs with every run, and what a page leaves out.
_VARYING = re.compile(
    rf"{_ID.pattern}|https?://127\.0\.0\.1:(?!8000)\d+|(?<=\"bytes\":)\d+|{re.escape(SHOWN_URL)}|…"
)


def steps(text: str) -> list[tuple[str, str]]:
    """List every curl of a page with the answer that stands below it."""
    found = []
    for block in _BLOCK.findall(text):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            # An answer is JSON, and begins with its line.
            curl, brace, answer = command.partition("\n{")
            if curl.startswith("curl ") and brace:
                found.append((curl, "{" + re.sub(r"\n\s*", "", answer)))
    return found


class Reader:
    """Follows a page, whose ids stand for those that the gateway gives."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._ids: dict[str, str] = {}

    def check(self, command: str, shown: str) -> None:
        """Run a command until it is answered as shown; one that changes something runs once."""
        pattern, is_read = self._pattern(shown), " -X " not in command and " -d " not in command
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := pattern.fullmatch(answer := self._answer(command))) is None:
            assert is_read, f"{command}\n{answer}"
            assert time.monotonic() < until, f"{command}\n{answer}"
            time.sleep(0.5)
        for name, value in found.groupdict().items():
            self._ids[name] = value

    def _answer(self, command: str) -> str:
        theirs = _ID.sub(lambda one: self._ids.get(one[0], one[0]), command)
        theirs = theirs.replace(SHOWN_URL, self._gateway.url)
        run = subprocess.run(["sh", "-c", f"{theirs} -s"], capture_output=True, check=True)
        return json.dumps(json.loads(run.stdout), ensure_ascii=False, separators=(",", ":"))

    def _pattern(self, shown: str) -> re.Pattern[str]:
        new = set[str]()

        def varying(found: re.Match[str]) -> str:
            text = found[0]
            if text == "…":
                return ".*?"
            if text == SHOWN_URL:
                return re.escape(self._gateway.url)
            if text.isdigit():
                return r"\d+"
            if text.startswith("http"):
                return r"http://127\.0\.0\.1:\d+"
            if text in self._ids:
                return self._ids[text]
            if text in new:
                return f"(?P={text})"
            new.add(text)
            return f"(?P<{text}>{_ID.pattern})"

        parts, end = [], 0
        for found in _VARYING.finditer(shown):
            parts += [re.escape(shown[end : found.start()]), varying(found)]
            end = found.end()
        return re.compile("".join(parts) + re.escape(shown[end:]), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_answered_as_the_page_shows(patient_gateway: Gateway, page: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl to run the commands with")
    found = steps(page.read_text())
    assert len(found) > 1
    reader = Reader(patient_gateway)
    for command, shown in found:
        reader.check(command, shown)
