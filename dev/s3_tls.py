"""One port that speaks TLS and plain HTTP: functions use the one, people and browsers the other."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.serving import ThreadedWSGIServer

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.serving import WSGIRequestHandler

# What a client says first when it wants TLS.
_HANDSHAKE = b"\x16"
_NAMES = ("localhost", "*.localhost")
_LIFE = timedelta(days=30)


class EitherServer(ThreadedWSGIServer):
    """
    Serves a WSGI application on a loopback port, over TLS to those who begin with it.

    Args:
        tls: With a certificate for 127.0.0.1.

    """

    def __init__(
        self, application: Any, handler: type[WSGIRequestHandler], tls: ssl.SSLContext
    ) -> None:
        super().__init__("127.0.0.1", 0, application, handler=handler)
        self._tls = tls
        self._open: set[socket.socket] = set()

    def server_close(self) -> None:
        """End the connections as well; whoever comes over one of them finds nobody."""
        super().server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection for as long as it lasts."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Look at the first byte, in the connection's own thread, and go on as it wants."""
        with suppress(ConnectionError):
            if request.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
                super().finish_request(request, client_address)
                return
            # Whoever does not trust us hangs up in the middle.
            wrap = self._tls.wrap_socket
            with suppress(ssl.SSLError), wrap(request, server_side=True) as secured:
                super().finish_request(secured, client_address)


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """
    Make a certificate authority, and a certificate of it for this machine.

    Returns:
        The file with the authority's certificate, for those who connect, and the server's context.

    """
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _sign("Kie Gateway, local cloud", authority_key, None, authority_key)
    certificate = _sign("127.0.0.1", key, authority, authority_key)
    trust, chain = folder / "authority.pem", folder / "server.pem"
    trust.write_bytes(authority.public_bytes(Encoding.PEM))
    chain.touch(mode=0o600)
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return trust, context


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """Certify a key; itself where there is no authority yet."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(_usage(certifies=authority is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if authority is not None:
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = [here, *map(x509.DNSName, _NAMES)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, SHA256())


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        key_cert_sign=certifies,
        crl_sign=certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
