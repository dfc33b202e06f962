"""Copy one result into the bucket, from whichever of its links brings it."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

from kie_gateway.core.errors.storage_errors import (
    HostNotListedError,
    KeyTakenError,
    LeaseLostError,
    SourceBrokenError,
    SourceError,
    SourceGoneError,
    SourcePageError,
    StorageError,
)
from kie_gateway.core.files.bucket_keys import output_key, preview_key
from kie_gateway.core.files.media import SVG, MediaType, identify
from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.core.files.quality import Wanted, why_preview
from kie_gateway.core.files.remote_file import InlineFile, RemoteFile
from kie_gateway.core.files.retention import retention_tag
from kie_gateway.core.files.storing import place_of
from kie_gateway.core.ports.files import Files, OutputStore
from kie_gateway.core.results import Output, Source
from kie_gateway.flows.files.skimmed_file import SkimmedFile
from kie_gateway.flows.files.storing_lease import StoringLease

_log = logging.getLogger(__name__)

# A task's files never change under their key, so browsers may keep them.
CACHE_CONTROL = "private, max-age=31536000, immutable"
# What a second try does not change.
_LASTING = (LeaseLostError, SourceGoneError, SourceBrokenError)


@dataclass(frozen=True)
class Copied:
    """
    A stored file.

    Attributes:
        why_preview: Why it is only a preview, None for a result.
        is_beside: Whether it only goes with the results.
    """

    output: Output
    why_preview: str | None
    is_beside: bool = False


@dataclass(frozen=True)
class ResultCopier:
    """
    Copies one result at a time; several threads may.

    Attributes:
        measure: Measures a file by its type, first bytes, last bytes and size.
    """

    files: Files
    outputs: OutputStore
    measure: Callable[[MediaType, bytes, bytes, int], MediaFacts]

    def copy(
        self,
        lease: StoringLease,
        index: int,
        source: Source,
        asked: Wanted,
        report_unlisted: Callable[[str], None],
    ) -> Copied:
        """
        Copy a result from the first of its links that brings it.

        Args:
            report_unlisted: Told of every host that is not listed.

        Raises:
            StorageError: None did. It is the error that leaves most hope: of links that were
                refused for different reasons, one may be mended by asking Kie.ai, or by waiting.
        """
        try:
            return self._copy(lease, index, source, asked, report_unlisted)
        except StorageError as error:
            if not source.is_beside or isinstance(error, _LASTING) or not error.retryable:
                raise
            # The task does not wait for it, so that there is no later attempt.
            return self._copy(lease, index, source, asked, report_unlisted)

    def _copy(
        self,
        lease: StoringLease,
        index: int,
        source: Source,
        asked: Wanted,
        report_unlisted: Callable[[str], None],
    ) -> Copied:
        body = source.body
        if body is not None:
            content_type = source.content_type or "text/plain; charset=utf-8"
            return self._put(
                lease, index, source, lambda: nullcontext(InlineFile(body, content_type)), asked
            )
        errors: list[SourceError] = []
        for url in filter(None, (source.url, *source.alternates)):
            try:
                return self._put(lease, index, source, partial(self.files.open, url), asked)
            except SourceError as error:
                errors.append(error)
                if isinstance(error, HostNotListedError):
                    report_unlisted(error.host)
                _log.warning("%s: a link failed: %s", lease.task.task_id, error.message)
        # Without a link it was too long to be kept: Kie.ai has it still.
        raise max(errors, key=_hope, default=SourceGoneError("its link is not on record"))

    def _put(
        self,
        lease: StoringLease,
        index: int,
        source: Source,
        open_: Callable[[], AbstractContextManager[RemoteFile]],
        asked: Wanted,
    ) -> Copied:
        if lease.task.store_attempts < 2:
            try:
                return self._put_once(lease, index, source, open_(), asked, look=False)
            except KeyTakenError:
                _log.warning("%s: the file exists already", lease.task.task_id)
        return self._put_once(lease, index, source, open_(), asked, look=True)

    def _put_once(
        self,
        lease: StoringLease,
        index: int,
        source: Source,
        opened: AbstractContextManager[RemoteFile],
        asked: Wanted,
        *,
        look: bool,
    ) -> Copied:
        """Write a file where none is; or, after a look, in place of an earlier attempt's."""
        lease.renew()
        task = lease.task
        with opened as remote:
            kind = identify(remote.head)
            if remote.url and kind.is_page:
                place = place_of(remote.url)
                raise SourcePageError(f"{place} sent a page or an error instead of a file")
            if source.is_beside and kind.media != "image":
                raise SourceBrokenError(f"{place_of(remote.url)} is no picture")
            size = remote.content_length or 0
            # A drawing has no pixels: whatever size it states, it is no preview.
            has_pixels = kind.media == "image" and kind != SVG
            at_once = self.measure(kind, remote.head, b"", size) if has_pixels else NOTHING_KNOWN
            why = why_preview(at_once, asked)
            key_of = output_key if why is None else preview_key
            key = key_of(task, index, kind.extension)
            lease.keys.append(key)
            file = SkimmedFile(remote, lease.renew)
            stored = self.outputs.store(
                file,
                key=key,
                content_type=kind.content_type,
                # What a browser would run must never be opened under our name.
                content_disposition="attachment" if kind.active else "inline",
                cache_control=CACHE_CONTROL,
                tags=retention_tag(task.retention_days),
                replaces=self._look(lease, key) if look else None,
            )
            facts = self.measure(kind, file.start, file.end, stored.bytes)
        output = Output(
            index=index,
            media=kind.media,
            content_type=kind.content_type,
            bytes=stored.bytes,
            sha256=stored.sha256,
            key=key,
            source_url=place_of(source.url),
            width=facts.width,
            height=facts.height,
            duration_seconds=facts.duration_seconds or source.duration_seconds,
            animated=facts.animated,
            upstream_id=source.upstream_id,
        )
        return Copied(output, why, bool(source.is_beside))

    def _look(self, lease: StoringLease, key: str) -> str | None:
        """
        Find what an earlier attempt left under a key; only that may be written over.

        The lease is proven after the look: a copy that takes over later writes later, too, and then
        there is something else than what was seen here.
        """
        version = self.outputs.version(key)
        if version is not None:
            lease.prove()
        return version


def _hope(error: StorageError) -> int:
    """Return which of several errors leaves most hope."""
    if isinstance(error, SourceGoneError):
        return 2
    return int(error.retryable)
