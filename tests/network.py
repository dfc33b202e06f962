"""
Keeps the tests off the network.

Python's audit events tell of every socket in this process, however it came about: through a
library, in a thread, at import. A process that a test starts is not watched; those of this project
listen on, and call, this machine alone.
"""

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_CLOSED_TO_ALL = False
_EARLIER: frozenset[int | None] = frozenset()
_LOCAL_NAMES = frozenset({"", "localhost"})


def guard() -> None:
    """Let nothing leave this machine until the process ends; an audit hook cannot be taken back."""
    sys.addaudithook(_watch)


@contextmanager
def no_sockets() -> Iterator[None]:
    """
    Refuse loopback too while the block runs.

    Threads that earlier tests left to end by themselves, such as the simulator's that try a webhook
    again, keep what all tests may.
    """
    global _CLOSED_TO_ALL, _EARLIER  # noqa: PLW0603 - one hook for the whole process
    before, _CLOSED_TO_ALL = _CLOSED_TO_ALL, True
    others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    _EARLIER = frozenset(others)
    try:
        yield
    finally:
        _CLOSED_TO_ALL = before


def _watch(event: str, args: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None:
        check(event, args)


def _check_creation(event: str, args: tuple[Any, ...]) -> None:
    """Pairs of Unix sockets wake event loops; they lead nowhere."""
    if _CLOSED_TO_ALL and args[1] != socket.AF_UNIX and threading.get_ident() not in _EARLIER:
        _refuse(event, "a socket of any kind")


def _check_address(event: str, args: tuple[Any, ...]) -> None:
    """No host at all means each address of this machine."""
    address = args[1]
    if isinstance(address, tuple) and not (address[0] and _is_local(address[0])):
        _refuse(event, address[0])


def _check_name(event: str, args: tuple[Any, ...]) -> None:
    """To read an address that is written in numbers, nobody is asked."""
    name = _text(args[0])
    if not (_is_local(name) or _is_address(name)):
        _refuse(event, name)


def _check_reverse(event: str, args: tuple[Any, ...]) -> None:
    name = args[0][0] if isinstance(args[0], tuple) else args[0]
    if not _is_local(name):
        _refuse(event, name)


_CHECKS: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
    "socket.__new__": _check_creation,
    "socket.bind": _check_address,
    "socket.connect": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_reverse,
    "socket.getnameinfo": _check_reverse,
}


def _refuse(event: str, target: object) -> None:
    # Derived from BaseException, so that no code under test takes it for a failure of the network.
    raise pytest.fail.Exception(f"a test may not reach the network: {event}, {target!r}")


def _is_local(name: object) -> bool:
    text = _text(name)
    return text in _LOCAL_NAMES or (_is_address(text) and ipaddress.ip_address(text).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _text(name: object) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name or "")
