"""Requests that a machine makes of the API's own document: none may fail us, all are described."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from tests.running.driver import create, settle
from tests.running.gateway import Gateway

pytestmark = pytest.mark.long
DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
HEADERS = {"Authorization": "Bearer kg_local_dev"}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# A stopped gateway would answer 503, which is right and tells nothing more.
API = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text())).exclude(
    path="/v1/creations/stop"
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A gateway of our own, and what it knows, by path parameter."""
    gateway = Gateway(tmp_path_factory.mktemp("generated"), "FirstPollSeconds=5 PollCapSeconds=2")
    with gateway.started():
        key, receiver = {"owner": "somebody", "name": "x"}, {"url": "https://hooks.example/"}
        endpoint = gateway.http.post("/v1/webhook-endpoints", json=receiver).json()["id"]
        test = gateway.http.post(f"/v1/webhook-endpoints/{endpoint}/test").json()
        yield (
            gateway,
            {
                "task_id": settle(gateway.http, create(gateway.http, "x")["id"])["id"],
                "model_id": "google/nano-banana",
                "key_id": gateway.http.post("/v1/keys", json=key).json()["id"],
                "index": "0",
                "endpoint_id": endpoint,
                "delivery_id": test["id"],
            },
        )


@API.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_described(
    case: schemathesis.Case[Any], known: tuple[Gateway, dict[str, str]]
) -> None:
    gateway, names = known
    for name, made in case.path_parameters.items():
        # What is made up is never there; half of the requests should get further.
        if case.method != "DELETE" and len(str(made)) % 2 and name in names:
            case.path_parameters[name] = names[name]
    case.call_and_validate(base_url=gateway.url, headers=HEADERS, checks=CHECKS, timeout=40)
