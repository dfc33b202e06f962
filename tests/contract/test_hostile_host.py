"""
A file host tries everything; the copy ends in time, in little memory, with a clear word.

Each trick goes through the real download, the real copy and a real S3: nothing of a file that did
not come whole may ever be seen in the bucket.
"""

import itertools
import os
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography import x509

from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, Status, Task
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.media.measure import measure
from sam_template.template import Template
from tests.contract.clouds import Cloud, cloud_at, door, s3_endpoint, write_cloud_certificate
from tests.contract.hostile_host import (
    Answer,
    FileHost,
    Resolve,
    chunked,
    dripped,
    host,
    in_turn,
    internet,
    ok,
    poured,
    redirect,
    reset,
    resolved_to,
    said,
    server_side,
    status,
    with_goodbye,
    without_goodbye,
    write_certificate,
)
from tests.fakes import Clock, FakeProvider, FakeTaskStore
from tests.makers import NOW, UPSTREAM_ID, storing_task, typical_seconds

NAME = "files.results.example"
LINK = f"https://{NAME}/file.png?sig=secret"
PUBLIC = "93.184.216.34"
LARGEST_FILE_BYTES = 1_000_000
MOST_SECONDS = 3
# What both hosts take for themselves is included.
MOST_MEMORY_BYTES = 24 * 1024 * 1024

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x30\x08\2\0\0\0" + os.urandom(400_000)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + os.urandom(1000)
PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"
S3_ERROR = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
BROKEN_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def clouds(folder: Path) -> Iterator[dict[str, Cloud]]:
    trust = write_cloud_certificate(folder)
    with ExitStack() as stack:
        endpoint = stack.enter_context(s3_endpoint(trust))
        # Both are doors to the same S3, so one bucket serves them.
        cloud = stack.enter_context(cloud_at(endpoint, trust))
        yield {"one request": cloud, "parts": door(endpoint, trust, in_parts=True)}


@pytest.fixture(params=["one request"])
def cloud(request: pytest.FixtureRequest, clouds: dict[str, Cloud]) -> Iterator[Cloud]:
    chosen = clouds[request.param]
    chosen.calls.clear()
    yield chosen
    if chosen.calls:
        chosen.bucket.delete_folder("")


both_ways = pytest.mark.parametrize("cloud", ["one request", "parts"], indirect=True)


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Path:
    return write_certificate(folder / "files.pem", [x509.DNSName(NAME)])


@dataclass
class Scene:
    """One copy of one link, and what it left behind."""

    cloud: Cloud
    certificate: Path
    link: str = LINK
    resolve: Resolve = field(default_factory=lambda: resolved_to(PUBLIC))
    kie: FakeProvider = field(default_factory=FakeProvider)
    limits: dict[str, Any] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)

    def copy(self, file_host: FileHost | None = None, trust: Sequence[Path] = ()) -> Task:
        """Copy from a host that stands behind the one public address."""
        self.task = storing_task(sources=(Source(self.link),))
        self.record = FakeTaskStore(self.task)
        limits = {"connect_seconds": 0.3, "idle_seconds": 0.2, "total_seconds": 0.6}
        files = FileFetcher(
            ResultHosts.parse("*.results.example"),
            resolve=self.resolve,
            tls=trusting(self.certificate, *trust),
            **{"max_bytes": LARGEST_FILE_BYTES, **limits, **self.limits},
        )
        copier = copier_of(self.cloud, files, self.record, self.kie, Clock())
        began = time.monotonic()
        tracemalloc.start()
        try:
            with internet({PUBLIC: file_host.port} if file_host else {}) as asked:
                after = copier(self.task)
            _, self.peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert time.monotonic() - began < MOST_SECONDS
        assert "secret" not in self.words
        self.connected = asked
        return after

    @property
    def words(self) -> str:
        return self.record.words(self.task)

    def assert_nothing_came(self, words: str, *, given_up: bool = False) -> None:
        """Assert that the copy failed, says why, and left nothing in the bucket."""
        after = self.record.the(self.task)
        assert after.status is (Status.EXPIRED if given_up else Status.STORING)
        assert after.outputs == ()
        assert after.storing_until is None
        assert words in self.words
        assert self.peak_bytes < MOST_MEMORY_BYTES
        assert after.attention is (Attention.STORAGE_FAILED if given_up else None)
        assert (after.next_at is None) is given_up
        # Nothing is in a bucket that was not asked for anything.
        if self.cloud.calls:
            assert self.cloud.objects() == []
            assert self.cloud.half_uploads() == 0


