"""Lambda's and API Gateway's bounds, and the dials of a running cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.cloud import InvocationError
from dev.functions import MAX_ANSWER_BYTES, LocalContext
from dev.service_rules import MAX_PAYLOAD_BYTES
from tests.dev.support import call
from tests.dev.test_iam import aws

if TYPE_CHECKING:
    from dev.cloud import LocalCloud


def payload(size: int) -> bytes:
    """Make an event of so many bytes."""
    fixed = len(json.dumps({"step": "x", "execution": ""}))
    return json.dumps({"step": "x", "execution": "x" * (size - fixed)}).encode()


def test_events_take_6_mb_and_not_a_byte_more(cloud: LocalCloud) -> None:
    """gettingstarted-limits.html of Lambda's guide; API_Invoke.html names the error."""
    client, name = cloud.client("lambda"), cloud.resources["StepsFunction"]
    answer = client.invoke(FunctionName=name, Payload=payload(MAX_PAYLOAD_BYTES))
    assert "FunctionError" not in answer
    with pytest.raises(client.exceptions.RequestTooLargeException, match="6291456 bytes"):
        client.invoke(FunctionName=name, Payload=payload(MAX_PAYLOAD_BYTES + 1))


@pytest.mark.parametrize("here", [True, False])
def test_answers_take_6_mb(cloud: LocalCloud, here: bool) -> None:
    """gettingstarted-limits.html; the same for functions of this process and of others."""

    def answers_too_much(event: Any, context: Any) -> str:
        return "x" * MAX_ANSWER_BYTES

    def too_large() -> str:
        with pytest.raises(InvocationError) as caught:
            cloud.invoke("EchoFunction", {"rawPath": f"/text/{MAX_ANSWER_BYTES}"})
        return str(caught.value.error["errorType"])

    if here:
        with cloud.serving("EchoFunction", answers_too_much):
            assert too_large() == "Function.ResponseSizeTooLarge"
    else:
        fits = cloud.invoke("EchoFunction", {"rawPath": f"/text/{MAX_ANSWER_BYTES - 2}"})
        assert len(fits) == MAX_ANSWER_BYTES - 2
        assert too_large() == "Function.ResponseSizeTooLarge"
        answer = call(cloud.url, f"/text/{MAX_ANSWER_BYTES}")
        assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_bodies_that_lambda_would_not_take_fail(cloud: LocalCloud) -> None:
    """Below API Gateway's own 10 MB, above Lambda's 6."""
    headers = {"Content-Type": "text/plain"}
    answer = call(cloud.url, "/x", "POST", b"x" * 6_400_000, headers)
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})
    assert call(cloud.url, "/sleep/0", "POST", b"x" * 5_000_000, headers).status == 200


def test_heads_take_10_kb(cloud: LocalCloud) -> None:
    """http-api-quotas.html of API Gateway: the request line and all headers' values."""
    assert call(cloud.url, "/sleep/0", headers={"X-Long": "x" * 9_900}).status == 200
    answer = call(cloud.url, "/sleep/0", headers={"X-Long": "x" * 10_240})
    assert answer.status == 431
    assert call(cloud.url, "/sleep/0?" + "x" * 10_240).status == 431


def test_a_function_ends_with_its_time(cloud: LocalCloud) -> None:
    """configuration-timeout.html; callers of the API see no more than a 500."""
    answer = call(cloud.url, "/sleep/3")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_handler_of_this_process_loses_its_answer_with_its_time(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock that the cloud was given, which tests may move."""
    now = [1000.0]
    left: list[int] = []
    monkeypatch.setattr(cloud, "clock", lambda: now[0])

    def handler(event: Any, context: LocalContext) -> str:
        left.append(context.get_remaining_time_in_millis())
        now[0] += event["takes"]
        left.append(context.get_remaining_time_in_millis())
        return "done"

    with cloud.serving("EchoFunction", handler):
        assert cloud.invoke("EchoFunction", {"takes": 1.5}) == "done"
        with pytest.raises(InvocationError, match=r"Task timed out after 2\.00 seconds") as caught:
            cloud.invoke("EchoFunction", {"takes": 2.5})
    assert caught.value.error["errorType"] == "Sandbox.Timedout"
    assert left == [2000, 500, 2000, 0]


def test_dials_are_turned_while_it_runs(cloud: LocalCloud) -> None:
    item = {"pk": {"S": "a"}, "sk": {"S": "x"}}
    table = cloud.resources["Table"]

    def write() -> dict[str, Any]:
        return aws(cloud, "dynamodb", "put_item", TableName=table, Item=item)

    assert write() == {"code": None}
    turned = call(cloud.url, "/_dev/dials", "POST", b'{"conflict_share": 1}')
    assert (turned.status, turned.json()["conflict_share"]) == (200, 1.0)
    assert write()["code"] == "TransactionConflictException"
    assert call(cloud.url, "/_dev/dials", "POST", b'{"conflict_share": 0}').status == 200
    assert write() == {"code": None}
    assert call(cloud.url, "/_dev/dials").json()["queue_concurrency"] == 8


@pytest.mark.parametrize("body", [b'{"none": 1}', b'{"conflict_share": 2}', b"[1]", b"{"])
def test_wrong_dials_are_named(cloud: LocalCloud, body: bytes) -> None:
    answer = call(cloud.url, "/_dev/dials", "POST", body)
    assert answer.status == 400
    assert answer.json()["message"]


def test_dials_are_for_this_machine_alone(cloud: LocalCloud) -> None:
    """What comes through a tunnel reaches the API, as any other path does."""
    headers = {"X-Forwarded-For": "192.0.2.1"}
    answer = call(cloud.url, "/_dev/dials", "POST", b'{"throttle_share": 1}', headers)
    assert answer.json()["rawPath"] == "/_dev/dials"
    assert cloud.dials.throttle_share == 0
