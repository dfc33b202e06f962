"""
The way to a file host: only to addresses that were checked, only for as long as we are patient.

httpcore is used without httpx on top: it takes a network of our own, and it knows no redirects,
cookies, proxies, environment variables or decompression that would have to be switched off.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from kie_gateway.core.errors.storage_errors import SourceForbiddenError, SourceUnavailableError
from kie_gateway.core.files.result_hosts import ResultHosts

# The shape of socket.getaddrinfo.
type Resolve = Callable[..., list[tuple[Any, ...]]]
type Clock = Callable[[], float]

# A host that drips is cut off below this rate, once it made us wait this long in all.
LEAST_BYTES_PER_SECOND = 8 * 1024
GRACE_SECONDS = 60.0


class Patience:
    """
    How long one download may take, redirects included.

    Only time spent waiting for the file host counts against its rate, not time spent on S3.
    """

    def __init__(self, *, total_seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._deadline = clock() + total_seconds
        self._waited_seconds = 0.0
        self._received_bytes = 0

    def longest_wait(self, wanted_seconds: float | None) -> float:
        """Return the seconds that the next step may take: those wanted, or all that is left."""
        left_seconds = self._deadline - self._clock()
        if left_seconds <= 0:
            raise SourceUnavailableError("the file host was too slow; the time is up")
        return min(wanted_seconds or left_seconds, left_seconds)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time within as waiting for the host."""
        began = self._clock()
        yield
        self._waited_seconds += self._clock() - began

    def received(self, size: int) -> None:
        """Count bytes, and give up on a host that sends too few of them."""
        self._received_bytes += size
        owed_bytes = self._waited_seconds * LEAST_BYTES_PER_SECOND
        if self._waited_seconds > GRACE_SECONDS and self._received_bytes < owed_bytes:
            raise SourceUnavailableError("the file host sent too little in too long a time")


class GuardedNetwork(httpcore.NetworkBackend):
    """
    Connects to what a name resolved to, after every address was checked.

    The name is resolved once and the connection goes to the numbers, so a second answer of the
    name server cannot lead elsewhere; TLS and the Host header keep the name.
    """

    def __init__(
        self, hosts: ResultHosts, *, encrypted: bool, patience: Patience, resolve: Resolve
    ) -> None:
        self._hosts = hosts
        self._encrypted = encrypted
        self._patience = patience
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the addresses one after the other."""
        failure: Exception | None = None
        for address in self._safe_addresses(host, port):
            seconds = self._patience.longest_wait(timeout)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
                continue
            return PatientStream(stream, self._patience)
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _safe_addresses(self, host: str, port: int) -> list[str]:
        """One bad address among good ones condemns the name: no honest host mixes them."""
        try:
            answers = self._resolve(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise SourceUnavailableError(f"{host} could not be resolved") from exc
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        for address in addresses:
            if not self._hosts.allows_address(address, host, port):
                raise SourceForbiddenError(f"{host} leads to the private address {address}")
            if not (self._encrypted or self._hosts.allows_address_over_http(address)):
                raise SourceForbiddenError(f"{host} is public and must be fetched over https")
        return addresses


class PatientStream(httpcore.NetworkStream):
    """A connection whose every step is limited by the patience that is left."""

    def __init__(self, stream: httpcore.NetworkStream, patience: Patience) -> None:
        self._stream = stream
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for some bytes."""
        seconds = self._patience.longest_wait(timeout)
        with self._patience.waiting():
            part = self._stream.read(max_bytes, seconds)
        self._patience.received(len(part))
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send the request."""
        self._stream.write(buffer, self._patience.longest_wait(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands under the name, not the address."""
        seconds = self._patience.longest_wait(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        # RFC 9112, section 9.8: a body that ends with the connection is whole only if TLS was
        # closed too; anybody on the way can end a connection.
        stream.get_extra_info("socket").suppress_ragged_eofs = False
        return PatientStream(stream, self._patience)

    def close(self) -> None:
        """Close the socket."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """Answer httpcore's questions about the socket."""
        return self._stream.get_extra_info(info)
