"""One request at a time through a guarded network, on a connection of its own."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

import certifi
import httpcore

from kie_gateway.core.files.result_hosts import ResultHosts, SafeUrl
from kie_gateway.fetch.network import GuardedNetwork, Patience, Resolve
from kie_gateway.version import VERSION

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

type Headers = Mapping[bytes | str, bytes | str]

NOTHING_MORE: Headers = {}
_HEADERS: Headers = {
    "Accept": "*/*",
    # A compressed answer could unfold to any size, and would not be the file itself.
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": f"kie-gateway/{VERSION}",
}


class GuardedClient:
    """
    Asks hosts that nobody vouches for.

    Args:
        timeouts: Longest waits in seconds, as httpcore names them: `connect`, `read`, `write`.
        resolve: Same shape as `socket.getaddrinfo`.
        tls: Trust to use; None stands for the public certificate authorities.
    """

    def __init__(
        self,
        hosts: ResultHosts,
        *,
        timeouts: Mapping[str, float],
        resolve: Resolve = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = hosts
        self._timeouts = timeouts
        self._resolve = resolve
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Built once, and only when needed: reading the authorities costs some 20 ms."""
        return self._given_tls or ssl.create_default_context(cafile=certifi.where())

    @contextmanager
    def ask(
        self,
        place: SafeUrl,
        patience: Patience,
        *,
        method: str = "GET",
        more: Headers = NOTHING_MORE,
        content: bytes | None = None,
    ) -> Iterator[httpcore.Response]:
        """
        Send a request; what is left unread of the answer is closed with the connection.

        Args:
            more: Headers beside those that every request has.
            content: The body; None for a request without one.

        Raises:
            SourceForbiddenError: The host has an address that is not allowed.
            SourceUnavailableError: Its name is not resolved, or it is too slow.
            httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException: As they say.
        """
        network = GuardedNetwork(
            self._hosts,
            encrypted=place.scheme == "https",
            patience=patience,
            resolve=self._resolve,
        )
        # Not from the text: httpcore would lose `;parameters` of the path and the brackets of IPv6.
        url = httpcore.URL(
            scheme=place.scheme, host=place.host, port=place.port, target=place.target
        )
        with (
            httpcore.HTTPConnection(
                url.origin, ssl_context=self._tls, network_backend=network
            ) as connection,
            connection.stream(
                method,
                url,
                headers={"Host": place.authority, **_HEADERS, **_length(content), **more},
                content=content,
                extensions={"timeout": self._timeouts},
            ) as answer,
        ):
            yield answer


def _length(content: bytes | None) -> dict[bytes | str, bytes | str]:
    return {} if content is None else {"Content-Length": str(len(content))}


def header(answer: httpcore.Response, name: str) -> str | None:
    """Read the first header of that name."""
    wanted = name.encode()
    for key, value in answer.headers:
        if key.lower() == wanted:
            return value.decode("utf-8", "replace").strip()
    return None
