"""Links to files: our own, and signed ones that work for twenty minutes."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING

from simulator.retention import FRESH_LINK_SECONDS, MEDIA_SECONDS
from simulator.store import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.service import Service
    from simulator.tasks import Task

_FILE = re.compile(r"/files/([^/]+)/[^/]+")
# Good for nothing but telling our own links from others.
_SECRET = b"links of the simulated Kie.ai"


def fresh_link(service: Service, url: str) -> str:
    """Make a link that works for twenty minutes, whatever has become of the first."""
    path = (service.own_path(url) or "").partition("?")[0]
    expires = int(time.time() + FRESH_LINK_SECONDS)
    return f"{service.base_url}{path}?Expires={expires}&Signature={_signature(path, expires)}"


def is_own_file(service: Service, url: str) -> bool:
    """Return whether a link leads to a file that we made, or that was uploaded here."""
    path = (service.own_path(url) or "").partition("?")[0]
    if path.startswith(PREFIX):
        return service.store.get(path.removeprefix("/")) is not None
    found = _FILE.fullmatch(path)
    task = service.tasks.get(found[1]) if found else None
    return task is not None and _is_kept(task)


def names_file_of(service: Service, task: Task, url: str) -> bool:
    found = _FILE.fullmatch((service.own_path(url) or "").partition("?")[0])
    return found is not None and found[1] == task.task_id and _is_kept(task)


def is_over(task: Task) -> bool:
    """Return whether a task's files are not kept any more."""
    return time.time() > (task.completed_at or task.created_at) + MEDIA_SECONDS


def _is_kept(task: Task) -> bool:
    return not is_over(task) and task.dials.word("file") != "gone"


def is_signed(path: str, query: Mapping[str, str]) -> bool:
    """Return whether a request came with one of our signatures, in time or not."""
    expires = query.get("Expires", "")
    signature = query.get("Signature", "")
    return expires.isdecimal() and hmac.compare_digest(
        signature.encode(), _signature(path, int(expires)).encode()
    )


def has_expired(query: Mapping[str, str]) -> bool:
    return time.time() > float(query["Expires"])


def _signature(path: str, expires: int) -> str:
    return hmac.new(_SECRET, f"{path}?{expires}".encode(), hashlib.sha256).hexdigest()
