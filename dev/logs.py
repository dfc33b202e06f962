"""What a person reads: one line per event, coloured by function; powertools' JSON made plain."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

TASK_ID = re.compile(r"task_[0-9A-Za-z]+")
_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95)
_LEVEL_COLOURS = {"WARNING": 33, "ERROR": 31, "CRITICAL": 31}
# What a powertools line repeats each time; a person knows it or can look it up.
_BOILERPLATE = frozenset(
    (
        *("level", "location", "message", "timestamp", "service", "cold_start", "task_id"),
        *("function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("correlation_id", "xray_trace_id", "sampling_rate"),
        *("exception", "exception_name", "stack_trace"),
    )
)
_NBSP = "\u00a0"


class Log:
    """
    Writes the lines; safe to use from any thread.

    Args:
        stream: Where they go.
        debug: Also show what is usually left out, such as metrics.

    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        debug: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._stream = stream or sys.stdout
        self._debug = debug
        self._coloured = _wants_colour(self._stream, environ)
        self._lock = threading.Lock()
        self._known: list[str] = []

    def line(
        self, source: str, message: str, *, task_id: str = "-", level: str = "INFO", **facts: Any
    ) -> None:
        """Write one event."""
        self._event(source, message, facts, task_id=task_id, level=level)

    def _event(
        self,
        source: str,
        message: str,
        facts: Mapping[str, Any],
        *,
        task_id: str,
        level: str,
        below: str = "",
    ) -> None:
        shown = " ".join([message, *(f"{name}={_value(v)}" for name, v in facts.items())])
        text = _indented(f"{shown}\n{below}".rstrip())
        if level not in {"INFO", "DEBUG"}:
            text = f"{self._paint(level, _LEVEL_COLOURS.get(level, 31))} {text}"
        now = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        self.plain(f"{now}  {self._source(source)}  {task_id}  {text}")

    def plain(self, text: str) -> None:
        """Write a line as it is."""
        # A reader that has gone (`make dev | head`) must not stop the gateway.
        with self._lock:
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                return

    def function_line(self, source: str, raw: bytes) -> None:
        """Write what a function printed: JSON from powertools, a runtime's error, or anything."""
        text = raw.decode(errors="replace").rstrip("\n").replace(_NBSP, " ").replace("\r", "\n")
        if not text.strip():
            return
        record = _json_object(text)
        if record is None:
            self._text_line(source, text)
        elif "_aws" not in record or self._debug:
            self._record_line(source, record)

    def _record_line(self, source: str, record: dict[str, Any]) -> None:
        message = record.get("message", "")
        facts = {k: v for k, v in record.items() if k not in _BOILERPLATE}
        self._event(
            source,
            message if isinstance(message, str) else json.dumps(message),
            facts,
            task_id=str(record.get("task_id") or "-"),
            level=str(record.get("level", "INFO")),
            below=str(record.get("exception") or ""),
        )

    def _text_line(self, source: str, text: str) -> None:
        found = re.match(r"\[(\w+)\]\s+(?:\S+Z\t\S*\t)?(.*)", text, re.DOTALL)
        level, message = (found[1], found[2]) if found else ("INFO", text)
        task = TASK_ID.search(message)
        self.line(source, message, task_id=task[0] if task else "-", level=level)

    def _source(self, source: str) -> str:
        if source not in self._known:
            self._known.append(source)
        colour = _COLOURS[self._known.index(source) % len(_COLOURS)]
        return self._paint(f"{source:<8}", colour)

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text


def _wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or stream.isatty()


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if re.search(r"\s|^$", value) else value
    return json.dumps(value, ensure_ascii=False, default=str)


def _indented(text: str) -> str:
    first, *rest = text.splitlines() or [""]
    return "\n".join([first.rstrip(), *(f"    {line}" for line in rest)])
