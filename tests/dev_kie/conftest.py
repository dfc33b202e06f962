from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.kie.server import KieSimulator
from tests.dev_kie.support import HMAC_KEY, Client, Receiver


@pytest.fixture
def sim() -> Iterator[KieSimulator]:
    options = {"create_limit": 0, "retry_pauses_seconds": (0.1, 0.15, 0.2)}
    with KieSimulator(port=0, seconds=0.1, webhook_hmac_key=HMAC_KEY, **options) as running:
        yield running


@pytest.fixture
def client(sim: KieSimulator) -> Iterator[Client]:
    with Client(sim.base_url) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
