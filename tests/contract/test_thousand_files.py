"""Files of every kind, copied as results: stored to the byte, and measured for what they are."""

import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kie_gateway.core.files.media_facts import MediaFacts
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.results import Output, Source
from kie_gateway.core.task import Status
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.media.measure import measure
from tests.contract.clouds import BUCKET, Cloud, cloud_at, s3_endpoint, write_cloud_certificate
from tests.contract.hostile_host import FileHost, chunked, ok, said
from tests.fakes import Clock, FakeProvider, FakeTaskStore
from tests.makers import storing_task, typical_seconds
from tests.media_files import KINDS, Kind, told_by_others

# Decoders count what they play, headers what they hold: a frame or two of sound apart.
NEAR_SECONDS = 0.1


class Shelf(FileHost):
    """Serves files by their names, every other one without saying how long it is."""

    def __init__(self) -> None:
        super().__init__(said(b""))
        self.files: list[bytes] = []

    def answer(self, connection: socket.socket, request: bytes) -> None:
        number = int(request.split(b" ")[1].removeprefix(b"/"))
        body = self.files[number]
        if number % 2:
            parts = (body[at : at + 7000] for at in range(0, len(body), 7000))
            connection.sendall(chunked(*parts))
        else:
            # What a host calls a file is often wrong.
            connection.sendall(ok(body, Content_Type="binary/octet-stream"))

    def put(self, body: bytes) -> Source:
        self.files.append(body)
        return Source(f"http://127.0.0.1:{self.port}/{len(self.files) - 1}")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    trust = write_cloud_certificate(tmp_path_factory.mktemp("tls"))
    with s3_endpoint(trust) as endpoint, cloud_at(endpoint, trust) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.close()


@pytest.mark.large
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("count", [1, pytest.param(28, marks=pytest.mark.long)])
def test_files_of_a_kind_are_stored_and_measured(
    cloud: Cloud, shelf: Shelf, kind: Kind, count: int
) -> None:
    chance = random.Random(f"{kind.name} {count}")
    bodies = [kind.make(chance) for _ in range(count)]
    task = storing_task(sources=tuple(shelf.put(body) for body in bodies))
    copier = StoreOutputs(
        tasks=FakeTaskStore(task),
        files=FileFetcher(ResultHosts.parse(f"127.0.0.1:{shelf.port}"), max_bytes=10**8),
        outputs=cloud.bucket,
        kie=FakeProvider(),
        policy=PollPolicy(
            first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds
        ),
        measure=measure,
        now=Clock().now,
    )

    after = copier(task)

    assert after.status is Status.SUCCEEDED
    for output, body in zip(after.outputs, bodies, strict=True):
        assert_stored(cloud, output, body, kind)
        assert_measured(output, told_by_others(body, kind))


def assert_stored(cloud: Cloud, output: Output, body: bytes, kind: Kind) -> None:
    found = cloud.client.get_object(Bucket=BUCKET, Key=output.key)
    assert found["Body"].read() == body
    assert (output.bytes, output.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert output.content_type == found["ContentType"] == kind.content_type
    assert Path(output.key).suffix == f".{kind.extension}"


def assert_measured(output: Output, told: MediaFacts) -> None:
    assert (output.width, output.height) == (told.width, told.height)
    assert output.duration_seconds == pytest.approx(told.duration_seconds, abs=NEAR_SECONDS)
    assert output.animated == told.animated
