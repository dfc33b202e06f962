"""Copy a task's results into the bucket, and only then say that it succeeded."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from kie_gateway.core import moves
from kie_gateway.core.errors import (
    ProviderError,
    SourceBrokenError,
    SourceGoneError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.media import identify
from kie_gateway.core.ports import Files, OutputStore, Provider, TaskStore
from kie_gateway.core.remote_file import InlineFile, RemoteFile
from kie_gateway.core.report import Finished
from kie_gateway.core.task import Output, Source, Status, Task

_log = logging.getLogger(__name__)

# A task's files never change under their key, so browsers may keep them.
CACHE_CONTROL = "private, max-age=31536000, immutable"


class Hold:
    """The right to copy a task's results, renewed while the copy goes on."""

    def __init__(self, task: Task, tasks: TaskStore, now: Callable[[], datetime]) -> None:
        self.task = task
        self._tasks = tasks
        self._now = now
        self._renewed_at = now()

    def keep(self) -> None:
        """
        Renew the hold when it is time.

        Raises:
            StorageError: Another copy has taken over.
        """
        now = self._now()
        if now - self._renewed_at < moves.RENEW_AFTER:
            return
        until = self.task.storing_until
        if until is None:
            return
        moved = self._tasks.move(self.task, lambda current: moves.keep_storing(current, until, now))
        if not moved.changed:
            raise StorageError("Another copy of the results has taken over.")
        self.task, self._renewed_at = moved.task, now


class HeldFile:
    """A download that keeps the hold while it is read."""

    def __init__(self, file: RemoteFile, hold: Hold) -> None:
        self._file = file
        self._hold = hold

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def read(self, size: int, /) -> bytes:
        """Hand out bytes; renew the hold if it is time."""
        self._hold.keep()
        return self._file.read(size)


@dataclass(frozen=True)
class StoreOutputs:
    """
    Stores the results of a task that reads `storing`.

    Only one copy runs at a time: the record names until when it is held. Keys are derived from the
    task, so a copy that was cut off is simply written over by the next.

    Attributes:
        tell_success: Told once of every task that has succeeded.
    """

    tasks: TaskStore
    files: Files
    outputs: OutputStore
    kie: Provider
    now: Callable[[], datetime]
    tell_success: Callable[[Task], None] = lambda _: None

    def __call__(self, task: Task) -> Task:
        """Copy everything, or nothing that shows; returns the record afterwards."""
        held = self.tasks.move(task, lambda current: moves.start_storing(current, self.now()))
        if not held.changed:
            return held.task
        hold = Hold(held.task, self.tasks, self.now)
        try:
            return self._settle(hold, self._copy_all(hold))
        except SourceGoneError as error:
            return self._copy_from_fresh_links(hold, error)
        except StorageError as error:
            return self._give_back(hold, error)

    def _copy_from_fresh_links(self, hold: Hold, gone: SourceGoneError) -> Task:
        """Ask Kie.ai once for links that have not expired, and copy from those."""
        sources = self._fresh_sources(hold.task)
        renewed = self.tasks.move(
            hold.task, lambda current: moves.renew_sources(current, sources, self.now())
        )
        hold.task = renewed.task
        if not renewed.changed:
            return self._give_back(hold, gone)
        try:
            return self._settle(hold, self._copy_all(hold))
        except StorageError as error:
            return self._give_back(hold, error)

    def _fresh_sources(self, task: Task) -> tuple[Source, ...]:
        if task.upstream_task_id is None:
            return task.sources
        try:
            report = self.kie.ask(task).report
            sources = report.sources if isinstance(report, Finished) else task.sources
            if sources == task.sources:
                # The record still names the old links: exchange them one by one.
                sources = tuple(self._exchanged(task, source) for source in sources)
        except ProviderError:
            return task.sources
        return sources

    def _exchanged(self, task: Task, source: Source) -> Source:
        fresh = self.kie.fresh_link(task, source.url) if source.url else None
        return replace(source, url=fresh) if fresh else source

    def _copy_all(self, hold: Hold) -> list[Output]:
        return [self._copy(hold, index, source) for index, source in enumerate(hold.task.sources)]

    def _copy(self, hold: Hold, index: int, source: Source) -> Output:
        """Copy a result from the first of its links that brings it."""
        if source.content is not None:
            body = source.content.encode()
            content_type = source.content_type or "text/plain; charset=utf-8"
            return self._put(hold, index, source, nullcontext(InlineFile(body, content_type)))
        *others, last = (source.url, *source.alternates)
        for url in others:
            try:
                return self._put(hold, index, source, self.files.open(url))
            except (SourceGoneError, SourceBrokenError, SourceUnavailableError) as error:
                _log.warning("%s: another link is tried: %s", hold.task.task_id, error.message)
        return self._put(hold, index, source, self.files.open(last))

    def _put(
        self, hold: Hold, index: int, source: Source, opened: AbstractContextManager[RemoteFile]
    ) -> Output:
        hold.keep()
        with opened as file:
            kind = identify(file.head)
            key = f"outputs/{hold.task.owner}/{hold.task.task_id}/{index}.{kind.extension}"
            stored = self.outputs.store(
                HeldFile(file, hold),  # type: ignore[arg-type]  # the rest is handed on
                key=key,
                content_type=kind.content_type,
                # What a browser would run must never be opened under our name.
                content_disposition="attachment" if kind.active else "inline",
                cache_control=CACHE_CONTROL,
            )
        return Output(
            index=index,
            media=kind.media,
            content_type=kind.content_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
            key=key,
            source_url=_without_query(file.url),
            duration_seconds=source.duration_seconds,
        )

    def _settle(self, hold: Hold, stored: list[Output]) -> Task:
        settled = self.tasks.move(
            hold.task, lambda current: moves.settle(current, stored, self.now())
        )
        if settled.task.status is Status.CANCELED:
            self.outputs.delete([output.key for output in stored])
        if settled.changed:
            self.tell_success(settled.task)
        return settled.task

    def _give_back(self, hold: Hold, error: StorageError) -> Task:
        held_until = hold.task.storing_until
        return self.tasks.move(
            hold.task,
            lambda current: moves.storing_failed(
                current, error.message, held_until, retryable=error.retryable, now=self.now()
            ),
        ).task


def _without_query(url: str) -> str:
    """Drop the query, where hosts put signatures."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
