"""Downloads from a file host that lies, stalls, redirects and breaks off, on loopback sockets."""

import hashlib
import itertools
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from kie_gateway.core.errors.storage_errors import (
    SourceBrokenError,
    SourceForbiddenError,
    SourceGoneError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.files.remote_file import HEAD_BYTES
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.version import VERSION
from tests.contract.hostile_host import (
    Answer,
    FileHost,
    chunked,
    dripped,
    host,
    ok,
    redirect,
    resolved_to,
    server_side,
    write_certificate,
)

BODY = bytes(range(256)) * 2000


def fetcher(file_host: FileHost | None = None, listed: str = "", **options: Any) -> FileFetcher:
    own = f"127.0.0.1:{file_host.port}," if file_host else ""
    limits = {"max_bytes": 1_000_000, "idle_seconds": 0.3, "connect_seconds": 1} | options
    return FileFetcher(ResultHosts.parse(own + listed), **limits)


def fetch(file_host: FileHost, **options: Any) -> bytes:
    with fetcher(file_host, **options).open(file_host.url) as file:
        body = b"".join(iter(lambda: file.read(1000), b""))
        file.finish()
    return body


def test_a_whole_file_arrives_with_its_facts() -> None:
    with (
        host(ok(BODY, Content_Type="image/png; x=y")) as file_host,
        fetcher(file_host).open(file_host.url) as file,
    ):
        assert file_host.url == file.url
        assert (len(BODY), "image/png; x=y") == (file.content_length, file.header_content_type)
        assert BODY[:HEAD_BYTES] == file.head
        assert file.bytes_read == 0
        assert BODY[:10] == file.read(10)
        assert (10, hashlib.sha256(BODY[:10]).hexdigest()) == (file.bytes_read, file.sha256)
        assert BODY[10:] == file.read(1_000_000)
        assert file.read(1) == b""
        file.finish()
        assert (len(BODY), hashlib.sha256(BODY).hexdigest()) == (file.bytes_read, file.sha256)


def test_reads_are_filled_although_the_host_sends_crumbs() -> None:
    with (
        host(chunked(*(b"abc" for _ in range(1000)))) as file_host,
        fetcher(file_host).open(file_host.url) as file,
    ):
        assert file.content_length is None
        assert [len(file.read(1024)) for _ in range(4)] == [1024, 1024, 952, 0]
        file.finish()


def test_a_request_carries_nothing_that_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with host(ok(BODY, Set_Cookie="a=b")) as file_host:
        fetch(file_host)
        fetch(file_host)
        request = file_host.requests[1].lower()

    assert f"host: 127.0.0.1:{file_host.port}\r\n" in request
    assert "accept-encoding: identity\r\n" in request
    assert f"user-agent: kie-gateway/{VERSION}\r\n" in request
    assert "cookie" not in request
    assert "authorization" not in request


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        # bodies that are not what was announced
        (ok(b""), SourceBrokenError),
        (ok(b"", Content_Length=""), SourceBrokenError),
        (chunked(), SourceBrokenError),
        (ok(b"short", Content_Length="9"), SourceUnavailableError),
        (chunked(b"cut", end=b""), SourceUnavailableError),
        (chunked(b"cut", end=b"5\r\nab"), SourceUnavailableError),
        (chunked(b"bad", end=b"zz\r\n"), SourceUnavailableError),
        (
            ok(b"5\r\nhello\r\n0\r\n\r\n", Content_Length="9", Transfer_Encoding="chunked"),
            SourceBrokenError,
        ),
        (ok(b"x", Content_Length="1, 2"), SourceUnavailableError),
        (ok(b"x", Content_Length="-1"), SourceUnavailableError),
        (ok(b"x", Content_Length="0x10"), SourceUnavailableError),
        (ok(b"x", Content_Length="9" * 5000), SourceUnavailableError),
        # too large, said or sent
        (ok(b"x", Content_Length="1000001"), SourceBrokenError),
        (ok(b"x", Content_Length="99999999999999999999"), SourceBrokenError),
        (ok(b"x" * 1_000_001, Content_Length=""), SourceBrokenError),
        (chunked(b"x" * 600_000, b"x" * 600_000), SourceBrokenError),
        # compressed
        (ok(b"\x1f\x8b", Content_Encoding="gzip"), SourceBrokenError),
        (ok(b"x", Content_Encoding="identity, br"), SourceBrokenError),
        (ok(b"x", Transfer_Encoding="gzip, chunked"), SourceUnavailableError),
        # no HTTP
        (b"", SourceUnavailableError),
        (b"hello\r\n\r\n", SourceUnavailableError),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", SourceUnavailableError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\nbody", SourceUnavailableError),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000 + b"\r\nbody", SourceUnavailableError),
    ],
)
def test_a_file_that_is_not_whole_never_ends_well(answer: bytes, error: type[Exception]) -> None:
    with host(answer) as file_host, pytest.raises(error) as failure:
        fetch(file_host)

    assert "secret" not in str(failure.value)


