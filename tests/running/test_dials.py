"""Every misbehaviour of Kie.ai ends as it should, on the running gateway."""

import concurrent.futures
import time

import httpx
import pytest

from tests.running.driver import accepted_creations, assert_stored, create, happened, settle
from tests.running.gateway import Gateway

BY_WEBHOOK = (
    "",
    "[webhook early]",
    "[create drop]",
    # The last, since the others would wait with it.
    "[create 429]",
)
BY_POLL = ("[webhook lost]", "[webhook lost] [poll null 5]")
# These are played in the functional tests as well.
LESS_OFTEN_BY_WEBHOOK = (
    "[webhook x5]",
    "[webhook forged]",
    "[webhook unreadable]",
    "[slow 8]",
    "[create 500]",
    "[create 500 code]",
    "[file gone once]",
)
LESS_OFTEN_BY_POLL = (
    "[webhook late 60]",
    "[webhook lost] [poll lag 6]",
    "[webhook lost] [result double]",
)


def start(gateway: Gateway, dials: tuple[str, ...]) -> dict[str, str]:
    """Start all tasks at once, so that the tests wait for them together."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tasks = pool.map(lambda dial: create(gateway.http, f"a kite {dial}"), dials)
        return {dial: task["id"] for dial, task in zip(dials, tasks, strict=True)}


@pytest.fixture(scope="module")
def told_by_webhook(patient_gateway: Gateway) -> dict[str, str]:
    return start(patient_gateway, BY_WEBHOOK)


@pytest.fixture(scope="module")
def asked_for(gateway: Gateway) -> dict[str, str]:
    return start(gateway, BY_POLL)


@pytest.mark.parametrize("dial", BY_WEBHOOK)
def test_a_webhook_brings_the_stored_file(
    patient_gateway: Gateway, told_by_webhook: dict[str, str], dial: str
) -> None:
    assert_ends_well(patient_gateway, told_by_webhook[dial], "webhook")


@pytest.mark.parametrize("dial", BY_POLL)
def test_asking_brings_the_stored_file(
    gateway: Gateway, asked_for: dict[str, str], dial: str
) -> None:
    assert_ends_well(gateway, asked_for[dial], "poll")


@pytest.mark.long
def test_whatever_kie_does_brings_the_stored_file(
    gateway: Gateway, patient_gateway: Gateway
) -> None:
    told = start(patient_gateway, LESS_OFTEN_BY_WEBHOOK)
    asked_for = start(gateway, LESS_OFTEN_BY_POLL)
    for task_id in told.values():
        assert_ends_well(patient_gateway, task_id, "webhook")
    for task_id in asked_for.values():
        assert_ends_well(gateway, task_id, "poll")


def assert_ends_well(gateway: Gateway, task_id: str, completed_by: str) -> None:
    settled = settle(gateway.http, task_id)
    assert (settled["status"], settled["completed_by"]) == ("succeeded", completed_by)
    assert settled["attention"] is None
    assert_stored(gateway.http, settled)
    assert accepted_creations(gateway.http, gateway.simulator, settled["id"]) == 1
    told = happened(gateway.http, settled["id"])
    assert told.count("succeeded") == 1
    assert told.count("stored") == 1


@pytest.mark.usefixtures("empty_queue")
def test_failure_ends_as_failed_with_kies_words(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "x [fail 400 the picture is odd]")["id"])
    assert task["status"] == "failed"
    assert task["error"] == {
        "code": "400",
        "category": "input",
        "message": "the picture is odd",
        "retryable": False,
    }


@pytest.mark.usefixtures("empty_queue")
def test_refused_content_says_so(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "x [refuse]")["id"])
    assert (task["status"], task["error"]["category"]) == ("failed", "content_policy")


@pytest.mark.usefixtures("empty_queue")
def test_unknown_model_fails_with_kies_words(gateway: Gateway) -> None:
    answer = gateway.http.post(
        "/v1/tasks", json={"model": "nobody/knows-it", "input": {"prompt": "x"}}
    )
    assert answer.status_code == 202
    task = answer.json()
    assert (task["status"], task["error"]["category"]) == ("failed", "input")
    assert "not supported" in task["error"]["message"]


@pytest.mark.long
@pytest.mark.usefixtures("empty_queue")
def test_dropped_creation_without_webhook_is_never_sent_again(gateway: Gateway) -> None:
    task = create(gateway.http, "x [create drop] [webhook lost]", deadline_seconds=12)
    assert (task["status"], task["attention"]) == ("queued", "submission_unknown")
    settled = settle(gateway.http, task["id"])
    assert (settled["status"], settled["attention"]) == ("expired", "submission_unknown")
    assert accepted_creations(gateway.http, gateway.simulator, task["id"]) == 1


@pytest.mark.long
@pytest.mark.usefixtures("empty_queue")
def test_no_verdict_by_the_deadline_expires_and_a_late_webhook_still_counts(
    gateway: Gateway,
) -> None:
    task = create(gateway.http, "x [slow 18]", deadline_seconds=10)
    settled = settle(gateway.http, task["id"])
    assert (settled["status"], settled["attention"]) == ("expired", "stalled")
    for _ in range(60):
        late = gateway.http.get(f"/v1/tasks/{task['id']}", params={"wait": 1}).json()
        if late["status"] == "succeeded":
            break
        time.sleep(0.5)
    assert (late["status"], late["completed_by"]) == ("succeeded", "webhook")
    assert_stored(gateway.http, late)


@pytest.mark.long
def test_fifty_at_once_with_a_fifth_of_the_webhooks_lost(fresh_gateway: Gateway) -> None:
    prompts = [f"kite {n}" + (" [webhook lost]" if n % 5 == 0 else "") for n in range(50)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        tasks = list(pool.map(lambda prompt: create(fresh_gateway.http, prompt), prompts))
    settled = [settle(fresh_gateway.http, task["id"], 120) for task in tasks]
    assert [task["status"] for task in settled] == ["succeeded"] * 50
    creations = httpx.get(f"{fresh_gateway.simulator}/sim/tasks").json()
    assert len(creations) == 50
    assert len({one["callBackUrl"] for one in creations}) == 50
