"""Fixtures of the local cloud's tests; each module has its own, as moto has one state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from dev.cloud import LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import SMALL_STACK

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def lines() -> io.StringIO:
    """Give what the cloud has written for people."""
    return io.StringIO()


@pytest.fixture(scope="module")
def cloud(lines: io.StringIO) -> Iterator[LocalCloud]:
    """Run the small stack with real processes."""
    template = Template(SMALL_STACK)
    public = "https://api.example.com"
    with LocalCloud(template, log=Log(lines), public_url=public, prewarm=True) as running:
        yield running
