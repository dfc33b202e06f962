"""Replaces function processes when the code they run has changed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import watch as watch_files

from dev.pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.functions import Function
    from dev.logs import Log


def watch(folder: Path, functions: Mapping[str, Function], log: Log) -> threading.Event:
    """Watch the code of all functions; set the event returned to stop."""
    stop = threading.Event()
    threading.Thread(target=_watch, args=(folder, functions, log, stop), daemon=True).start()
    return stop


def _watch(
    folder: Path, functions: Mapping[str, Function], log: Log, stop: threading.Event
) -> None:
    pools = [f for f in functions.values() if isinstance(f, WorkerPool)]
    folders = {p for f in pools for p in (f.spec.code_folder, *f.spec.import_folders) if p.exists()}
    for changes in watch_files(*folders, stop_event=stop, raise_interrupt=False):
        paths = [Path(path) for _, path in changes]
        touched = [pool for pool in pools if _concerns(pool, paths)]
        for pool in touched:
            pool.replace()
        if touched:
            files = ", ".join(sorted({str(p.relative_to(folder)) for p in paths}))
            names = ", ".join(pool.spec.label for pool in touched)
            log.line("dev", f"{files} changed, new processes for {names}")


def _concerns(pool: WorkerPool, paths: list[Path]) -> bool:
    own = (pool.spec.code_folder, *pool.spec.import_folders)
    return any(path.is_relative_to(folder) for path in paths for folder in own)
