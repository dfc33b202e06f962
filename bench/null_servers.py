"""
A host of files and an S3 that keep nothing, in a process of their own.

moto holds what it is given in memory, which would drown what is measured.
"""

import ipaddress
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_MEBIBYTE = 1024 * 1024
_NOTHING = bytes(_MEBIBYTE)
_S3_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass(frozen=True)
class NullServers:
    """Where they listen; files are asked for as `/<bytes>`, over plain http."""

    files_url: str
    s3_url: str
    certificate: str


@contextmanager
def null_servers() -> Iterator[NullServers]:
    """Run both until the `with` ends."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = _write_certificate(Path(folder) / "s3.pem")
        command = [sys.executable, "-m", "bench.null_servers", certificate]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            if process.stdout is None:
                raise OSError("no way to hear where they listen")
            files_port, s3_port = process.stdout.readline().split()
            try:
                yield NullServers(
                    f"http://127.0.0.1:{files_port}", f"https://127.0.0.1:{s3_port}", certificate
                )
            finally:
                process.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def answer(self, body: bytes = b"") -> None:
        self.send_response(200)
        self.send_header("ETag", '"x"')
        self.send_header("x-amz-checksum-crc32", "AAAAAA==")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Files(_Handler):
    def do_GET(self) -> None:
        size = int(self.path.removeprefix("/"))
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for start in range(0, size, _MEBIBYTE):
            self.wfile.write(_NOTHING[: size - start])


class _S3(_Handler):
    def do_PUT(self) -> None:
        _discard(self.rfile, self.headers["Content-Length"])
        self.answer()

    def do_POST(self) -> None:
        _discard(self.rfile, self.headers["Content-Length"] or "0")
        if self.path.endswith("uploads"):
            self.answer(_xml("InitiateMultipartUploadResult", "<UploadId>u</UploadId>"))
        else:
            self.answer(_xml("CompleteMultipartUploadResult", '<ETag>"x"</ETag>'))


def _xml(name: str, inside: str) -> bytes:
    return f"<{name} {_S3_NAMESPACE}>{inside}</{name}>".encode()


def _discard(body: BufferedIOBase, content_length: str | None) -> None:
    """Read a body of known length, or one sent in chunks."""
    if content_length is not None:
        _skip(body, int(content_length))
        return
    while size := int(body.readline(), 16):
        _skip(body, size + 2)
    body.readline()


def _skip(body: BufferedIOBase, size: int) -> None:
    while size:
        got = len(body.read(min(size, _MEBIBYTE)))
        if not got:
            raise ConnectionError("the body broke off")
        size -= got


def _write_certificate(path: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "null s3")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return str(path)


def main() -> None:
    """Listen, and say on which ports."""
    files = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    s3 = ThreadingHTTPServer(("127.0.0.1", 0), _S3)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(sys.argv[1])
    s3.socket = trust.wrap_socket(s3.socket, server_side=True)
    print(files.server_port, s3.server_port, flush=True)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    s3.serve_forever()


if __name__ == "__main__":
    main()