def test_a_failure_is_repeated_and_never_becomes_an_end() -> None:
    with (
        host(chunked(b"x" * (HEAD_BYTES + 1000), end=b"5\r\nab")) as file_host,
        fetcher(file_host).open(file_host.url) as file,
    ):
        for _ in range(3):
            with pytest.raises(SourceUnavailableError):
                file.read(HEAD_BYTES + 2000)
        with pytest.raises(SourceUnavailableError):
            file.finish()


def test_a_file_that_was_not_read_through_is_not_finished() -> None:
    with host(ok(BODY)) as file_host, fetcher(file_host).open(file_host.url) as file:
        file.read(10)
        with pytest.raises(SourceBrokenError):
            file.finish()


def test_an_endless_body_is_cut_off() -> None:
    endless = dripped(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 200_000)
    with host(endless) as file_host, pytest.raises(SourceBrokenError):
        fetch(file_host)


def test_a_bomb_stays_the_few_bytes_it_is() -> None:
    bomb = b"\x1f\x8b\x08" + b"\0" * 1000
    with host(ok(bomb, Content_Encoding="identity")) as file_host:
        assert bomb == fetch(file_host)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, SourceGoneError) for status in (403, 404, 410)),
        *((status, SourceUnavailableError) for status in (408, 425, 429, 500, 502, 503, 599)),
        *((status, SourceBrokenError) for status in (201, 204, 206, 300, 304, 400, 401, 402, 418)),
    ],
)
def test_each_status_has_its_meaning(status: int, error: type[StorageError]) -> None:
    answer = f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n".encode()
    with host(answer) as file_host, pytest.raises(StorageError) as failure:
        fetch(file_host)

    assert error is type(failure.value)
    assert str(status) in failure.value.message
    assert "secret" not in failure.value.message


