"""Copy a task's results into the bucket, and only then say that it succeeded."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from kie_gateway.core import moves
from kie_gateway.core.errors import (
    ProviderError,
    SourceBrokenError,
    SourceGoneError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.media import SVG, MediaType, identify
from kie_gateway.core.media_facts import MediaFacts
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Files, OutputStore, Provider, TaskStore
from kie_gateway.core.quality import Wanted, wanted, why_preview
from kie_gateway.core.remote_file import InlineFile, RemoteFile
from kie_gateway.core.report import Finished
from kie_gateway.core.retention import delete_at, retention_tag
from kie_gateway.core.task import Output, Source, Status, Task

_log = logging.getLogger(__name__)

COPIES_AT_ONCE = 3
# Enough for the index of a film, which stands at either end of it.
SKIMMED_BYTES = 1024 * 1024
# A task's files never change under their key, so browsers may keep them.
CACHE_CONTROL = "private, max-age=31536000, immutable"


class Hold:
    """
    The right to copy a task's results, renewed while the copy goes on.

    Attributes:
        keys: Of every file that this copy has begun to write.
    """

    def __init__(self, task: Task, tasks: TaskStore, now: Callable[[], datetime]) -> None:
        self.task = task
        self.keys: list[str] = []
        self._tasks = tasks
        self._now = now
        self._renewed_at = now()
        self._lock = Lock()

    def keep(self) -> None:
        """
        Renew the hold when it is time.

        Raises:
            StorageError: Another copy has taken over.
        """
        with self._lock:
            now, until = self._now(), self.task.storing_until
            if until is None or now - self._renewed_at < moves.RENEW_AFTER:
                return
            moved = self._tasks.move(
                self.task, lambda current: moves.keep_storing(current, until, now)
            )
            if not moved.changed:
                raise StorageError("Another copy of the results has taken over.")
            self.task, self._renewed_at = moved.task, now


class SkimmedFile:
    """
    A download that keeps the hold while it is read, and its first and last bytes for measuring.

    Attributes:
        start: First bytes, up to `SKIMMED_BYTES`.
    """

    def __init__(self, file: RemoteFile, keep: Callable[[], None]) -> None:
        self._file = file
        self._keep = keep
        self.start = b""
        self._last: deque[bytes] = deque()
        self._last_bytes = 0

    @property
    def end(self) -> bytes:
        """The last bytes handed out so far."""
        return b"".join(self._last)[-SKIMMED_BYTES:]

    @property
    def url(self) -> str:
        """Where the body comes from."""
        return self._file.url

    @property
    def content_length(self) -> int | None:
        """Announced size."""
        return self._file.content_length

    @property
    def header_content_type(self) -> str | None:
        """What the host calls it."""
        return self._file.header_content_type

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return self._file.head

    @property
    def bytes_read(self) -> int:
        """How many bytes `read` has handed out."""
        return self._file.bytes_read

    @property
    def sha256(self) -> str:
        """Hex digest of those."""
        return self._file.sha256

    def read(self, size: int, /) -> bytes:
        """Hand out bytes; renew the hold if it is time."""
        self._keep()
        part = self._file.read(size)
        if len(self.start) < SKIMMED_BYTES:
            self.start += part[: SKIMMED_BYTES - len(self.start)]
        self._last.append(part)
        self._last_bytes += len(part)
        while self._last_bytes - len(self._last[0]) >= SKIMMED_BYTES:
            self._last_bytes -= len(self._last.popleft())
        return part

    def finish(self) -> None:
        """Make sure that the whole body was read."""
        self._file.finish()


@dataclass(frozen=True)
class _Copied:
    """A stored file, and why it is only a preview, if it is one."""

    output: Output
    why_preview: str | None


@dataclass(frozen=True)
class StoreOutputs:
    """
    Stores the results of a task that reads `storing`.

    Only one copy runs at a time: the record names until when it is held. Keys are derived from the
    task, so a copy that was cut off is simply written over by the next.

    Attributes:
        measure: Measures a file by its type, first bytes, last bytes and size.
        retention_days: How long files are kept that do not say; 0 for ever.
        minimum: Tells the smallest picture, width and height, that a model delivers.
        in_parts: Tells whether a model takes pictures apart: the parts may be of any size.
        tell_success: Told once of every task that has succeeded.
    """

    tasks: TaskStore
    files: Files
    outputs: OutputStore
    kie: Provider
    policy: PollPolicy
    measure: Callable[[MediaType, bytes, bytes, int], MediaFacts]
    now: Callable[[], datetime]
    retention_days: int = 0
    minimum: Callable[[str], tuple[int, int] | None] = lambda _: None
    in_parts: Callable[[str], bool] = lambda _: False
    tell_success: Callable[[Task], None] = lambda _: None

    def __call__(self, task: Task) -> Task:
        """Copy everything, or nothing that shows; returns the record afterwards."""
        held = self.tasks.move(task, lambda current: moves.start_storing(current, self.now()))
        if not held.changed:
            return held.task
        hold = Hold(held.task, self.tasks, self.now)
        after = self._store(hold)
        if after.status is Status.CANCELED or after.deleted_at is not None:
            self._remove(hold)
        return after

    def _store(self, hold: Hold) -> Task:
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

    def _copy_all(self, hold: Hold) -> list[_Copied]:
        """Copy every result, a few at a time; the first trouble counts once all have ended."""
        sources = hold.task.sources
        asked = self._asked(hold.task)
        with ThreadPoolExecutor(max(min(len(sources), COPIES_AT_ONCE), 1)) as pool:
            copies = [
                # In a copy of our context, so that it knows how much time is left.
                pool.submit(copy_context().run, self._copy, hold, index, source, asked)
                for index, source in enumerate(sources)
            ]
        return [copy.result() for copy in copies]

    def _asked(self, task: Task) -> Wanted:
        """Read what size was asked for; of a film or a song it says nothing about a picture."""
        if task.kind != "image" or self.in_parts(task.model):
            return Wanted()
        return wanted(task.input, self.minimum(task.model))

    def _copy(self, hold: Hold, index: int, source: Source, asked: Wanted) -> _Copied:
        """Copy a result from the first of its links that brings it."""
        body = source.body
        if body is not None:
            content_type = source.content_type or "text/plain; charset=utf-8"
            inline = InlineFile(body, content_type)
            return self._put(hold, index, source, nullcontext(inline), asked)
        *others, last = (source.url, *source.alternates)
        for url in others:
            try:
                return self._put(hold, index, source, self.files.open(url), asked)
            except (SourceGoneError, SourceBrokenError, SourceUnavailableError) as error:
                _log.warning("%s: another link is tried: %s", hold.task.task_id, error.message)
        return self._put(hold, index, source, self.files.open(last), asked)

    def _put(
        self,
        hold: Hold,
        index: int,
        source: Source,
        opened: AbstractContextManager[RemoteFile],
        asked: Wanted,
    ) -> _Copied:
        hold.keep()
        task = hold.task
        with opened as remote:
            kind = identify(remote.head)
            if remote.url and kind.is_page:
                place = moves.without_query(remote.url)
                raise SourceBrokenError(f"{place} sent a page or an error instead of a file")
            size = remote.content_length or 0
            # A drawing has no pixels: whatever size it states, it is no preview.
            has_pixels = kind.media == "image" and kind != SVG
            at_once = self.measure(kind, remote.head, b"", size) if has_pixels else None
            why = why_preview(at_once, asked) if at_once else None
            name = f"{index}.{kind.extension}"
            if why is not None:
                name = f"{index}-{len(task.previews)}.{kind.extension}"
            folder = "outputs" if why is None else "previews"
            key = f"{folder}/{task.owner}/{task.task_id}/{name}"
            hold.keys.append(key)
            file = SkimmedFile(remote, hold.keep)
            stored = self.outputs.store(
                file,
                key=key,
                content_type=kind.content_type,
                # What a browser would run must never be opened under our name.
                content_disposition="attachment" if kind.active else "inline",
                cache_control=CACHE_CONTROL,
                tags=retention_tag(task.retention_days),
            )
            facts = self.measure(kind, file.start, file.end, stored.bytes)
        output = Output(
            index=index,
            media=kind.media,
            content_type=kind.content_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
            key=key,
            source_url=moves.without_query(source.url),
            width=facts.width,
            height=facts.height,
            duration_seconds=facts.duration_seconds or source.duration_seconds,
            animated=facts.animated,
        )
        return _Copied(output, why)

    def _settle(self, hold: Hold, copied: list[_Copied]) -> Task:
        previews = [one.output for one in copied if one.why_preview is not None]
        pictures = [one for one in copied if one.output.media == "image"]
        if previews and len(previews) == len(pictures):
            return self._keep_previews(hold, copied, previews)
        real = [one.output for one in copied if one.why_preview is None]
        # Beside the real picture a thumbnail is none of the results, and leaves no gap.
        stored = [replace(output, index=index) for index, output in enumerate(real)]
        now, days = self.now(), hold.task.retention_days
        gone_at = delete_at(now, days, self.retention_days)
        settled = self.tasks.move(
            hold.task, lambda current: moves.settle(current, stored, now, gone_at, previews)
        )
        if settled.changed:
            self.tell_success(settled.task)
        return settled.task

    def _keep_previews(self, hold: Hold, copied: list[_Copied], previews: list[Output]) -> Task:
        why = next(one.why_preview for one in copied if one.why_preview is not None)
        held_until, now = hold.task.storing_until, self.now()
        return self.tasks.move(
            hold.task,
            lambda current: moves.keep_previews(
                current,
                previews,
                why,
                held_until,
                next_at=self.policy.while_not_visible_at(current, now),
                now=now,
            ),
        ).task

    def _remove(self, hold: Hold) -> None:
        """Remove what was written for a task that was canceled or deleted meanwhile."""
        try:
            self.outputs.delete(hold.keys)
        except StorageError as error:
            _log.warning("%s: files stay behind: %s", hold.task.task_id, error.message)

    def _give_back(self, hold: Hold, error: StorageError) -> Task:
        held_until = hold.task.storing_until
        return self.tasks.move(
            hold.task,
            lambda current: moves.storing_failed(
                current, error.message, held_until, retryable=error.retryable, now=self.now()
            ),
        ).task
