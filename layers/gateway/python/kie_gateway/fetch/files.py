"""One result file, streamed from its host in constant memory."""

import hashlib
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from urllib.parse import urljoin

import httpcore

from kie_gateway.core.deadline import QUESTION_SECONDS, RECORDING_SECONDS, share
from kie_gateway.core.errors.storage_errors import (
    SourceBrokenError,
    SourceForbiddenError,
    SourceGoneError,
    SourceTooLargeError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.files.remote_file import HEAD_BYTES, RemoteFile
from kie_gateway.core.files.result_hosts import ResultHosts, SafeUrl
from kie_gateway.fetch.client import (
    MOST_REDIRECTS,
    NOTHING_MORE,
    REDIRECTS,
    GuardedClient,
    Headers,
    header,
)
from kie_gateway.fetch.network import Clock, Patience, Resolve

_GONE = frozenset({403, 404, 410})
_ASK_AGAIN = frozenset({408, 425, 429})
# Kie's file host was seen to refuse downloads that do not seem to come from Kie's own pages. Not at
# once: the usual rule against foreign pages (Cloudflare's hotlink protection) lets pass whoever
# names none, and so most hosts want no such header.
_FROM_KIES_PAGES: Headers = {"Referer": "https://kie.ai/"}


class FileFetcher:
    """
    Opens result files.

    Args:
        max_bytes: Largest file, announced or counted.
        connect_seconds: Longest wait for a connection, and for the TLS handshake.
        idle_seconds: Longest wait for the next bytes.
        total_seconds: Longest time from `open` to the last byte.
        probe_seconds: Longest time of a question whether a file is there.
        time_left: Tells how many seconds there are for the whole file and what comes after it.
        keep_seconds: Of those, what is kept for what comes after it.
        resolve: Same shape as `socket.getaddrinfo`.
        clock: Seconds that never run backwards.
        tls: Trust to use; None stands for the public certificate authorities.
    """

    def __init__(
        self,
        hosts: ResultHosts,
        *,
        max_bytes: int,
        connect_seconds: float = 10,
        idle_seconds: float = 30,
        total_seconds: float = 840,
        probe_seconds: float = 5,
        time_left: Callable[[], float] = lambda: math.inf,
        keep_seconds: float = RECORDING_SECONDS,
        resolve: Resolve = socket.getaddrinfo,
        clock: Clock = time.monotonic,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = hosts
        self._max_bytes = max_bytes
        timeouts = {"connect": connect_seconds, "read": idle_seconds, "write": idle_seconds}
        self._client = GuardedClient(hosts, timeouts=timeouts, resolve=resolve, tls=tls)
        self._total_seconds = total_seconds
        self._probe_seconds = probe_seconds
        self._time_left = time_left
        self._keep_seconds = keep_seconds
        self._clock = clock

    @contextmanager
    def open(self, url: str) -> Iterator[RemoteFile]:
        """
        Ask for a file and read its head; the rest is read by the caller within the `with`.

        Raises:
            SourceForbiddenError: The link, or where it was redirected to, is not allowed.
            SourceGoneError: The link has expired.
            SourceUnavailableError: The host did not answer well; asking again is right.
            SourceBrokenError: What came is not a whole file of a permitted size.
        """
        place = self._hosts.check(url)
        patience = self._patience(self._total_seconds)
        redirects, more = 0, NOTHING_MORE
        while redirects <= MOST_REDIRECTS:
            with self._ask(place, patience, more=more) as answer:
                if answer.status == 403 and not more:
                    more = _FROM_KIES_PAGES
                    continue
                if answer.status not in REDIRECTS:
                    yield HttpFile(place, answer, max_bytes=self._max_bytes)
                    return
                redirects, more = redirects + 1, NOTHING_MORE
                place = self._next_place(place, answer)
        raise SourceBrokenError(f"{place.without_query}: more than {MOST_REDIRECTS} redirects")

    def exists(self, url: str) -> bool:
        """
        Ask with HEAD whether a link leads to a file that has bytes; redirects count as no.

        Raises:
            SourceForbiddenError: The link is not allowed.
            SourceUnavailableError: The host did not answer.
        """
        place = self._hosts.check(url)
        patience = self._patience(self._probe_seconds)
        with self._ask(place, patience, method="HEAD") as answer:
            length = header(answer, "content-length")
            return answer.status == 200 and length != "0"

    def _patience(self, most: float) -> Patience:
        seconds = share(self._time_left(), most=most, keep=self._keep_seconds)
        if seconds < min(QUESTION_SECONDS, most):
            raise SourceUnavailableError("too little time was left to ask for the file")
        return Patience(total_seconds=seconds, clock=self._clock)

    def _next_place(self, place: SafeUrl, answer: httpcore.Response) -> SafeUrl:
        location = header(answer, "location")
        if not location:
            raise SourceBrokenError(f"{place.without_query}: a redirect without a valid target")
        try:
            target = urljoin(str(place), location)
        except ValueError as exc:
            raise SourceForbiddenError("the link is not valid") from exc
        return self._hosts.check(target)

    @contextmanager
    def _ask(
        self,
        place: SafeUrl,
        patience: Patience,
        *,
        method: str = "GET",
        more: Headers = NOTHING_MORE,
    ) -> Iterator[httpcore.Response]:
        with ExitStack() as stack:
            with _translated(place):
                answer = stack.enter_context(
                    self._client.ask(place, patience, method=method, more=more)
                )
            yield answer


class HttpFile:
    """The body of one answer; see `core/files/remote_file.py` for what its readers may rely on."""

    def __init__(self, place: SafeUrl, answer: httpcore.Response, *, max_bytes: int) -> None:
        self._place = place
        self._max_bytes = max_bytes
        _check_status(place, answer.status)
        if (header(answer, "content-encoding") or "identity").lower() != "identity":
            raise self._broken("came compressed")
        self.url = str(place)
        self.header_content_type = header(answer, "content-type")
        self.content_length = self._announced(header(answer, "content-length"))
        self._parts = answer.iter_stream()
        self._buffer = bytearray()
        self._received_bytes = 0
        self._ended = False
        self._failure: StorageError | None = None
        self._sha256 = hashlib.sha256()
        self.bytes_read = 0
        self._fill(HEAD_BYTES)
        self.head = bytes(self._buffer[:HEAD_BYTES])

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes that `read` has handed out."""
        return self._sha256.hexdigest()

    def read(self, size: int, /) -> bytes:
        """
        Hand out exactly `size` bytes, fewer only at the end of a whole body.

        A short, long or broken body raises instead of ending, so that an upload which reads from
        here can never complete with a part of a file.
        """
        # BytesIO gives its own memory away, where joining pieces would hold a large part twice.
        collected = BytesIO()
        # At its full size at once: growing bit by bit leaves what it grew out of behind.
        collected.seek(size)
        collected.write(b"\0")
        collected.seek(0)
        while (missing := size - collected.tell()) and self._fill(1):
            collected.write(self._buffer[:missing])
            del self._buffer[:missing]
        collected.truncate()
        part = collected.getvalue()
        self._sha256.update(part)
        self.bytes_read += len(part)
        return part

    def finish(self) -> None:
        """
        Make sure that the whole body was read.

        Raises:
            SourceBrokenError: It was empty, of another length than announced, or not read through.
        """
        if self._fill(1):
            raise self._broken("was not read to its end")

    def _fill(self, size: int) -> bool:
        """Receive until so many bytes can be handed out; say whether there are any at all."""
        if self._failure:
            raise self._failure
        try:
            while len(self._buffer) < size and not self._ended:
                self._receive()
        except StorageError as exc:
            # The next read must not take the place where this one failed for the end.
            self._failure = exc
            raise
        return bool(self._buffer)

    def _receive(self) -> None:
        with _translated(self._place):
            part = next(self._parts, None)
        if part is None:
            self._ended = True
            self._check_whole()
            return
        self._buffer += part
        self._received_bytes += len(part)
        if self._received_bytes > self._max_bytes:
            raise self._too_large(f"is larger than {self._max_bytes} bytes")

    def _check_whole(self) -> None:
        if not self._received_bytes:
            raise self._broken("is empty")
        if self.content_length not in (None, self._received_bytes):
            raise self._broken(f"has {self._received_bytes} bytes, not {self.content_length}")

    def _announced(self, header: str | None) -> int | None:
        if header is None:
            return None
        # The HTTP parser has refused anything but digits, and two different lengths.
        length = int(header)
        if length > self._max_bytes:
            raise self._too_large(f"announces {length} bytes, allowed are {self._max_bytes}")
        return length

    def _broken(self, what: str) -> SourceBrokenError:
        return SourceBrokenError(f"the file at {self._place.without_query} {what}")

    def _too_large(self, what: str) -> SourceTooLargeError:
        return SourceTooLargeError(f"the file at {self._place.without_query} {what}")


def _check_status(place: SafeUrl, status: int) -> None:
    if status == 200:
        return
    message = f"{place.without_query} answered with status {status}"
    if status in _GONE:
        raise SourceGoneError(message)
    if status in _ASK_AGAIN or status >= 500:
        raise SourceUnavailableError(message)
    raise SourceBrokenError(message)


@contextmanager
def _translated(place: SafeUrl) -> Iterator[None]:
    """Translate errors; they name the place without its query, and quote nothing of the host."""
    try:
        yield
    except httpcore.TimeoutException as exc:
        raise SourceUnavailableError(f"{place.without_query} did not answer in time") from exc
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as exc:
        message = f"{place.without_query} broke off: {type(exc).__name__}"
        if isinstance(exc.__cause__, ssl.SSLCertVerificationError):
            why = exc.__cause__.verify_message
            message = f"{place.without_query} has no valid certificate: {why}"
        raise SourceUnavailableError(message) from exc
