"""Log lines are for people."""

from __future__ import annotations

import io
import json

import pytest

from dev.logs import Log


def written(raw: bytes, *, debug: bool = False, environ: dict[str, str] | None = None) -> str:
    """Give what becomes of a function's line, without the time."""
    stream = io.StringIO()
    Log(stream, debug=debug, environ=environ or {}).function_line("api", raw)
    return stream.getvalue()[14:]


def test_powertools_lines_lose_their_boilerplate() -> None:
    """What is left are the message, the task and the facts."""
    record = {
        "level": "WARNING",
        "location": "f:1",
        "message": "slow",
        "timestamp": "2026-01-01 00:00:00,000+0000",
        "service": "s",
        "cold_start": True,
        "function_name": "f",
        "function_request_id": "r",
        "xray_trace_id": "x",
        "task_id": "task_1",
        "seconds": 3,
        "why": "two words",
    }
    expected = 'api       task_1  WARNING slow seconds=3 why="two words"\n'
    assert written(json.dumps(record).encode()) == expected


def test_exceptions_are_indented_below() -> None:
    """The facts stay on the first line."""
    record = {"level": "ERROR", "message": "broke", "n": 1, "exception": "Traceback:\n  x\nE: y"}
    expected = "api       -  ERROR broke n=1\n    Traceback:\n      x\n    E: y\n"
    assert written(json.dumps(record).encode()) == expected


def test_the_runtimes_own_error_is_read() -> None:
    """It separates lines with carriage returns and indents with hard spaces."""
    raw = "[ERROR] KeyError: 'x'\rTraceback (most recent call last):\r\u00a0\u00a0File".encode()
    first, *below = written(raw).splitlines()
    assert first == "api       -  ERROR KeyError: 'x'"
    assert below == ["    Traceback (most recent call last):", "      File"]


def test_metrics_are_shown_on_request_only() -> None:
    """They are for CloudWatch."""
    raw = json.dumps({"_aws": {}, "Count": 1}).encode()
    assert written(raw) == ""
    assert "Count=1" in written(raw, debug=True)


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals(environ: dict[str, str], *, coloured: bool) -> None:
    """Unless one asks for them, or asks for none."""
    assert ("\x1b[" in written(b"words", environ=environ)) is coloured


def test_closed_output_is_no_error() -> None:
    """`make dev | head` ends the reader, not the gateway."""
    stream = io.StringIO()
    stream.close()
    Log(stream, environ={"NO_COLOR": "1"}).line("api", "unseen")
