"""No test reaches beyond this machine, and unit tests not even it."""

import socket
import threading

import httpx
import pytest

from tests.network import no_sockets

# https://www.rfc-editor.org/rfc/rfc5737 and rfc2606: nobody's address, nobody's name.
ADDRESS = "192.0.2.1"
NAME = "gateway.example"
Refused = pytest.fail.Exception


@pytest.mark.parametrize("host", [ADDRESS, "2001:db8::1"])
def test_no_other_machine_is_connected_to(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(Refused, match=r"socket\.connect"):
        sock.connect((host, 80))


def test_nothing_is_sent_without_a_connection() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(Refused, match=r"socket\.sendto"),
    ):
        sock.sendto(b"x", (ADDRESS, 53))


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
def test_nothing_listens_for_other_machines(host: str) -> None:
    with socket.socket() as sock, pytest.raises(Refused, match=r"socket\.bind"):
        sock.bind((host, 0))


def test_no_name_is_looked_up() -> None:
    with pytest.raises(Refused, match=r"socket\.getaddrinfo, 'gateway\.example'"):
        socket.getaddrinfo(NAME, 80)
    with pytest.raises(Refused, match=r"socket\.gethostbyname"):
        socket.gethostbyname(NAME)
    with pytest.raises(Refused, match=r"socket\.gethostbyaddr"):
        socket.gethostbyaddr(ADDRESS)


def test_code_that_catches_every_exception_does_not_hide_it() -> None:
    def call() -> str:
        try:
            return httpx.get(f"https://{NAME}/").text
        except Exception:  # noqa: BLE001 - what the guard must not be caught by
            return ""

    with pytest.raises(Refused, match=NAME):
        call()


def test_this_machine_may_be_talked_to() -> None:
    for address in ("127.0.0.1", "127.0.0.2"):
        with socket.create_server((address, 0)) as server:
            socket.create_connection(server.getsockname()).close()
    assert socket.getaddrinfo("localhost", 80)


def test_without_sockets_this_machine_may_not_be_talked_to_either() -> None:
    with no_sockets():
        with pytest.raises(Refused, match="any kind"):
            socket.create_connection(("127.0.0.1", 9))
        told: list[BaseException] = []
        thread = threading.Thread(target=_try_to_listen, args=[told])
        thread.start()
        thread.join()
        left, right = socket.socketpair()
        left.close()
        right.close()
    assert len(told) == 1
    socket.socket().close()


def _try_to_listen(told: list[BaseException]) -> None:
    try:
        socket.create_server(("127.0.0.1", 0))
    except Refused as refused:
        told.append(refused)