def trusting(*certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates[0]))
    for certificate in certificates[1:]:
        context.load_verify_locations(certificate)
    return context


def copier_of(
    cloud: Cloud, files: FileFetcher, tasks: TaskStore, kie: FakeProvider, clock: Clock
) -> StoreOutputs:
    return StoreOutputs(
        tasks=tasks,
        files=files,
        outputs=cloud.bucket,
        kie=kie,
        policy=PollPolicy(
            first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds
        ),
        measure=measure,
        now=clock.now,
    )


@pytest.fixture
def scene(cloud: Cloud, certificate: Path) -> Scene:
    return Scene(cloud, certificate)


# --- links that lead where we must not go ---------------------------------------------------------

NOT_LISTED, NOT_PLAIN, NOT_A_LINK = "not a listed result host", "not a plain host name", "the link"
FORBIDDEN = {
    "loopback": ("https://127.0.0.1/", NOT_LISTED),
    "loopback over http": ("http://127.0.0.1/", NOT_LISTED),
    "another loopback": ("https://127.8.8.8/", NOT_LISTED),
    "loopback of IPv6": ("https://[::1]/", NOT_LISTED),
    "localhost": ("https://localhost/", NOT_LISTED),
    "private 10": ("https://10.0.0.1/", NOT_LISTED),
    "private 172": ("https://172.16.0.1/", NOT_LISTED),
    "private 192": ("https://192.168.0.1/", NOT_LISTED),
    "carrier": ("https://100.64.0.1/", NOT_LISTED),
    "link local": ("https://169.254.1.1/", NOT_LISTED),
    "link local of IPv6": ("https://[fe80::1]/", NOT_LISTED),
    "zone": ("https://[fe80::1%25eth0]/", NOT_PLAIN),
    "metadata": ("http://169.254.169.254/latest/meta-data/", NOT_LISTED),
    "metadata of IPv6": ("http://[fd00:ec2::254]/latest/meta-data/", NOT_LISTED),
    "metadata of containers": ("http://169.254.170.2/v2/credentials", NOT_LISTED),
    "runtime API": ("http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", NOT_LISTED),
    "everywhere": ("https://0.0.0.0/", NOT_LISTED),
    "nobody of IPv6": ("https://[::]/", NOT_LISTED),
    "broadcast": ("https://255.255.255.255/", NOT_LISTED),
    "IPv6-mapped": ("https://[::ffff:127.0.0.1]/", NOT_LISTED),
    "IPv6-mapped in hex": ("https://[::ffff:7f00:1]/", NOT_PLAIN),
    "NAT64": ("https://[64:ff9b::7f00:1]/", NOT_LISTED),
    "6to4": ("https://[2002:7f00:1::]/", NOT_LISTED),
    "decimal": ("https://2130706433/", NOT_PLAIN),
    "octal": ("https://0177.0.0.1/", NOT_PLAIN),
    "hex": ("https://0x7f000001/", NOT_PLAIN),
    "dotted hex": ("https://0x7f.0.0.1/", NOT_PLAIN),
    "short": ("https://127.1/", NOT_PLAIN),
    "shortest": ("https://0/", NOT_PLAIN),
    "padded": ("https://127.000.000.001/", NOT_PLAIN),
    "trailing dot": ("https://127.0.0.1./", NOT_PLAIN),
    "wide digits": ("https://\uff11\uff12\uff17.0.0.1/", NOT_PLAIN),
    "circled letters": ("https://\u24d5iles.results.example/", NOT_PLAIN),
    "user": (f"https://{NAME}@169.254.169.254/", NOT_PLAIN),
    "user and password": (f"https://{NAME}:443@10.0.0.1/", NOT_PLAIN),
    "the host as a user": (f"https://me:pw@{NAME}/", NOT_PLAIN),
    "backslash": (f"https://10.0.0.1\\@{NAME}/", NOT_A_LINK),
    "percent": (f"https://10.0.0.1%2f{NAME}/", NOT_PLAIN),
    "another host": ("https://evil.example/", NOT_LISTED),
    "a host that ends alike": ("https://evilresults.example/", NOT_LISTED),
    "a host that begins alike": (f"https://{NAME}.evil.example/", NOT_LISTED),
    "the bare domain": ("https://results.example/", NOT_LISTED),
    "another port": (f"https://{NAME}:22/", NOT_LISTED),
    "no such port": (f"https://{NAME}:99999/", "no valid port"),
    "file": ("file:///etc/passwd", NOT_A_LINK),
    "gopher": (f"gopher://{NAME}/", NOT_A_LINK),
    "ftp": (f"ftp://{NAME}/", NOT_A_LINK),
    "data": ("data:text/plain,hello", NOT_A_LINK),
    "javascript": ("javascript:alert(1)", NOT_A_LINK),
    "half an address": ("https://[/", NOT_A_LINK),
    "endless": (f"https://{NAME}/{'x' * 9000}", NOT_A_LINK),
}
forbidden = pytest.mark.parametrize(("link", "words"), FORBIDDEN.values(), ids=FORBIDDEN)


