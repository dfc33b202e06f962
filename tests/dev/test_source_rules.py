"""Event source mappings, queues and rules that AWS would refuse, or that could not work."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev import policies, stack
from dev.cloud import LocalCloud
from dev.logs import Log
from dev.template_rules import StackError, check
from sam_template import parameters
from sam_template.template import Template
from tests.dev.outgoing import EVENTS_STACK

type Document = dict[str, Any]

STACK = Template(EVENTS_STACK)
VALUES = parameters.resolve(STACK.parameters, {})
STREAM, QUEUE = "NewsFunctionChanges", "DeliverFunctionMessages"


@pytest.fixture(scope="module")
def whole() -> Iterator[Document]:
    """Translate the stack; SAM's translator wants to know where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield stack.translate(STACK, VALUES)


def settings(resource: str, **given: Any) -> Callable[[Document], None]:
    """Set properties of a resource; None takes one away."""

    def change(document: Document) -> None:
        properties = document["Resources"][resource].setdefault("Properties", {})
        for name, value in given.items():
            properties.pop(name, None)
            if value is not None:
                properties[name] = value

    return change


def filtered(*patterns: Any) -> Callable[[Document], None]:
    texts = [one if isinstance(one, str) else json.dumps(one) for one in patterns]
    return settings(STREAM, FilterCriteria={"Filters": [{"Pattern": text} for text in texts]})


def arn(resource: str) -> Document:
    return {"Fn::GetAtt": [resource, "Arn"]}


def loses_its_policy(document: Document) -> None:
    del document["Resources"]["ReadersPolicy"]


def fed_from_the_standard_queue(**more: Any) -> Callable[[Document], None]:
    return settings(QUEUE, EventSourceArn=arn("GivenUp"), **more)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (settings("Deliveries", QueueName="deliveries"), "names of FIFO queues end in .fifo"),
        (settings("GivenUp", QueueName="a.fifo"), "GivenUp: names of FIFO queues"),
        (settings("Undelivered", FifoQueue=None), "Deliveries: its dead letters must go to"),
        (
            settings("Deliveries", FifoQueue=None, ContentBasedDeduplication=None),
            "Deliveries: its dead letters must go to",
        ),
        (settings(QUEUE, BatchSize=11), "a FIFO queue gives batches of at most 10"),
        (settings(QUEUE, MaximumBatchingWindowInSeconds=1), "a FIFO queue has no batching window"),
        (settings(QUEUE, ScalingConfig={"MaximumConcurrency": 1}), "it may be 2 to 1000"),
        (settings(QUEUE, FilterCriteria={"Filters": []}, BatchSize=0), "BatchSize is 0"),
        (settings("Deliveries", VisibilityTimeout=4), "hides messages for 4 s"),
        (fed_from_the_standard_queue(BatchSize=11), "need MaximumBatchingWindowInSeconds"),
        (settings("Table", StreamSpecification=None), "the table has no stream"),
        (settings(STREAM, StartingPosition=None), "must be LATEST or TRIM_HORIZON"),
        (settings(STREAM, StartingPosition="AT_TIMESTAMP"), "must be LATEST or TRIM_HORIZON"),
        (settings(STREAM, ParallelizationFactor=11), "it may be 1 to 10"),
        (settings(STREAM, MaximumRetryAttempts=10_001), "it may be -1 to 10000"),
        (settings(STREAM, MaximumRecordAgeInSeconds=59), "at least 60, or -1"),
        (settings(STREAM, MaximumBatchingWindowInSeconds=301), "it may be 0 to 300"),
        (settings(STREAM, TumblingWindowInSeconds=30), "tumbling windows"),
        (filtered("{"), "is not JSON"),
        (filtered(*[{"eventName": ["INSERT"]}] * 6), "6 filters, a mapping may have 5"),
        (
            settings(STREAM, DestinationConfig={"OnFailure": {"Destination": arn("Undelivered")}}),
            "goes to a standard queue, not to a FIFO one",
        ),
        (
            settings(STREAM, DestinationConfig={"OnFailure": {"Destination": "arn:aws:sns:a:b:c"}}),
            "goes to a queue of this stack",
        ),
        (settings(STREAM, EventSourceArn="arn:aws:kinesis:a:b:c"), "only queues and streams"),
        (settings("Done", EventPattern={"source": "gateway"}), "Done: source: must be an object"),
        (
            settings("Done", Targets=[{"Id": "a", "Arn": arn("Readers"), "InputPath": "$.detail"}]),
            "Done: InputPath is not understood",
        ),
        (
            settings("Done", Targets=[{"Id": "a", "Arn": arn("NewsFunction")}]),
            "Done: may not invoke NewsFunction",
        ),
        (loses_its_policy, "no AWS::SQS::QueuePolicy lets events.amazonaws.com send to Readers"),
    ],
)
def test_mistakes_are_named(
    whole: Document, mistake: Callable[[Document], None], words: str
) -> None:
    """API_CreateEventSourceMapping.html and the pages that dev/source_rules.py names."""
    check(whole, VALUES)
    document = copy.deepcopy(whole)
    mistake(document)
    with pytest.raises(StackError, match=words):
        check(document, VALUES)


@pytest.mark.parametrize("action", ["dynamodb:GetRecords", "dynamodb:ListStreams"])
def test_a_role_that_cannot_read_its_stream_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """services-dynamodb-eventsourcemapping.html: Lambda does not create such a mapping."""
    granted: Any = policies.MANAGED
    name = "AWSLambdaDynamoDBExecutionRole"
    actions = [one for one in granted[name]["Action"] if one != action]
    monkeypatch.setitem(granted, name, {**granted[name], "Action": actions})
    with (
        pytest.raises(StackError, match=f"NewsFunction's role may not {action}"),
        LocalCloud(STACK, log=Log(io.StringIO()), poll_queues=False),
    ):
        pass
