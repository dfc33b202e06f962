"""A deployment without live updates, as the template makes one unless it is told otherwise."""

import io
from collections.abc import Iterator

import httpx
import pytest

from dev.cloud import LocalCloud
from dev.logs import Log
from kie_gateway.aws.key_table import KeyTable
from tests.keys import issue_key
from tests.makers import NOW


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(
        kie_keys={"api_key": "test"}, log=Log(io.StringIO()), poll_queues=False
    ) as running:
        keys = KeyTable(running.client("dynamodb"), running.resources["TaskTable"])
        issue_key("alice", "x", keys=keys, key_id="key_a", now=NOW, secret="kg_a")
        yield running


@pytest.fixture
def http(cloud: LocalCloud) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer kg_a"}
    with httpx.Client(base_url=cloud.url, headers=headers, timeout=20) as client:
        yield client


def test_nothing_of_them_is_deployed(cloud: LocalCloud) -> None:
    assert "RealtimeAuthorizerFunction" not in cloud.functions
    assert not [kind for kind in cloud.stack.kinds.values() if "AppSync" in kind]


def test_the_api_says_that_there_is_nothing_to_connect_to(http: httpx.Client) -> None:
    assert http.get("/v1/realtime").json() == {
        "object": "realtime",
        "enabled": False,
        "protocol": None,
        "url": None,
        "host": None,
    }


def test_there_are_no_tokens_and_the_problem_says_why(http: httpx.Client) -> None:
    answer = http.post("/v1/realtime/tokens", json={})
    assert answer.status_code == 409
    told = answer.json()
    assert (told["code"], told["retryable"]) == ("live_updates_off", False)
    assert "without live updates" in told["detail"]
