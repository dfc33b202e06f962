"""The measurements run; what they measure is no matter of a test."""

import os
import re
import subprocess
import sys

import pytest


@pytest.mark.large
def test_copying_is_measured_against_boto3() -> None:
    command = [sys.executable, "-m", "bench.copying", "--megabytes", "20", "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": "layers/gateway/python"}
    done = subprocess.run(
        command, env=environment, check=False, stdout=subprocess.PIPE, text=True, timeout=120
    )

    assert done.returncode in (0, 1)
    assert re.search(r"^CPU +x\d\.\d\d of upload_fileobj", done.stdout, re.MULTILINE)
    assert re.search(r"^memory +x\d+\.\d\d\d, -?\d+\.\d MiB", done.stdout, re.MULTILINE)
