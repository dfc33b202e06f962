"""What the event source mappings of the translated template say, with everything resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.event_patterns import read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.event_patterns import Pattern

MAPPING = "AWS::Lambda::EventSourceMapping"

type Document = dict[str, Any]


@dataclass(frozen=True)
class QueueSource:
    """
    A queue that a function is fed from.

    Attributes:
        queue: Its logical id.
        concurrency: Invocations at once, at most; without a limit of its own a mapping goes up to
            1,000, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html.

    """

    queue: str
    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    partial_failures: bool
    concurrency: int


@dataclass(frozen=True)
class StreamSource:
    """
    A table's stream that a function is fed from.

    The defaults stand in https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html.

    Attributes:
        name: The mapping's logical id, by which what it has not worked off survives a restart.
        table: The physical name of the table.
        window_seconds: How long records are gathered before an invocation.
        lanes: Batches worked on at once; all records of a partition key go down one lane.
        filters: Patterns; a record that matches none is dropped. No pattern takes all.
        most_retries: -1 for as many as it takes.
        most_age_seconds: -1 for any age.
        failure_arn: The queue that is told of records given up; None if nobody is.

    """

    name: str
    table: str
    stream_arn: str
    function: str
    batch_size: int
    window_seconds: float
    lanes: int
    filters: tuple[Pattern, ...]
    partial_failures: bool
    bisects: bool
    most_retries: int
    most_age_seconds: float
    failure_arn: str | None


def wanted_outputs(mappings: Mapping[str, Document]) -> Document:
    """Return what moto's CloudFormation has to resolve for us, by the outputs' names."""
    wanted = {}
    for name, mapping in mappings.items():
        wanted[f"{name}Source"] = mapping["EventSourceArn"]
        failure = mapping.get("DestinationConfig", {}).get("OnFailure", {})
        if "Destination" in failure:
            wanted[f"{name}Failure"] = failure["Destination"]
    return wanted


def queue_sources(
    mappings: Mapping[str, Document], outputs: Mapping[str, str], queues: Mapping[str, str]
) -> list[QueueSource]:
    """
    Read the mappings of queues.

    Args:
        mappings: References resolved, by logical id.
        outputs: What CloudFormation has resolved.
        queues: Logical ids by URL.

    """
    by_name = {url.rpartition("/")[2]: (name, url) for url, name in queues.items()}
    found = []
    for name, mapping in mappings.items():
        arn = outputs[f"{name}Source"]
        if ":sqs:" not in arn:
            continue
        queue, url = by_name[arn.rpartition(":")[2]]
        found.append(
            QueueSource(
                queue=queue,
                queue_url=url,
                queue_arn=arn,
                function=mapping["FunctionName"],
                batch_size=int(mapping.get("BatchSize", 10)),
                partial_failures=_reports_failures(mapping),
                concurrency=int(mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 1000)),
            )
        )
    return found


def stream_sources(
    mappings: Mapping[str, Document], outputs: Mapping[str, str]
) -> list[StreamSource]:
    """Read the mappings of streams; arguments as for queues."""
    return [
        _stream_source(name, mapping, outputs)
        for name, mapping in mappings.items()
        if ":dynamodb:" in outputs[f"{name}Source"]
    ]


def _stream_source(name: str, mapping: Document, outputs: Mapping[str, str]) -> StreamSource:
    arn = outputs[f"{name}Source"]
    return StreamSource(
        name=name,
        table=arn.split("/")[1],
        stream_arn=arn,
        function=mapping["FunctionName"],
        batch_size=int(mapping.get("BatchSize", 100)),
        window_seconds=float(mapping.get("MaximumBatchingWindowInSeconds", 0)),
        lanes=int(mapping.get("ParallelizationFactor", 1)),
        filters=tuple(read_filter(text) for text in filter_texts(mapping)),
        partial_failures=_reports_failures(mapping),
        bisects=str(mapping.get("BisectBatchOnFunctionError", False)).lower() == "true",
        most_retries=int(mapping.get("MaximumRetryAttempts", -1)),
        most_age_seconds=float(mapping.get("MaximumRecordAgeInSeconds", -1)),
        failure_arn=outputs.get(f"{name}Failure"),
    )


def filter_texts(mapping: Document) -> list[Any]:
    """Return the patterns of a mapping as they are written."""
    return [one.get("Pattern") for one in mapping.get("FilterCriteria", {}).get("Filters", [])]


def _reports_failures(mapping: Document) -> bool:
    return "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", ())