@pytest.mark.parametrize(
    "answer",
    [
        dripped(b"", b""),
        dripped(b"HTTP/1.1 200 OK\r\n\r\nhello", b""),
        dripped(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000, b""),
    ],
)
def test_silence_ends_the_download(answer: Answer) -> None:
    with host(answer) as file_host, pytest.raises(SourceUnavailableError, match="in time"):
        fetch(file_host)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_dripping_host_is_cut_off_in_every_phase(start: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with host(dripped(start, drop)) as file_host, pytest.raises(SourceUnavailableError):
        fetch(file_host, total_seconds=0.4)

    assert time.monotonic() - began < 2


def test_a_copy_ends_while_there_is_time_to_say_so() -> None:
    began = time.monotonic()
    slow = dripped(b"HTTP/1.1 200 OK\r\n\r\n", b"x")
    with host(slow) as file_host, pytest.raises(SourceUnavailableError):
        fetch(
            file_host,
            time_left=lambda: 77.0 - (time.monotonic() - began),
            keep_seconds=75,
            idle_seconds=20,
        )
    assert time.monotonic() - began < 5


def test_a_copy_that_cannot_end_in_time_is_not_begun() -> None:
    with host(ok(b"x")) as file_host:
        with pytest.raises(SourceUnavailableError, match="too little time"):
            fetch(file_host, time_left=lambda: 75.5, keep_seconds=75)
        with pytest.raises(SourceUnavailableError, match="too little time"):
            fetcher(file_host, time_left=lambda: 6.5).exists(file_host.url)
        assert file_host.requests == []


def test_a_host_that_sends_too_little_is_given_up() -> None:
    hours = itertools.count(step=20.0)
    slow = dripped(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000)
    with host(slow) as file_host, pytest.raises(SourceUnavailableError, match="too little"):
        fetch(file_host, clock=lambda: next(hours), total_seconds=1e6)


def test_time_spent_on_storing_is_not_held_against_the_host() -> None:
    now = 0.0
    with (
        host(ok(b"x" * 500_000)) as file_host,
        fetcher(file_host, clock=lambda: now).open(file_host.url) as file,
    ):
        for _ in range(4):
            file.read(100_000)
            now += 200
        file.read(100_000)
        file.finish()


def test_nobody_listening_is_worth_another_try() -> None:
    with host(b"") as file_host:
        pass
    with pytest.raises(SourceUnavailableError):
        fetch(file_host)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_listed_hosts_are_followed(status: int) -> None:
    with host(ok(BODY)) as target:
        location = f"http://127.0.0.1:{target.port}/other?x=1"
        with host(redirect(location, status)) as first:
            listed = f"127.0.0.1:{target.port}"
            with fetcher(first, listed).open(first.url) as file:
                assert location == file.url
                assert BODY[:HEAD_BYTES] == file.head


def test_a_redirect_may_be_relative() -> None:
    answers = iter([redirect("../there?x=1"), ok(BODY)])
    with host(lambda connection: connection.sendall(next(answers))) as file_host:
        assert fetch(file_host) == BODY

    assert file_host.requests[1].startswith("GET /there?x=1 HTTP/1.1\r\n")


def test_a_redirect_is_asked_for_letter_by_letter() -> None:
    answers = iter([redirect("/a%20b;v=1/c;d=(e)?f=%2F&g=[h]#i"), ok(BODY)])
    with host(lambda connection: connection.sendall(next(answers))) as file_host:
        fetch(file_host)

    assert file_host.requests[1].startswith("GET /a%20b;v=1/c;d=(e)?f=%2F&g=%5Bh%5D HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://127.1:{port}/",
        "http://127.0.0.1.:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://0:{port}/",
        "http://127.0.0.1:{port}@10.0.0.1/",
        "http://10.0.0.1\\@127.0.0.1:{port}/",
        "//10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://\uff11\uff12\uff17.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "https://evil.test/?token=secret",
    ],
)
def test_redirects_out_of_the_list_are_refused(location: str) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(redirect(location.format(port=file_host.port)))

    with host(answer) as file_host, pytest.raises(SourceForbiddenError) as refusal:
        fetch(file_host)

    assert len(file_host.requests) == 1
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize("answer", [redirect("/again"), redirect("")])
def test_redirects_that_lead_nowhere_end(answer: bytes) -> None:
    with host(answer) as file_host, pytest.raises(SourceBrokenError):
        fetch(file_host)

    assert len(file_host.requests) <= 6


@pytest.mark.parametrize(
    "addresses",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1%eth0",
        "8.8.8.8 127.0.0.1",
    ],
)
def test_a_listed_name_must_not_lead_to_a_private_address(addresses: str) -> None:
    files = fetcher(listed="*.results.example", resolve=resolved_to(addresses))

    with pytest.raises(SourceForbiddenError), files.open("https://a.results.example/x"):
        pass


