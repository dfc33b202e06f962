"""Where result files may be fetched from: the rules that keep a link out of private networks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import quote, urlsplit

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.storage_errors import HostNotListedError, SourceForbiddenError

type Address = IPv4Address | IPv6Address

HTTPS_PORT = 443
LONGEST_URL = 8192

# One expression for links and for the list: what does not fit (user names, percent signs, other
# alphabets, ports with leading zeros) is refused instead of being understood in some way.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"

_UNICAST6 = IPv6Network("2000::/3")
# Unicast by the letter, but a second address or no host at all hides in them.
_HIDING = tuple(
    ip_network(text) for text in ("2001::/23", "2002::/16", "3fff::/20", "192.88.99.0/24")
)


@dataclass(frozen=True)
class SafeUrl:
    """
    A link that passed `ResultHosts.check`.

    Attributes:
        scheme: "https"; "http" for a listed private address, and where any host will do.
        host: Lower-case name or address, IPv6 without brackets.
        target: Path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _usual_port(self.scheme) else f"{host}:{self.port}"

    @property
    def without_query(self) -> str:
        """The link as it may be shown: queries carry signatures."""
        return str(self).partition("?")[0]


@dataclass(frozen=True)
class ResultHosts:
    """
    The list of hosts that results are fetched from.

    Attributes:
        exact: Host and port of every plain entry.
        wildcards: Suffix with its leading dot, and port, of every `*.` entry.
        trusted: Entries spelt with a port: they alone may lead to private addresses.
        anywhere: Whether every public host will do, over http too. Of no use for results: it is
            for links that others are going to fetch.
    """

    exact: frozenset[tuple[str, int]]
    wildcards: frozenset[tuple[str, int]]
    trusted: frozenset[tuple[str, int]]
    anywhere: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a comma-separated list such as `*.example.com,cdn.example.org,127.0.0.1:8001`.

        Raises:
            ConfigurationError: Naming the first entry that cannot be used.
        """
        exact, wildcards, trusted = set(), set(), set()
        for entry in filter(None, (part.strip() for part in text.split(","))):
            host, port = _read_entry(entry)
            if entry.startswith("*."):
                wildcards.add((f".{host}", port or HTTPS_PORT))
                continue
            exact.add((host, port or HTTPS_PORT))
            if port is not None:
                trusted.add((host, port))
        if not exact and not wildcards:
            raise ConfigurationError("the list of result hosts is empty")
        return cls(frozenset(exact), frozenset(wildcards), frozenset(trusted))

    def check(self, url: str) -> SafeUrl:
        """
        Accept a link or say why not. No name is resolved here: see `allows_address`.

        Plain http survives only for entries spelt with a port; other links are upgraded, because
        Kie.ai's documentation shows http links to hosts that speak https.

        Raises:
            SourceForbiddenError: The message names the host at most, never the rest of the link.
        """
        scheme, netloc, path, query = _split(url)
        host, port = _read_place(netloc, SourceForbiddenError)
        if scheme == "http" and not self._takes_http(host, port or _usual_port("http")):
            scheme, port = "https", None if port == _usual_port("http") else port
        port = port or _usual_port(scheme)
        if not (self.anywhere or self._lists(host, port)):
            shown = host if port == HTTPS_PORT else f"{host}:{port}"
            raise HostNotListedError(f"{_shown(netloc)} is not a listed result host", shown)
        target = quote(path or "/", safe=_PATH_CHARACTERS)
        if query:
            target += "?" + quote(query, safe=_QUERY_CHARACTERS)
        return SafeUrl(scheme, host, port, target)

    def allows_address(self, address: str, host: str, port: int) -> bool:
        """Whether the listed host may be reached at the address its name resolved to."""
        return (host, port) in self.trusted or is_public(address)

    def allows_address_over_http(self, address: str) -> bool:
        """Whether an address that may be reached may be asked without encryption."""
        return self.anywhere or not is_public(address)

    def _takes_http(self, host: str, port: int) -> bool:
        return self.anywhere or (host, port) in self.trusted

    def _lists(self, host: str, port: int) -> bool:
        suffixes = ((suffix, port) for suffix in _suffixes(host))
        return (host, port) in self.exact or any(suffix in self.wildcards for suffix in suffixes)


def is_public(address: str) -> bool:
    """Whether an address is a host of the open internet and hides no other address within it."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip not in _UNICAST6:
        # Loopback, unique local, link local, multicast, IPv4-mapped, NAT64, unassigned.
        return False
    if any(ip in network for network in _HIDING):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_address(host: str) -> bool:
    """Whether a host is a number instead of a name."""
    return _as_address(host) is not None


def _split(url: str) -> tuple[str, str, str, str]:
    # isprintable() is False for controls, line ends, joiners and text-direction marks;
    # a backslash is a slash to some readers and a name character to others.
    if len(url) > LONGEST_URL or not url.isprintable() or "\\" in url or url != url.strip():
        raise SourceForbiddenError(
            "the link is too long or contains characters that are not valid in links"
        )
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise SourceForbiddenError("the link is not valid") from exc
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise SourceForbiddenError("the link is not an absolute https link")
    return parts.scheme, parts.netloc, parts.path, parts.query


def _read_entry(entry: str) -> tuple[str, int | None]:
    try:
        host, port = _read_place(entry.removeprefix("*."), ValueError)
        address = _as_address(host)
    except ValueError as exc:
        raise ConfigurationError(f"result host {entry!r}: {exc}") from exc
    if entry.startswith("*.") and (address or "." not in host):
        raise ConfigurationError(f"result host {entry!r}: a wildcard needs a domain of two labels")
    if port is None and (address or host == "localhost" or host.endswith(".localhost")):
        raise ConfigurationError(f"result host {entry!r}: an address needs its port, host:port")
    return host, port


def _read_place(text: str, error: type[Exception]) -> tuple[str, int | None]:
    """Split `host[:port]` and make sure that everybody would read the host in the same way."""
    match = _PLACE.fullmatch(text)
    if not match:
        raise error(f"{_shown(text)} is not a plain host name")
    host, port = match[1].lower(), int(match[2]) if match[2] else None
    if port is not None and port > 65535:
        raise error(f"{_shown(text)} has no valid port")
    return _plain_host(host, error), port


def _plain_host(host: str, error: type[Exception]) -> str:
    bare = host.strip("[]")
    if address := _as_address(bare):
        well_formed = host == (f"[{bare}]" if address.version == 6 else bare)
    else:
        labels = host.split(".")
        # Resolvers take 2130706433, 0177.1 and 0x7f.1 for addresses; we take them for nothing.
        well_formed = len(host) <= 253 and not _NUMERIC_LABEL.fullmatch(labels[-1])
        well_formed = well_formed and all(_LABEL.fullmatch(label) for label in labels)
    if not well_formed:
        raise error(f"{_shown(host)} is not a plain host name")
    return bare


def _as_address(host: str) -> Address | None:
    """Read an address in its one canonical form; None for anything else."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if str(address) == host else None


def _suffixes(host: str) -> Iterator[str]:
    labels = host.split(".")
    return ("." + ".".join(labels[first:]) for first in range(1, len(labels)))


def _usual_port(scheme: str) -> int:
    return HTTPS_PORT if scheme == "https" else 80


def _shown(netloc: str) -> str:
    # A user name or password before the @ is not ours to repeat.
    return repr(netloc.rpartition("@")[2][:100])
