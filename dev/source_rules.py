"""
What Lambda refuses of event source mappings, and what their queues and roles must be like.

Ranges: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html. Queues:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html (FIFO queues: batches of
ten, no window) and https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
Streams:
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html. Dead letters:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html:
those of a FIFO queue go to a FIFO queue, and those of a standard queue to a standard one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.event_patterns import MAX_FILTERS, PatternError, read_filter
from dev.mappings import MAPPING, filter_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.policies import Principal
    from dev.references import References
    from dev.stack import Stack

# What the role of a function that is fed from a queue must allow, services-sqs-configure.html.
QUEUE_NEEDS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# And from a stream, https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html.
STREAM_NEEDS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_QUEUE = "AWS::SQS::Queue"
_TABLE = "AWS::DynamoDB::Table"
_RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
}
# Of a record's age, -1 is for any, and a minute the least.
_LEAST_AGE_SECONDS = 60

type Document = dict[str, Any]


def problems(references: References) -> Iterator[str]:
    """Return what is wrong with queues and mappings, one sentence each."""
    queues = {references.attribute(name, "Arn"): name for name in references.of_type(_QUEUE)}
    streams = {
        references.attribute(name, "StreamArn"): table
        for name, table in references.of_type(_TABLE).items()
    }
    yield from _queues(references, queues)
    for name, mapping in references.of_type(MAPPING).items():
        yield from _ranges(name, mapping)
        arn = mapping["EventSourceArn"]
        if arn in queues:
            yield from _queue_mapping(references, name, mapping, queues[arn])
        elif arn in streams:
            yield from _stream_mapping(references, name, mapping, streams[arn], queues)
        elif isinstance(arn, str) and arn:
            yield f"{name}: only queues and streams of this stack feed functions on this machine"


def missing_rights(stack: Stack, principal: Mapping[str, Principal]) -> Iterator[str]:
    """
    Return what the roles of functions may not do that their mappings need.

    Args:
        stack: What was created.
        principal: The functions' roles, by logical ids of the functions.

    """
    wanted = [(one.function, need, one.queue_arn) for one in stack.sources for need in QUEUE_NEEDS]
    for stream in stack.streams:
        wanted += [(stream.function, need, stream.stream_arn) for need in STREAM_NEEDS]
        wanted.append((stream.function, "dynamodb:ListStreams", "*"))
        if stream.failure_arn is not None:
            wanted.append((stream.function, "sqs:SendMessage", stream.failure_arn))
    for function, action, resource in wanted:
        if not principal[function].may(action, resource):
            yield f"{function}'s role may not {action} on {resource}"


def _queues(references: References, by_arn: Mapping[str, str]) -> Iterator[str]:
    queues = references.of_type(_QUEUE)
    for name, queue in queues.items():
        given = queue.get("QueueName")
        if given is not None and str(given).endswith(".fifo") is not _is_fifo(queue):
            yield f"{name}: names of FIFO queues end in .fifo, and no others"
        target = by_arn.get((queue.get("RedrivePolicy") or {}).get("deadLetterTargetArn", ""))
        if target is not None and _is_fifo(queue) is not _is_fifo(queues[target]):
            yield f"{name}: its dead letters must go to a queue of its own kind, FIFO or not"


def _ranges(name: str, mapping: Document) -> Iterator[str]:
    for setting, (least, most) in _RANGES.items():
        value = mapping.get(setting)
        if value is not None and not least <= int(value) <= most:
            yield f"{name}: {setting} is {value}, it may be {least} to {most}"
    concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
    if concurrency is not None and not 2 <= int(concurrency) <= 1000:
        yield f"{name}: MaximumConcurrency is {concurrency}, it may be 2 to 1000"
    if 0 <= int(mapping.get("MaximumRecordAgeInSeconds", -1)) < _LEAST_AGE_SECONDS:
        yield f"{name}: MaximumRecordAgeInSeconds is at least {_LEAST_AGE_SECONDS}, or -1"


def _queue_mapping(
    references: References, name: str, mapping: Document, queue_name: str
) -> Iterator[str]:
    queue = references.of_type(_QUEUE)[queue_name]
    function = references.logical_id(mapping["FunctionName"])
    timeout = int(references.of_type("AWS::Lambda::Function")[function].get("Timeout", 3))
    hidden = int(queue.get("VisibilityTimeout", 30))
    if hidden < timeout:
        yield (
            f"{name}: the queue hides messages for {hidden} s, "
            f"less than {function}'s timeout of {timeout} s"
        )
    if mapping.get("FilterCriteria"):
        yield f"{name}: filters of queues are not evaluated on this machine"
    size = int(mapping.get("BatchSize", 10))
    window = int(mapping.get("MaximumBatchingWindowInSeconds", 0))
    if _is_fifo(queue):
        if size > 10:
            yield f"{name}: a FIFO queue gives batches of at most 10"
        if window:
            yield f"{name}: a FIFO queue has no batching window"
    elif size > 10 and not window:
        yield f"{name}: batches of more than 10 messages need MaximumBatchingWindowInSeconds"


def _stream_mapping(
    references: References,
    name: str,
    mapping: Document,
    table: Document,
    queues: Mapping[str, str],
) -> Iterator[str]:
    if not table.get("StreamSpecification"):
        yield f"{name}: the table has no stream"
    if mapping.get("StartingPosition") not in {"LATEST", "TRIM_HORIZON"}:
        yield f"{name}: StartingPosition must be LATEST or TRIM_HORIZON"
    if mapping.get("TumblingWindowInSeconds"):
        yield f"{name}: tumbling windows are not done on this machine"
    texts = filter_texts(mapping)
    if len(texts) > MAX_FILTERS:
        yield f"{name}: {len(texts)} filters, a mapping may have {MAX_FILTERS}"
    for text in texts:
        try:
            read_filter(text)
        except PatternError as exc:
            yield f"{name}: {exc}"
    failure = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if failure is None:
        return
    if failure not in queues:
        yield f"{name}: what fails goes to a queue of this stack on this machine"
    elif _is_fifo(references.of_type(_QUEUE)[queues[failure]]):
        yield f"{name}: what fails goes to a standard queue, not to a FIFO one"


def _is_fifo(queue: Document) -> bool:
    return str(queue.get("FifoQueue", False)).lower() == "true"