def test_plain_http_goes_to_private_addresses_only() -> None:
    files = fetcher(listed="files.example:8001", resolve=resolved_to("8.8.8.8"))

    with pytest.raises(SourceForbiddenError), files.open("http://files.example:8001/x"):
        pass


def test_a_name_is_resolved_once_and_the_answer_is_what_we_connect_to() -> None:
    with host(ok(BODY)) as file_host:
        listed = f"files.example:{file_host.port}"
        files = fetcher(listed=listed, resolve=resolved_to("127.0.0.1", "127.0.0.2"))
        with files.open(f"http://{listed}/x") as file:
            assert BODY[:HEAD_BYTES] == file.head

    assert f"Host: {listed}\r\n" in file_host.requests[0]


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with host(ok(BODY)) as file_host:
        listed = f"files.example:{file_host.port}"
        files = fetcher(listed=listed, resolve=resolved_to("127.0.0.2 127.0.0.1"))
        with files.open(f"http://{listed}/x") as file:
            assert BODY[:HEAD_BYTES] == file.head


def test_an_address_of_the_new_kind_keeps_its_brackets() -> None:
    with host(ok(BODY)) as file_host:
        listed = f"[::1]:{file_host.port}"
        files = fetcher(listed=listed, resolve=resolved_to("127.0.0.1"))
        with files.open(f"http://{listed}/x"):
            pass

    assert f"Host: {listed}\r\n" in file_host.requests[0]


def test_every_redirect_is_resolved_and_checked_again() -> None:
    with host(redirect("https://a.results.example/x")) as file_host:
        listed = f"files.example:{file_host.port}"
        files = fetcher(
            listed=f"{listed},*.results.example",
            resolve=resolved_to("127.0.0.1", "169.254.169.254"),
        )
        with pytest.raises(SourceForbiddenError), files.open(f"http://{listed}/x"):
            pass


def test_a_name_that_cannot_be_resolved_is_worth_another_try() -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise socket.gaierror("Name or service not known")

    for resolver in (resolve, resolved_to("")):
        files = fetcher(listed="*.results.example", resolve=resolver)
        with pytest.raises(SourceUnavailableError), files.open("https://a.results.example/x"):
            pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "files.pem"
    return write_certificate(path, [x509.DNSName("files.example")])


def test_tls_is_checked_against_the_name_although_we_connect_to_a_number(
    certificate: Path,
) -> None:
    names: list[str] = []
    with host(ok(BODY), server_side(certificate, names)) as file_host:
        files = fetcher(
            listed=f"files.example:{file_host.port}",
            resolve=resolved_to("127.0.0.1"),
            tls=ssl.create_default_context(cafile=str(certificate)),
        )
        with files.open(f"https://files.example:{file_host.port}/x") as file:
            assert file.read(1_000_000) == BODY

    assert names == ["files.example"]
    assert f"Host: files.example:{file_host.port}\r\n" in file_host.requests[0]


@pytest.mark.parametrize(("name", "trusted"), [("other.example", True), ("files.example", False)])
def test_a_wrong_certificate_ends_the_download(certificate: Path, name: str, trusted: bool) -> None:
    with host(ok(BODY), server_side(certificate)) as file_host:
        files = fetcher(
            listed=f"{name}:{file_host.port}",
            resolve=resolved_to("127.0.0.1"),
            tls=ssl.create_default_context(cafile=str(certificate)) if trusted else None,
        )
        with (
            pytest.raises(SourceUnavailableError),
            files.open(f"https://{name}:{file_host.port}/x?token=secret"),
        ):
            pass

    assert file_host.requests == []


def test_a_host_that_never_shakes_hands_is_given_up() -> None:
    with host(dripped(b"", b"")) as file_host:
        files = fetcher(file_host, connect_seconds=0.2)
        with (
            pytest.raises(SourceUnavailableError),
            files.open(f"https://127.0.0.1:{file_host.port}/x"),
        ):
            pass
