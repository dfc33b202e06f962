"""Unit tests open no socket at all."""

from collections.abc import Iterator

import pytest

from tests.network import no_sockets


@pytest.fixture(autouse=True, scope="module")
def _no_sockets() -> Iterator[None]:
    with no_sockets():
        yield
