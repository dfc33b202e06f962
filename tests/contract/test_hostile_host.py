"""
A file host tries everything; the copy ends in time, in little memory, with a clear word.

Each trick goes through the real download, the real copy and a real S3: nothing of a file that did
not come whole may ever be seen in the bucket.
"""

import itertools
import os
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography import x509

from dev.template import Template
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import TaskStore
from kie_gateway.core.report import Finished
from kie_gateway.core.result_hosts import ResultHosts
from kie_gateway.core.task import Attention, Source, Status, Task
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.flows.store_outputs import StoreOutputs
from kie_gateway.media.measure import measure
from tests.contract.clouds import Cloud, cloud_at, s3_endpoint, write_cloud_certificate
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
from tests.makers import NOW, UPSTREAM_ID, storing_task

NAME = "files.results.example"
LINK = f"https://{NAME}/file.png?sig=secret"
PUBLIC = "93.184.216.34"
LARGEST_FILE_BYTES = 1_000_000
MOST_SECONDS = 3
# A part of an upload over plain http is 5 MiB; nothing here may take another one.
MOST_MEMORY_BYTES = 8 * 1024 * 1024

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
        plain = stack.enter_context(s3_endpoint())
        encrypted = stack.enter_context(s3_endpoint(trust))
        # Both are doors to the same S3, so one bucket serves them.
        cloud = stack.enter_context(cloud_at(plain, trust))
        client = boto3.client(
            "s3",
            endpoint_url=encrypted,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            verify=trust,
        )
        yield {"parts": cloud, "one request": Cloud(client, cloud.make_client)}


@pytest.fixture(params=["one request"])
def cloud(request: pytest.FixtureRequest, clouds: dict[str, Cloud]) -> Iterator[Cloud]:
    chosen = clouds[request.param]
    yield chosen
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
        copier = copier_of(self.cloud, files, self.record, self.kie)
        began = time.monotonic()
        tracemalloc.start()
        try:
            with internet({PUBLIC: file_host.port} if file_host else {}) as asked:
                after = copier(self.task)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert time.monotonic() - began < MOST_SECONDS
        assert peak_bytes < MOST_MEMORY_BYTES
        assert "secret" not in self.words
        self.connected = asked
        return after

    @property
    def words(self) -> str:
        return self.record.words(self.task)

    def assert_nothing_came(self, words: str, *, given_up: bool = False) -> None:
        """Assert that the copy failed, says why, and left nothing in the bucket."""
        after = self.record.the(self.task)
        assert after.status is Status.STORING
        assert after.outputs == ()
        assert after.storing_until is None
        assert words in self.words
        assert after.attention is (Attention.STORAGE_FAILED if given_up else None)
        assert (after.next_at is None) is given_up
        assert self.cloud.objects() == []
        assert self.cloud.half_uploads() == 0


def trusting(*certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates[0]))
    for certificate in certificates[1:]:
        context.load_verify_locations(certificate)
    return context


def copier_of(cloud: Cloud, files: FileFetcher, tasks: TaskStore, kie: Any) -> StoreOutputs:
    return StoreOutputs(
        tasks=tasks,
        files=files,
        outputs=cloud.bucket,
        kie=kie,
        policy=PollPolicy(first_poll_seconds=10, poll_cap_seconds=60),
        measure=measure,
        now=Clock().now,
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
    "line end": (f"https://{NAME}/\r\nHost: 10.0.0.1", NOT_A_LINK),
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
    if "\n" in link:
        words = "has no place to go to"
    location = link.encode("utf-8", "surrogateescape").decode("latin-1")
    with host(redirect(location).encode("latin-1"), server_side(certificate)) as file_host:
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
