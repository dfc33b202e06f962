"""Links of inputs that are tried before they cost anything, on hosts that are out of order."""

import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch.input_links import EMPTY, PAGE, PRIVATE, REFUSED, UNRESOLVED, HttpInputLinks
from tests.contract.hostile_host import (
    Answer,
    FileHost,
    dripped,
    host,
    in_turn,
    internet,
    ok,
    redirect,
    reset,
    resolved_to,
    server_side,
    status,
    write_certificate,
)

FILE = ok(b"x", Content_Type="image/png")
HEAD_OF_A_FILE = ok(b"", Content_Length="5000000", Content_Type="image/png")
PUBLIC = "8.8.8.8"


def links(*listed: FileHost, **options: Any) -> HttpInputLinks:
    hosts = ",".join(["files.example", *(f"127.0.0.1:{one.port}" for one in listed)])
    return HttpInputLinks(ResultHosts.parse(hosts), **options)


def fault(url: str, *listed: FileHost, seconds: float = 5, **options: Any) -> str | None:
    return links(*listed, **options).faults([url], seconds).get(url)


def methods(file_host: FileHost) -> list[str]:
    return [request.partition(" ")[0] for request in file_host.requests]


def test_a_file_is_asked_for_once_and_without_its_body() -> None:
    with host(HEAD_OF_A_FILE) as file_host:
        assert fault(file_host.url, file_host) is None

    [request] = file_host.requests
    assert request.startswith("HEAD /file.bin?token=secret HTTP/1.1\r\n")
    assert "authorization" not in request.lower()
    assert "range" not in request.lower()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ok(b"<html>", Content_Type="text/html; charset=utf-8"), PAGE),
        (ok(b"<html>", Content_Type="TEXT/HTML"), PAGE),
        (ok(b"<html>", Content_Type="application/xhtml+xml"), PAGE),
        (ok(b"", Content_Type="image/png"), EMPTY),
        (b"HTTP/1.1 204 No Content\r\n\r\n", EMPTY),
        (status(416, "Content-Range: bytes */0"), EMPTY),
        (status(401), "leads to a host that requires authorization (status 401)"),
        (status(403), "leads to a host that requires authorization (status 403)"),
        (status(404), "leads to a file that does not exist (status 404)"),
        (status(410), "leads to a file that does not exist (status 410)"),
        (status(400), "leads to a host that refuses the request (status 400)"),
        (status(451), "leads to a host that refuses the request (status 451)"),
    ],
)
def test_what_is_proven_is_told(answer: bytes, expected: str) -> None:
    with host(answer) as file_host:
        assert fault(file_host.url, file_host) == expected

    assert methods(file_host) == ["HEAD", "GET"]
    assert "Range: bytes=0-0\r\n" in file_host.requests[1]


@pytest.mark.parametrize(
    "answer",
    [
        *(status(code) for code in (300, 304, 408, 416, 425, 429, 500, 502, 503)),
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        reset(),
        redirect("/again"),
        redirect(""),
        # Spelt in ways that we do not ask for, and Kie.ai might.
        redirect("ftp://files.example/x"),
        redirect("https://under_score.example/x"),
        redirect("https://[/x"),
    ],
)
def test_what_cannot_be_told_passes(answer: bytes | Answer) -> None:
    with host(answer) as file_host:
        assert fault(file_host.url, file_host) is None


def test_a_link_that_cannot_be_asked_for_passes() -> None:
    for url in ("https://ä.example/x", "https://me:secret@a.example/x", "https://a_b.example/"):
        assert fault(url, resolve=resolved_to("127.0.0.1")) is None


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(status(405), id="HEAD is not allowed"),
        pytest.param(status(501), id="HEAD is not known"),
        pytest.param(status(403), id="signed for GET"),
        pytest.param(ok(b"", Content_Type="text/html"), id="HEAD is answered anyhow"),
    ],
)
def test_a_file_is_a_file_whatever_head_says(head: bytes) -> None:
    """A link to S3 is signed for one method; such a link to a good file was refused for HEAD."""
    with host(in_turn(head, FILE)) as file_host:
        assert fault(file_host.url, file_host) is None

    assert methods(file_host) == ["HEAD", "GET"]


def test_a_host_without_ranges_is_not_read_to_the_end() -> None:
    whole = ok(b"x" * 1000, Content_Length="5000000", Content_Type="image/png")
    with host(in_turn(status(405), whole)) as file_host:
        began = time.monotonic()
        assert fault(file_host.url, file_host) is None

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_host_that_keeps_us_waiting_passes(start: bytes) -> None:
    with host(dripped(start, b"x" if start else b"")) as file_host:
        began = time.monotonic()
        assert fault(file_host.url, file_host, seconds=0.3) is None

    assert time.monotonic() - began < 3


