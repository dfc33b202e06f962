"""A file host that does whatever a test says, on loopback sockets, and names that lead to it."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

type Answer = Callable[[socket.socket], None]
type Resolve = Callable[..., list[tuple[Any, ...]]]


class FileHost:
    """
    Answers every connection with the bytes it was told to.

    Args:
        blunt: Whether it answers before it has read a request, or shaken hands.

    Attributes:
        requests: Heads of the requests, as they came.
    """

    def __init__(
        self, answer: Answer, tls: ssl.SSLContext | None = None, *, blunt: bool = False
    ) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self._tls = tls
        self._blunt = blunt
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/file.bin?token=secret"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            # Closing alone would leave the thread waiting, and the port open.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(connection)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            request = b""
            while not self._blunt and b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            self.requests.append(request.decode())
            self.answer(connection, request)

    def answer(self, connection: socket.socket, request: bytes) -> None:
        self._answer(connection)


@contextmanager
def host(
    answer: Answer | bytes, tls: ssl.SSLContext | None = None, *, blunt: bool = False
) -> Iterator[FileHost]:
    told = said(answer) if isinstance(answer, bytes) else answer
    file_host = FileHost(told, tls, blunt=blunt)
    try:
        yield file_host
    finally:
        file_host.close()


# --- answers ------------------------------------------------------------------------------------


def said(answer: bytes) -> Answer:
    return lambda connection: connection.sendall(answer)


def in_turn(*answers: bytes) -> Answer:
    """Answer each connection with the next of these, and with the last one for ever."""
    left = list(answers)

    def answer(connection: socket.socket) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return answer


def dripped(start: bytes, drop: bytes, pause_seconds: float = 0.02) -> Answer:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            time.sleep(pause_seconds)
            connection.sendall(drop)

    return drip


def poured(start: bytes, part: bytes) -> Answer:
    """Send the same again and again, as fast as it is taken."""

    def pour(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(part)

    return pour


def reset(start: bytes = b"") -> Answer:
    """Say so much, then reset the connection instead of closing it."""

    def cut(connection: socket.socket) -> None:
        connection.sendall(start)
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return cut


def without_goodbye(start: bytes) -> Answer:
    """Say so much over TLS, then end the connection below it, as anybody on the way could."""

    def cut(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.shutdown(socket.SHUT_RDWR)

    return cut


def with_goodbye(start: bytes) -> Answer:
    """Say so much over TLS and close it properly."""

    def close(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        connection.sendall(start)
        connection.unwrap()

    return close


def ok(body: bytes, **headers: str) -> bytes:
    """A whole answer; a header without a value is left out."""
    lines = {"Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


def status(code: int, *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {code} So\r\n{head}Content-Length: 0\r\n\r\n".encode()


def redirect(location: str, code: int = 302) -> bytes:
    return status(code, f"Location: {location}")


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + end


# --- names --------------------------------------------------------------------------------------


def resolved_to(*answers: str) -> Resolve:
    """A name server that gives these sets of addresses in turn, and the last one for ever."""
    left = list(answers)

    def resolve(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        found = (left.pop(0) if len(left) > 1 else left[0]).split()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    return resolve


@contextmanager
def internet(ports: Mapping[str, int]) -> Iterator[list[str]]:
    """
    Let public addresses lead to ports of this machine, and every other address nowhere.

    Yields:
        The addresses that connections were asked for.
    """
    asked: list[str] = []
    connect = socket.create_connection

    def route(place: tuple[str, int], *arguments: Any, **named: Any) -> socket.socket:
        asked.append(place[0])
        if place[0] not in ports:
            raise OSError("no way there")
        return connect(("127.0.0.1", ports[place[0]]), *arguments, **named)

    with patch.object(socket, "create_connection", route):
        yield asked


# --- certificates -------------------------------------------------------------------------------


def write_certificate(path: Path, names: Iterable[x509.GeneralName], *, days: int = 1) -> Path:
    """Write a self-signed certificate with its key; one of less than no days has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, path.stem)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return path


def server_side(certificate: Path, names: list[str] | None = None) -> ssl.SSLContext:
    """Serve with a certificate; `names` hears whom each client wants to speak to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if names is not None:
        context.sni_callback = lambda _socket, name, _context: names.append(str(name))
    return context