@forbidden
def test_a_forbidden_link_is_not_even_looked_up(scene: Scene, link: str, words: str) -> None:
    scene.link, scene.resolve = link, resolved_to()
    scene.copy()
    scene.assert_nothing_came(words, given_up=True)
    assert scene.connected == []


@forbidden
def test_a_redirect_to_a_forbidden_place_is_not_followed(
    scene: Scene, certificate: Path, link: str, words: str
) -> None:
    with host(redirect(link), server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(words, given_up=True)
    assert scene.connected == [PUBLIC]


ADDRESSES = {
    "loopback": "127.0.0.1",
    "loopback of IPv6": "::1",
    "private": "10.0.0.1",
    "carrier": "100.64.0.1",
    "metadata": "169.254.169.254",
    "metadata of IPv6": "fd00:ec2::254",
    "link local with a zone": "fe80::1%eth0",
    "everywhere": "0.0.0.0",
    "IPv6-mapped": "::ffff:169.254.169.254",
    "NAT64": "64:ff9b::a9fe:a9fe",
    "6to4": "2002:a9fe:a9fe::",
    "Teredo": "2001:0:a9fe:a9fe::",
    "multicast": "224.0.0.1",
    "documentation": "192.0.2.1",
    "one bad among good ones": f"{PUBLIC} 10.0.0.1",
}
private = pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)


@private
def test_a_listed_name_that_leads_inwards_is_refused(scene: Scene, address: str) -> None:
    scene.resolve = resolved_to(address)
    scene.copy()
    scene.assert_nothing_came("leads to the private address", given_up=True)
    assert scene.connected == []


