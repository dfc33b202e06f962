"""
Memory and CPU of copying a result into the bucket, against boto3's `upload_fileobj`.

Every copy runs in a new process, the ways in turns, so that what disturbs one round disturbs all of
it. Both read through the gateway's own download, which counts and hashes: only the upload differs.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

from bench.null_servers import NullServers, null_servers

if TYPE_CHECKING:
    from kie_gateway.core.files.remote_file import RemoteFile

MEBIBYTE = 1024 * 1024
REFERENCE = "upload_fileobj"
WAYS = ("gateway", REFERENCE)
MOST_ADDED_MEBIBYTES = 8
MOST_CPU_RATIO = 0.85


@dataclass(frozen=True)
class Cost:
    """What one copy took: CPU and wall seconds, and MiB of memory at its height."""

    cpu_seconds: float
    wall_seconds: float
    added_mebibytes: float


def main() -> None:
    """Measure, print a table, and end with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    size = wanted.megabytes * 1_000_000
    if wanted.one:
        print(json.dumps(vars(copy_once(wanted.one, size))))
        return
    with null_servers() as servers:
        rounds = [{way: measured(way, size, servers) for way in WAYS} for _ in range(wanted.rounds)]
    sys.exit(report(rounds, wanted.megabytes))


def measured(way: str, size: int, servers: NullServers) -> Cost:
    """Copy once in a process of its own."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CA_BUNDLE": servers.certificate,
        "BENCH_FILES_URL": servers.files_url,
        "BENCH_S3_URL": servers.s3_url,
    }
    command = [sys.executable, "-m", "bench.copying", "--one", way]
    command += ["--megabytes", str(size // 1_000_000)]
    done = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=300
    )
    return Cost(**json.loads(done.stdout))


def copy_once(way: str, size: int) -> Cost:
    """Copy a small file, so that all is imported and connected, and then the one that counts."""
    import boto3  # noqa: PLC0415 - only in the process that copies
    from botocore.config import Config  # noqa: PLC0415

    from kie_gateway.aws.output_bucket import OutputBucket  # noqa: PLC0415
    from kie_gateway.core.files.result_hosts import ResultHosts  # noqa: PLC0415
    from kie_gateway.fetch.files import FileFetcher  # noqa: PLC0415

    files_url = os.environ["BENCH_FILES_URL"]
    host = urlsplit(files_url).netloc
    fetcher = FileFetcher(ResultHosts.parse(host), max_bytes=10**12)
    client = boto3.client(
        "s3", endpoint_url=os.environ["BENCH_S3_URL"], config=Config(signature_version="s3v4")
    )
    bucket = OutputBucket(client, "bench")

    def copy(size: int) -> None:
        with fetcher.open(f"{files_url}/{size}") as file:
            if way == REFERENCE:
                client.upload_fileobj(cast("IO[bytes]", _Readable(file)), "bench", "copy")
            else:
                bucket.store(
                    file,
                    key="copy",
                    content_type="video/mp4",
                    content_disposition="inline",
                    cache_control="private",
                )
            if file.bytes_read != size:
                raise ValueError("not all of it was copied")

    copy(MEBIBYTE)
    Path("/proc/self/clear_refs").write_text("5")
    memory, cpu, began = _mebibytes("VmRSS"), _cpu_seconds(), time.monotonic()
    copy(size)
    return Cost(_cpu_seconds() - cpu, time.monotonic() - began, _mebibytes("VmHWM") - memory)


class _Readable:
    """A download as boto3 reads it: it asks for all that is left, too."""

    def __init__(self, file: "RemoteFile") -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size >= 0:
            return self._file.read(size)
        return b"".join(iter(lambda: self._file.read(MEBIBYTE), b""))


def _mebibytes(which: str) -> float:
    """Read the memory this process holds (VmRSS), or its most since that was set back (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"this system does not tell {which}")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def report(rounds: list[dict[str, Cost]], megabytes: int) -> int:
    """Print medians, and the ratios of each round's pair; 1 if a goal is missed."""
    print(f"copying {megabytes} MB over TLS, {len(rounds)} rounds, medians")
    print(f"{'':16}{'CPU s':>8}{'MB/s':>8}{'memory MiB':>12}")
    for way in WAYS:
        costs = [each[way] for each in rounds]
        cpu = statistics.median(cost.cpu_seconds for cost in costs)
        speed = statistics.median(megabytes / cost.wall_seconds for cost in costs)
        memory = statistics.median(cost.added_mebibytes for cost in costs)
        print(f"{way:16}{cpu:8.2f}{speed:8.0f}{memory:12.1f}")
    cpu_ratio, memory_ratio = (
        statistics.median(
            getattr(each["gateway"], figure) / getattr(each[REFERENCE], figure) for each in rounds
        )
        for figure in ("cpu_seconds", "added_mebibytes")
    )
    most = max(each["gateway"].added_mebibytes for each in rounds)
    print(f"CPU     x{cpu_ratio:.2f} of {REFERENCE} (goal: x{MOST_CPU_RATIO} at most)")
    print(f"memory  x{memory_ratio:.3f}, {most:.1f} MiB at most (goal: {MOST_ADDED_MEBIBYTES})")
    return int(cpu_ratio > MOST_CPU_RATIO or most > MOST_ADDED_MEBIBYTES)


if __name__ == "__main__":
    main()
