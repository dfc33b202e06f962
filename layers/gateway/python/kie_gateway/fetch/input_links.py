"""Links of inputs, asked whether they lead to a file, by the rules for the hosts of results."""

import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urljoin

import httpcore

from kie_gateway.core.errors.storage_errors import SourceForbiddenError, SourceUnavailableError
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch.client import (
    MOST_REDIRECTS,
    NOTHING_MORE,
    REDIRECTS,
    GuardedClient,
    Headers,
    header,
)
from kie_gateway.fetch.network import Clock, Patience, Resolve

_CONNECT_SECONDS = 5.0
# Slow, early or too many; and a range that the file does not have.
_SAYS_NOTHING = frozenset({408, 416, 425, 429})
_NO_CONTENT = frozenset({204, 205})
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
# A name server that is out of order says something else.
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
# To tell that a file is there, no more of it is needed.
_FIRST_BYTE: Headers = {"Range": "bytes=0-0"}

PRIVATE = "leads to a private address, which Kie.ai cannot reach"
UNRESOLVED = "leads to a host whose name does not exist"
REFUSED = "leads to a host that refuses connections"
PAGE = "leads to a page, not to a file; for Google Drive, use a direct download link"
EMPTY = "leads to an empty file"


class Verdict(NamedTuple):
    """
    What an answer tells of a link.

    Attributes:
        is_file: Whether it leads to a file.
        fault: Why it surely does not; None if it does or nobody can tell.
    """

    is_file: bool
    fault: str | None


_FILE = Verdict(is_file=True, fault=None)
_UNTOLD = Verdict(is_file=False, fault=None)


class HttpInputLinks:
    """
    Links of inputs, as flows need them (`core/ports/files.py`, InputLinks).

    Any public host is asked, over http too, since that is what Kie.ai would do. Private addresses
    are left alone unless their host and port are listed.

    Args:
        hosts: The deployment's list, for the private addresses on it.
        resolve: Same shape as `socket.getaddrinfo`.
        clock: Seconds that never run backwards.
        tls: Trust to use; None stands for the public certificate authorities.
    """

    def __init__(
        self,
        hosts: ResultHosts,
        *,
        resolve: Resolve = socket.getaddrinfo,
        clock: Clock = time.monotonic,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = replace(hosts, anywhere=True)
        self._client = GuardedClient(
            self._hosts, timeouts={"connect": _CONNECT_SECONDS}, resolve=resolve, tls=tls
        )
        self._clock = clock

    def faults(self, urls: Sequence[str], seconds: float) -> dict[str, str]:
        """Ask for all of them at once; what was not heard of in time has no fault."""
        pool = ThreadPoolExecutor(max_workers=len(urls))
        try:
            asked = [
                pool.submit(self._fault, url, Patience(total_seconds=seconds, clock=self._clock))
                for url in urls
            ]
            done, _ = wait(asked, timeout=seconds)
        finally:
            # A name server may keep a thread for longer than anybody waits.
            pool.shutdown(wait=False, cancel_futures=True)
        told = zip(urls, asked, strict=True)
        return {url: fault for url, one in told if one in done and (fault := one.result())}

    def _fault(self, url: str, patience: Patience) -> str | None:
        """
        Ask with HEAD, and believe nothing but good of its answer: then GET has to say the same.

        Many hosts answer HEAD with something of their own, and a link that was signed for GET is
        refused for HEAD (repost.aws/knowledge-center/s3-presigned-url-signature-mismatch).
        """
        if self._look(url, "HEAD", patience).is_file:
            return None
        return self._look(url, "GET", patience).fault

    def _look(self, url: str, method: str, patience: Patience) -> Verdict:
        more = _FIRST_BYTE if method == "GET" else NOTHING_MORE
        for _ in range(MOST_REDIRECTS + 1):
            try:
                place = self._hosts.check(url)
            except SourceForbiddenError:
                # Spelt in a way that we do not ask for; Kie.ai may understand it.
                return _UNTOLD
            try:
                with self._client.ask(place, patience, method=method, more=more) as answer:
                    if answer.status not in REDIRECTS:
                        return _judged(answer)
                    url = urljoin(str(place), header(answer, "location") or "")
            except SourceForbiddenError:
                return Verdict(is_file=False, fault=PRIVATE)
            except (SourceUnavailableError, httpcore.ConnectError) as exc:
                return _judged_unreached(exc.__cause__)
            except (
                httpcore.TimeoutException,
                httpcore.NetworkError,
                httpcore.ProtocolError,
                OSError,
                ValueError,
            ):
                return _UNTOLD
        return _UNTOLD


def _judged(answer: httpcore.Response) -> Verdict:
    status = answer.status
    if 200 <= status < 300:
        return _judged_good(answer)
    if status == 416 and header(answer, "content-range") == "bytes */0":
        # RFC 9110, section 14.4: of nothing there is no first byte.
        return Verdict(is_file=False, fault=EMPTY)
    if status in _SAYS_NOTHING or not 400 <= status < 500:
        return _UNTOLD
    if status in {401, 403}:
        fault = f"leads to a host that requires authorization (status {status})"
    elif status in {404, 410}:
        fault = f"leads to a file that does not exist (status {status})"
    else:
        fault = f"leads to a host that refuses the request (status {status})"
    return Verdict(is_file=False, fault=fault)


def _judged_good(answer: httpcore.Response) -> Verdict:
    if answer.status in _NO_CONTENT or header(answer, "content-length") == "0":
        return Verdict(is_file=False, fault=EMPTY)
    content_type = (header(answer, "content-type") or "").partition(";")[0].strip().lower()
    return Verdict(is_file=False, fault=PAGE) if content_type in _PAGES else _FILE


def _judged_unreached(cause: BaseException | None) -> Verdict:
    match cause:
        case ConnectionRefusedError():
            return Verdict(is_file=False, fault=REFUSED)
        case socket.gaierror() if cause.errno in _NO_SUCH_NAME:
            return Verdict(is_file=False, fault=UNRESOLVED)
        case _:
            return _UNTOLD