@private
def test_a_name_that_is_bound_anew_after_the_first_look_is_refused(
    scene: Scene, certificate: Path, address: str
) -> None:
    scene.resolve = resolved_to(PUBLIC, address)
    with host(redirect(LINK), server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came("leads to the private address", given_up=True)
    assert scene.connected == [PUBLIC]
    assert len(file_host.requests) == 1


def test_the_connection_goes_to_the_address_that_was_checked(
    scene: Scene, certificate: Path
) -> None:
    scene.resolve = resolved_to(PUBLIC, "127.0.0.1")
    with host(ok(PNG), server_side(certificate)) as file_host:
        assert scene.copy(file_host).status is Status.SUCCEEDED
    assert scene.connected == [PUBLIC]


def test_a_line_end_in_a_link_makes_no_header(scene: Scene) -> None:
    scene.link = f"https://{NAME}/\r\nX-Injected: yes"
    scene.copy()
    scene.assert_nothing_came(NOT_A_LINK, given_up=True)


# --- redirects ------------------------------------------------------------------------------------

REDIRECTS = {
    "to itself": (redirect("/file.png"), "more than 5 redirects"),
    "ever further": (redirect("again/"), "more than 5 redirects"),
    "by scheme only": (redirect("//files.results.example/"), "more than 5 redirects"),
    # Plain http to a public host is upgraded, and asked over TLS again.
    "downgrade": (redirect(f"http://{NAME}/"), "more than 5 redirects"),
    "downgrade with its port": (redirect(f"http://{NAME}:80/"), "more than 5 redirects"),
    "downgrade to another port": (redirect(f"http://{NAME}:8080/"), NOT_LISTED),
    "encoded line ends": (redirect("/%0d%0aX-Injected:%20yes"), "more than 5 redirects"),
    "to nowhere": (status(302), "a redirect without a valid target"),
    "to nothing": (redirect(""), "a redirect without a valid target"),
    "many choices": (redirect(LINK, 300), "status 300"),
    "not modified": (redirect(LINK, 304), "status 304"),
    "use a proxy": (redirect("http://10.0.0.1/", 305), "status 305"),
    "with a header in the middle": (redirect("/a\rX-Injected: yes"), "broke off"),
    "with a zero byte": (redirect("/a\0b"), "broke off"),
    "by a refresh": (status(200, "Refresh: 0; url=http://10.0.0.1/"), "is empty"),
}


@pytest.mark.parametrize(("answer", "words"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_that_leads_nowhere_ends(
    scene: Scene, certificate: Path, answer: bytes, words: str
) -> None:
    with host(answer, server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(words, given_up=words == NOT_LISTED)
    assert len(file_host.requests) <= 6
    assert not any("\r\nX-Injected" in request for request in file_host.requests)


def test_a_short_chain_of_redirects_leads_to_the_file(scene: Scene, certificate: Path) -> None:
    chain = in_turn(*[redirect(f"/{step}", 307) for step in range(5)], ok(PNG))
    with host(chain, server_side(certificate)) as file_host:
        assert scene.copy(file_host).status is Status.SUCCEEDED


# --- statuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [201, 204, 205, 206, 226, 301, 304, 400, 401, 402, 407, 416, 451])
def test_a_status_that_brings_no_file_is_named(scene: Scene, certificate: Path, code: int) -> None:
    words = "a redirect without a valid target" if code == 301 else f"answered with status {code}"
    with host(status(code), server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(words)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 522])
def test_a_host_in_trouble_is_asked_again_later(scene: Scene, certificate: Path, code: int) -> None:
    with host(status(code, "Retry-After: 1"), server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(f"answered with status {code}")
    assert scene.kie.asked == []


@pytest.mark.parametrize("code", [403, 404, 410])
def test_an_expired_link_is_exchanged(scene: Scene, certificate: Path, code: int) -> None:
    fresh = Source(f"https://{NAME}/fresh.png?sig=secret")
    scene.kie = FakeProvider(answers=[Finished("success", (fresh,))])
    # A 403 may be meant for visitors from elsewhere, so that the same link is tried once more.
    refusals = [status(code)] * (2 if code == 403 else 1)
    with host(in_turn(*refusals, ok(PNG)), server_side(certificate)) as file_host:
        assert scene.copy(file_host).status is Status.SUCCEEDED
    assert scene.kie.asked == [UPSTREAM_ID]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_link_that_stays_expired_is_named(scene: Scene, certificate: Path, code: int) -> None:
    with host(status(code), server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(f"answered with status {code}")
    assert scene.kie.asked == [UPSTREAM_ID]


class ForOwnPages(FileHost):
    """A host that answers with the file only to visitors of Kie's own pages."""

    def answer(self, connection: socket.socket, request: bytes) -> None:
        knows = b"\r\nreferer: https://kie.ai/\r\n" in request.lower()
        connection.sendall(ok(PNG) if knows else status(403))


def test_a_host_that_serves_kies_own_pages_only_is_told_that_we_come_from_there(
    scene: Scene, certificate: Path
) -> None:
    with closing(ForOwnPages(said(b""), server_side(certificate))) as file_host:
        assert scene.copy(file_host).status is Status.SUCCEEDED
    assert ["referer" in request.lower() for request in file_host.requests] == [False, True]
    assert scene.kie.asked == []


# --- what is no HTTP ------------------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
NO_HTTP = {
    "nothing": said(b""),
    "HTTP/0.9": said(PNG),
    "HTTP/2": said(b"HTTP/2 200\r\n\r\n" + PNG),
    "another protocol": said(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "another protocol after a line": said(b"ICY 200 OK\r\n\r\n" + PNG),
    "a switch of protocols": said(b"HTTP/1.1 101 So\r\nUpgrade: x\r\n\r\n" + PNG),
    "no status": said(b"HTTP/1.1 OK\r\n\r\n" + PNG),
    "a giant status line": poured(b"HTTP/1.1 200 ", b"x" * 65536),
    "a giant header": poured(OK + b"X: ", b"x" * 65536),
    "headers without end": poured(OK, b"X: y\r\n" * 5000),
    "a header without a colon": said(OK + b"no colon\r\n\r\n" + PNG),
    "a space before the colon": said(OK + b"Content-Length : 5\r\n\r\nhello"),
    "a folded length": said(OK + b"Content-Length: 5\r\n 7\r\n\r\nhello"),
    "a zero byte in a header": said(OK + b"X: a\0b\r\n\r\n" + PNG),
    "two lengths": said(ok(PNG, Content_Length="5\r\nContent-Length: 7")),
    "a list of lengths": said(ok(PNG, Content_Length="5, 7")),
    "a negative length": said(ok(PNG, Content_Length="-1")),
    "a length with a sign": said(ok(PNG, Content_Length="+5")),
    "a length in hex": said(ok(PNG, Content_Length="0x10")),
    "a broken length": said(ok(PNG, Content_Length="1.5")),
    "a length of many digits": said(ok(PNG, Content_Length="9" * 5000)),
    "an unknown coding": said(ok(PNG, Transfer_Encoding="xchunked")),
    "a coding below the chunks": said(ok(PNG, Transfer_Encoding="gzip, chunked")),
    "no size of a chunk": said(CHUNKED + b"zz\r\n"),
    "a negative chunk": said(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk of all memory": said(CHUNKED + b"fffffffffffffff\r\n" + PNG),
    "a chunk size of many digits": said(CHUNKED + b"0" * 5000 + b"5\r\nhello\r\n"),
    "a giant chunk extension": poured(CHUNKED + b"5;", b"x" * 65536),
    "trailers without end": poured(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: y\r\n" * 5000),
}


@pytest.mark.parametrize("answer", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_breaks_off(scene: Scene, certificate: Path, answer: Answer) -> None:
    with host(answer, server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(f"{LINK.partition('?')[0]} broke off")


def test_interim_answers_without_end_use_up_the_time(scene: Scene, certificate: Path) -> None:
    flood = poured(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)
    with host(flood, server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came("time is up")


# --- bodies that are not what was announced -------------------------------------------------------

HALF = PNG[: len(PNG) // 2]
BODIES = {
    "empty": (said(ok(b"")), "is empty"),
    "empty without a length": (with_goodbye(OK + b"\r\n"), "is empty"),
    "empty in chunks": (said(chunked()), "is empty"),
    "too large by its word": (said(ok(PNG, Content_Length="1000001")), "allowed are 1000000"),
    "huge by its word": (said(ok(PNG, Content_Length="9" * 18)), "allowed are 1000000"),
    "too large in chunks": (said(chunked(PNG, PNG, PNG)), "is larger than 1000000 bytes"),
    "endless in chunks": (poured(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), "is larger than"),
    "endless": (poured(OK + b"\r\n", b"x" * 65536), "is larger than"),
    "cut in its head": (said(ok(PNG[:100], Content_Length=str(len(PNG)))), "broke off"),
    "cut in the middle": (said(ok(HALF, Content_Length=str(len(PNG)))), "broke off"),
    "cut before its last byte": (said(ok(PNG[:-1], Content_Length=str(len(PNG)))), "broke off"),
    "cut between chunks": (said(chunked(HALF, end=b"")), "broke off"),
    "cut within a chunk": (said(chunked(HALF, end=b"ffff\r\nabc")), "broke off"),
    "cut before the last line": (said(chunked(PNG, end=b"0\r\n")), "broke off"),
    "cut without a goodbye": (without_goodbye(OK + b"\r\n" + HALF), "broke off"),
    "chunks and another length": (
        said(chunked(PNG).replace(b"\r\n", b"\r\nContent-Length: 9\r\n", 1)),
        f"has {len(PNG)} bytes, not 9",
    ),
    "garbage between chunks": (said(chunked(HALF, end=b"garbage\r\n")), "broke off"),
    "gzip": (said(ok(PNG, Content_Encoding="gzip")), "came compressed"),
    "brotli": (said(ok(PNG, Content_Encoding="br")), "came compressed"),
    "deflate": (said(ok(PNG, Content_Encoding="deflate")), "came compressed"),
    "layers of gzip": (said(ok(PNG, Content_Encoding="identity, gzip, gzip")), "came compressed"),
    "a page": (
        said(ok(PAGE, Content_Type="image/png")),
        "sent a page or an error instead of a file",
    ),
    "a page by another name": (
        said(ok(b"\n<!-- -->" + PAGE)),
        "sent a page or an error instead of a file",
    ),
    "an error of a bucket": (said(ok(S3_ERROR)), "sent a page or an error instead of a file"),
    "reset in its head": (reset(ok(PNG[:100], Content_Length=str(len(PNG)))), "broke off"),
    "reset in the middle": (reset(ok(HALF, Content_Length=str(len(PNG)))), "broke off"),
    "reset without a length": (reset(OK + b"\r\n" + HALF), "broke off"),
    "reset between chunks": (reset(chunked(HALF, end=b"")), "broke off"),
}


@both_ways
@pytest.mark.parametrize(("answer", "words"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_whole_file_leaves_nothing(
    scene: Scene, certificate: Path, answer: Answer, words: str
) -> None:
    with host(answer, server_side(certificate)) as file_host:
        scene.copy(file_host)
    too_large = "allowed are" in words or "is larger than" in words
    scene.assert_nothing_came(words, given_up=too_large)


# --- time -----------------------------------------------------------------------------------------

SILENCES = {
    "before the answer": dripped(b"", b""),
    "in the status": dripped(b"HTTP/1.1 2", b""),
    "in the headers": dripped(OK + b"X: ", b""),
    "before the body": dripped(ok(b"", Content_Length="9"), b""),
    "in the head of the body": dripped(ok(PNG[:100], Content_Length=str(len(PNG))), b""),
    "in the middle of the body": dripped(ok(HALF, Content_Length=str(len(PNG))), b""),
    "before the last chunk": dripped(chunked(PNG, end=b""), b""),
}
DRIPS = {
    "interim answers": dripped(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "headers": dripped(OK, b"X: y\r\n"),
    "one header": dripped(OK + b"X: ", b"y"),
    "the head of the body": dripped(ok(b"", Content_Length="9999"), b"x"),
    "the body": dripped(ok(HALF, Content_Length=str(len(PNG))), b"x"),
    "chunks": dripped(chunked(HALF, end=b""), b"1\r\nx\r\n"),
    "the size of a chunk": dripped(CHUNKED, b"0"),
    "trailers": dripped(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("answer", SILENCES.values(), ids=SILENCES)
def test_silence_ends_the_copy(scene: Scene, certificate: Path, answer: Answer) -> None:
    with host(answer, server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came("did not answer in time")


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
def test_drops_use_up_the_time(scene: Scene, certificate: Path, answer: Answer) -> None:
    scene.limits = {"total_seconds": 0.3}
    with host(answer, server_side(certificate)) as file_host:
        scene.copy(file_host)
    assert "time is up" in scene.words or "did not answer in time" in scene.words
    scene.assert_nothing_came("")


def test_a_host_that_drips_for_minutes_is_given_up_for_its_rate(
    scene: Scene, certificate: Path
) -> None:
    minutes = itertools.count(step=20.0)
    scene.limits = {"clock": lambda: next(minutes), "total_seconds": 1e6}
    slow = dripped(ok(HALF, Content_Length=str(len(PNG))), b"x", pause_seconds=0.001)
    with host(slow, server_side(certificate)) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came("sent too little in too long a time")


# --- below HTTP -----------------------------------------------------------------------------------

BELOW = {
    "reset at once": (reset(), "broke off"),
    "closed at once": (said(b""), "broke off"),
    "plain http": (said(ok(PNG)), "broke off"),
    "an alert": (said(b"\x15\3\3\0\2\2\x28"), "broke off"),
    "half a handshake": (reset(b"\x16\3\3\x40\0\2\0\x3f\xfc"), "broke off"),
    "silence": (dripped(b"", b""), "did not answer in time"),
    "a dripping handshake": (dripped(b"\x16\3\3\x40\0\2\0\x3f\xfc", b"\0"), "in time"),
}


@pytest.mark.parametrize(("answer", "words"), BELOW.values(), ids=BELOW)
def test_what_is_no_tls_ends(scene: Scene, answer: Answer, words: str) -> None:
    with host(answer, blunt=True) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came(words)


def test_nobody_listening_is_worth_another_try(scene: Scene) -> None:
    with host(b"") as file_host:
        pass
    scene.copy(file_host)
    scene.assert_nothing_came("broke off")


CERTIFICATES = {
    "self-signed": (NAME, 1, False, "self-signed certificate"),
    "expired": (NAME, -1, True, "certificate has expired"),
    "of another host": ("other.results.example", 1, True, "Hostname mismatch"),
    "of a domain above": ("*.example", 1, True, "Hostname mismatch"),
}


@pytest.mark.parametrize(
    ("name", "days", "trusted", "words"), CERTIFICATES.values(), ids=CERTIFICATES
)
def test_a_certificate_that_proves_nothing_is_refused(
    scene: Scene, tmp_path: Path, name: str, days: int, trusted: bool, words: str
) -> None:
    shown = write_certificate(tmp_path / "shown.pem", [x509.DNSName(name)], days=days)
    with host(ok(PNG), server_side(shown)) as file_host:
        scene.copy(file_host, trust=[shown] if trusted else [])
    scene.assert_nothing_came(f"has no valid certificate: {words}")
    assert file_host.requests == []


def test_an_outdated_tls_is_refused(scene: Scene, certificate: Path) -> None:
    old = server_side(certificate)
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with host(ok(PNG), old) as file_host:
        scene.copy(file_host)
    scene.assert_nothing_came("broke off")


# --- tricks that do no harm -----------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize(
    ("answer", "stored", "content_type", "disposition"),
    [
        (ok(JPEG, Content_Type="image/png"), JPEG, "image/jpeg", "inline"),
        (ok(BROKEN_SVG, Content_Type="image/png"), BROKEN_SVG, "image/svg+xml", "attachment"),
        (ok(PNG, Content_Type="text/html"), PNG, "image/png", "inline"),
        (ok(PNG, Content_Type="x" * 9000), PNG, "image/png", "inline"),
        (ok(PNG, Content_Disposition='attachment; filename="../../a"'), PNG, "image/png", "inline"),
        (ok(PNG, Set_Cookie="a=b", Location="http://10.0.0.1/"), PNG, "image/png", "inline"),
        (ok(PNG, Content_Length=f"{len(PNG)}, {len(PNG)}"), PNG, "image/png", "inline"),
        # What counts is what was announced; the rest is no part of the answer.
        (ok(PNG, Content_Length="20000"), PNG[:20000], "image/png", "inline"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + ok(PNG), PNG, "image/png", "inline"),
        (chunked(*(JPEG[at : at + 1] for at in range(len(JPEG)))), JPEG, "image/jpeg", "inline"),
    ],
    ids=[
        "a JPEG by the name of a PNG",
        "a script in a picture",
        "a PNG that is called a page",
        "a giant type",
        "a name that leads elsewhere",
        "a cookie and a place to go",
        "the same length twice",
        "more than announced",
        "an interim answer",
        "crumbs",
    ],
)  # fmt: skip
def test_a_whole_file_is_stored_as_what_it_is(
    scene: Scene,
    certificate: Path,
    answer: bytes,
    stored: bytes,
    content_type: str,
    disposition: str,
) -> None:
    with host(answer, server_side(certificate)) as file_host:
        (output,) = scene.copy(file_host).outputs
    found = scene.cloud.client.get_object(Bucket="kie-outputs", Key=output.key)
    assert found["Body"].read() == stored
    assert (output.bytes, output.content_type) == (len(stored), content_type)
    assert (found["ContentType"], found["ContentDisposition"]) == (content_type, disposition)
    assert scene.cloud.objects() == [output.key]


def test_a_body_that_ends_with_the_connection_is_whole_after_a_goodbye(
    scene: Scene, certificate: Path
) -> None:
    with host(with_goodbye(OK + b"\r\n" + PNG), server_side(certificate)) as file_host:
        (output,) = scene.copy(file_host).outputs
    assert output.bytes == len(PNG)


def test_a_bomb_stays_the_few_bytes_it_is(scene: Scene, certificate: Path) -> None:
    bomb = zlib.compress(bytes(100_000_000), wbits=31)
    with host(ok(bomb, Content_Type="image/png"), server_side(certificate)) as file_host:
        (output,) = scene.copy(file_host).outputs
    assert (output.bytes, output.media) == (len(bomb), "other")


# --- on the real record ---------------------------------------------------------------------------


def test_the_real_record_tells_of_every_attempt(
    clouds: dict[str, Cloud], certificate: Path
) -> None:
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=clouds["parts"].client.meta.endpoint_url.replace("https:", "http:"),
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    described = Template().of_type("AWS::DynamoDB::Table")["TaskTable"]
    parts = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    dynamodb.create_table(TableName="hostile", **{part: described[part] for part in parts})
    record, clock = TaskTable(dynamodb, "hostile"), Clock()
    task = storing_task(sources=(Source(LINK),), created_at=NOW)
    record.create(task, [], None)
    files = FileFetcher(
        ResultHosts.parse("*.results.example"),
        max_bytes=LARGEST_FILE_BYTES,
        resolve=resolved_to(PUBLIC),
        tls=trusting(certificate),
    )
    copier = copier_of(clouds["one request"], files, record, FakeProvider(), clock)
    answers = in_turn(chunked(HALF, end=b""), ok(PAGE), status(503), ok(PNG))

    with host(answers, server_side(certificate)) as file_host, internet({PUBLIC: file_host.port}):
        for pause_seconds in (5, 20, 80, 0):
            task = copier(task)
            clock.advance(pause_seconds)

    assert task.status is Status.SUCCEEDED
    assert [entry.happened.value for entry in record.entries(task.task_id)] == [
        *["storing_started", "storing_failed"] * 3,
        *["storing_started", "stored", "succeeded"],
    ]
    told = [entry.message for entry in record.entries(task.task_id)]
    place = LINK.partition("?")[0]
    assert told[1].startswith(f"{place} broke off")
    assert told[3] == f"{place} sent a page or an error instead of a file"
    assert told[5] == f"{place} answered with status 503"
    assert "secret" not in str(told)
