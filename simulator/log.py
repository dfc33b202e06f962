"""One line per event, for people; nothing secret is ever written."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

_lock = threading.Lock()


def log(task_id: str, what: str) -> None:
    """Write one event; `-` stands for no task."""
    line = f"{time.strftime('%H:%M:%S')} kie  {task_id} {what}\n"
    # A reader that has gone (`| head`) must not stop the simulator.
    with _lock, suppress(OSError, ValueError):
        sys.stdout.write(line)
        sys.stdout.flush()


def masked(url: str) -> str:
    """Hide what may be a token: the last segment of the path, a query, a password."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rpartition('/')[0]}/***"
