"""FIFO queues: order within a group, ids that count for five minutes, hidden messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.dev.outgoing import Outgoing, outgoing


@pytest.fixture(scope="module")
def whole() -> Iterator[Outgoing]:
    with outgoing() as found:
        yield found


@pytest.fixture
def world(whole: Outgoing) -> Outgoing:
    """Give a world with empty queues, and ids of long ago."""
    whole.now += 86_400
    whole.deliver.batches.clear()
    whole.deliver.answers.clear()
    for queue in ("Deliveries", "Undelivered"):
        whole.client("sqs").purge_queue(QueueUrl=whole.cloud.resources[queue])
    return whole


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [one["Body"] for one in messages]


def delete(world: Outgoing, message: dict[str, Any]) -> None:
    world.client("sqs").delete_message(
        QueueUrl=world.cloud.resources["Deliveries"], ReceiptHandle=message["ReceiptHandle"]
    )


def hide(world: Outgoing, message: dict[str, Any], seconds: int) -> None:
    world.client("sqs").change_message_visibility(
        QueueUrl=world.cloud.resources["Deliveries"],
        ReceiptHandle=message["ReceiptHandle"],
        VisibilityTimeout=seconds,
    )


def delivered(world: Outgoing) -> list[list[str]]:
    return [[record["body"] for record in batch] for batch in world.deliver.batches]


def test_generated_names_end_in_fifo(world: Outgoing) -> None:
    """API_CreateQueue.html."""
    for name in ("Deliveries", "Undelivered"):
        assert world.cloud.resources[name].endswith(".fifo")


def test_a_group_is_received_in_order(world: Outgoing) -> None:
    for body in "1234":
        world.send(body)
    assert bodies(world.receive()) == ["1", "2", "3", "4"]


def test_what_is_sent_together_stays_in_order(world: Outgoing) -> None:
    """API_SendMessageBatch.html; an id that was sent before counts in a batch, too."""
    world.send("2")
    entries: Any = [
        {"Id": f"e{n}", "MessageBody": n, "MessageGroupId": "a", "MessageDeduplicationId": n}
        for n in "123"
    ]
    url = world.cloud.resources["Deliveries"]
    answer = world.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    assert len(answer["Successful"]) == 3
    assert bodies(world.receive()) == ["2", "1", "3"]


def test_sequence_numbers_grow(world: Outgoing) -> None:
    """API_SendMessage.html: 20 digits that grow within a group."""
    numbers = [world.send(body)["SequenceNumber"] for body in "abc"]
    assert numbers == sorted(set(numbers))
    assert {len(one) for one in numbers} == {20}
    received = world.receive()
    assert [one["Attributes"]["SequenceNumber"] for one in received] == numbers


def test_a_group_waits_for_what_is_in_flight(world: Outgoing) -> None:
    """FIFO-queues-understanding-logic.html: the other groups go on."""
    world.send("1")
    [first] = world.receive(most=1)
    world.send("2")
    world.send("x", group="b")
    assert bodies(world.receive()) == ["x"]
    delete(world, first)
    assert bodies(world.receive()) == ["2"]


def test_a_group_waits_for_what_is_hidden(world: Outgoing) -> None:
    """Until its time is over; then the hidden one comes first."""
    world.send("1")
    [first] = world.receive(most=1)
    world.send("2")
    hide(world, first, 3600)
    world.now += 3599
    assert world.receive() == []
    world.now += 1
    assert bodies(world.receive()) == ["1", "2"]


def test_an_id_counts_for_five_minutes_also_once_the_message_is_gone(world: Outgoing) -> None:
    """FIFO-key-terms.html; what was refused for its id is answered like the first."""
    sent = world.send("once")
    [message] = world.receive()
    delete(world, message)
    world.now += 299
    again = world.send("other words", MessageDeduplicationId="once", group="b")
    assert again["MessageId"] == sent["MessageId"]
    assert world.receive() == []
    world.now += 1
    world.send("once")
    assert bodies(world.receive()) == ["once"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"DelaySeconds": 5}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": ""}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": "x" * 129}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": "ä"}, "InvalidParameterValue"),
        ({"group": "x" * 129}, "InvalidParameterValue"),
        ({"group": "with space"}, "InvalidParameterValue"),
    ],
)
def test_messages_that_no_fifo_queue_takes(world: Outgoing, given: Any, code: str) -> None:
    """API_SendMessage.html: no delay of its own; ids of 1 to 128 characters without spaces."""
    with pytest.raises(ClientError) as caught:
        world.send("refused", **given)
    assert caught.value.response["Error"]["Code"] == code


def test_a_group_and_an_id_are_required(world: Outgoing) -> None:
    """API_SendMessage.html; ContentBasedDeduplication is off."""
    sqs, url = world.client("sqs"), world.cloud.resources["Deliveries"]
    with pytest.raises(ClientError, match="MissingParameter"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="x")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="x")


def test_messages_are_hidden_for_up_to_twelve_hours_from_being_received(world: Outgoing) -> None:
    """sqs-visibility-timeout.html: each time anew, however long ago they were sent."""
    world.send("slow")
    for _ in range(2):
        [message] = world.receive()
        hide(world, message, 43_200)
        world.now += 1
        with pytest.raises(ClientError, match="Total VisibilityTimeout"):
            hide(world, message, 43_200)
        world.now += 43_199
    with pytest.raises(ClientError, match="MessageNotInflight"):
        hide(world, message, 10)
    with pytest.raises(ClientError, match="Must be between 0 and 43200"):
        hide(world, message, 43_201)


def test_handles_expire_with_the_visibility_timeout(world: Outgoing) -> None:
    """API_DeleteMessage.html: of FIFO queues, or another could be at work on the next one."""
    world.send("late")
    [message] = world.receive()
    world.now += 30
    with pytest.raises(ClientError, match="expired"):
        delete(world, message)
    [again] = world.receive()
    with pytest.raises(ClientError, match="expired"):
        delete(world, message)
    delete(world, again)


def test_the_mapping_works_off_batches_in_order(world: Outgoing) -> None:
    """services-sqs-parameters.html: of up to ten; here five."""
    for body in "1234567":
        world.send(body)
    while world.cloud.sources.pump_queue("Deliveries"):
        pass
    assert delivered(world) == [["1", "2", "3", "4", "5"], ["6", "7"]]
    record = world.deliver.got[0]
    assert record["attributes"]["MessageGroupId"] == "a"
    assert record["attributes"]["MessageDeduplicationId"] == "1"
    assert record["eventSourceARN"] == world.cloud.stack.sources[0].queue_arn


def test_what_failed_keeps_its_group_waiting(world: Outgoing) -> None:
    """services-sqs-errorhandling.html: a function names the failed one and all behind it."""
    for body in "123":
        world.send(body)
    world.deliver.fail(1, 2)
    assert world.cloud.sources.pump_queue("Deliveries")
    world.send("4")
    assert not world.cloud.sources.pump_queue("Deliveries")
    assert world.cloud.sources.queue_due_at("Deliveries") == world.now + 30
    world.now += 30
    assert world.cloud.sources.pump_queue("Deliveries")
    assert delivered(world) == [["1", "2", "3"], ["2", "3", "4"]]


def test_what_a_function_has_hidden_stays_hidden(world: Outgoing) -> None:
    """API_ChangeMessageVisibility.html; the dial shortens only what the function leaves."""
    world.send("patient")
    world.cloud.dials.set("retry_seconds", 2)

    def hide_and_fail(records: Any) -> Any:
        receipt = {"ReceiptHandle": records[0]["receiptHandle"]}
        hide(world, receipt, 18_000)
        return {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]}

    world.deliver.answers.append(hide_and_fail)
    world.deliver.fail(0)
    world.cloud.sources.pump_queue("Deliveries")
    assert world.cloud.sources.queue_due_at("Deliveries") == world.now + 18_000
    world.now += 18_000
    world.cloud.sources.pump_queue("Deliveries")
    assert world.cloud.sources.queue_due_at("Deliveries") == world.now + 4
    world.cloud.dials.set("retry_seconds", 0)


def test_hopeless_messages_go_aside_and_their_group_goes_on(world: Outgoing) -> None:
    """FIFO-queues-understanding-logic.html; the dead letters' queue is a FIFO queue, too."""
    world.send("bad")
    world.send("good")
    for _ in range(3):
        world.deliver.fail(0, 1)
        world.cloud.sources.pump_queue("Deliveries")
        world.now += 30
    world.send("next")
    while world.cloud.sources.pump_queue("Deliveries"):
        pass
    assert bodies(world.receive("Undelivered")) == ["bad", "good"]
    assert delivered(world)[-1] == ["next"]


def test_messages_are_repeated_by_the_dial(world: Outgoing) -> None:
    """At least once: each a second time, and then no more."""
    world.cloud.dials.set("queue_repeat_share", 1)
    for body in "12":
        world.send(body)
    while world.cloud.sources.pump_queue("Deliveries"):
        pass
    world.cloud.dials.set("queue_repeat_share", 0)
    assert delivered(world) == [["1", "2"], ["1", "2"]]
    counts = [one["attributes"]["ApproximateReceiveCount"] for one in world.deliver.got]
    assert counts == ["1", "1", "2", "2"]
    assert world.receive() == []