def test_a_name_server_that_keeps_us_waiting_passes() -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        time.sleep(2)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    began = time.monotonic()
    assert fault("https://a.example/x", resolve=resolve, seconds=0.2) is None
    assert time.monotonic() - began < 1.5


def test_all_are_asked_at_once() -> None:
    with host(dripped(b"", b"")) as silent, host(status(404)) as gone, host(FILE) as good:
        urls = [*(f"{silent.url}&{n}" for n in range(28)), gone.url, good.url]
        began = time.monotonic()
        told = links(silent, gone, good).faults(urls, 2)

    assert time.monotonic() - began < 5
    assert told == {gone.url: "leads to a file that does not exist (status 404)"}


# --- places that only we could reach ------------------------------------------------------------


def test_a_private_address_is_told_and_never_asked() -> None:
    with host(FILE) as inside:
        assert fault(inside.url) == PRIVATE
        assert fault(f"http://localhost:{inside.port}/x") == PRIVATE
        assert fault("http://169.254.169.254/latest/meta-data/") == PRIVATE

    assert inside.requests == []


@pytest.mark.parametrize("addresses", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_to_a_private_address_is_told(addresses: str) -> None:
    assert fault("https://a.example/x", resolve=resolved_to(addresses)) == PRIVATE
    assert fault("http://a.example/x", resolve=resolved_to(f"{PUBLIC} {addresses}")) == PRIVATE


def test_a_redirect_to_a_private_address_is_told_and_not_followed() -> None:
    with (
        host(FILE) as inside,
        host(redirect(f"http://127.0.0.1:{inside.port}/secret")) as outside,
    ):
        assert fault(outside.url, outside) == PRIVATE

    assert inside.requests == []


def test_redirects_lead_to_the_page_of_a_login() -> None:
    page = ok(b"<html>", Content_Type="text/html")
    with host(page) as login, host(redirect(f"http://127.0.0.1:{login.port}/login")) as first:
        assert fault(first.url, first, login) == PAGE

    assert methods(login) == ["HEAD", "GET"]


def test_a_name_is_resolved_once_for_each_question() -> None:
    """A second answer of the name server must not lead a question to another place."""
    with host(FILE) as inside:
        resolve = resolved_to(PUBLIC, "127.0.0.1")
        with internet({}) as asked:
            assert fault(f"http://a.example:{inside.port}/x", resolve=resolve) == PRIVATE

    assert (asked, inside.requests) == ([PUBLIC], [])


# --- hosts of the open internet -----------------------------------------------------------------


def test_any_public_host_is_asked_in_plain_text_too() -> None:
    """Kie.ai takes http links as they are; over https, other things might be true."""
    with host(status(404)) as file_host, internet({PUBLIC: file_host.port}):
        told = fault("http://never-listed.example/x", resolve=resolved_to(PUBLIC))

    assert told == "leads to a file that does not exist (status 404)"
    assert "Host: never-listed.example\r\n" in file_host.requests[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "files.pem"
    return write_certificate(path, [x509.DNSName("a.example")])


@pytest.mark.parametrize(("trusted", "expected"), [(True, PAGE), (False, None)])
def test_a_bad_certificate_proves_nothing(
    certificate: Path, trusted: bool, expected: str | None
) -> None:
    trust = ssl.create_default_context(cafile=str(certificate)) if trusted else None
    page = ok(b"<html>", Content_Type="text/html")
    with host(page, server_side(certificate)) as file_host, internet({PUBLIC: file_host.port}):
        told = fault("https://a.example/x", resolve=resolved_to(PUBLIC), tls=trust)

    assert told == expected


def test_nobody_listening_is_told() -> None:
    with host(b"") as file_host:
        pass
    assert fault(file_host.url, file_host) == REFUSED


def test_no_way_there_proves_nothing() -> None:
    with internet({}):
        assert fault("https://a.example/x", resolve=resolved_to(PUBLIC)) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), UNRESOLVED),
        (socket.gaierror(socket.EAI_NODATA, "a name without addresses"), UNRESOLVED),
        (socket.gaierror(socket.EAI_AGAIN, "the name server is out of order"), None),
        (socket.gaierror(socket.EAI_FAIL, "the name server is out of order"), None),
        (UnicodeError("label too long"), None),
    ],
)
def test_a_name_is_unknown_only_if_the_name_server_says_so(
    error: Exception, expected: str | None
) -> None:
    def resolve(*_: Any, **__: Any) -> Sequence[tuple[Any, ...]]:
        raise error

    assert fault("https://a.example/x", resolve=resolve) == expected
