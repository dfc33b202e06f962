"""How a mapping works a stream off: batches, retries, bisecting, giving up."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from dev.changes import Change
from dev.dials import Dials
from dev.functions import Outcome, failure
from dev.logs import Log
from dev.mappings import StreamSource
from dev.streams import StreamReader, first_failed

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1"


class Stream:
    """A reader with a function that fails records by their names, on a clock that stands still."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1000.0
        self.batches: list[str] = []
        self.bad: dict[str, int] = {}
        self.raises = False
        self.told: list[dict[str, Any]] = []
        self.forgotten: list[int] = []
        self.dials = Dials()
        plain = {
            "name": "Mapping",
            "table": "t",
            "stream_arn": ARN,
            "function": "Function",
            "batch_size": 10,
            "window_seconds": 0.0,
            "lanes": 1,
            "filters": (),
            "partial_failures": True,
            "bisects": False,
            "most_retries": -1,
            "most_age_seconds": -1,
            "failure_arn": "arn:q",
        }
        self.reader = StreamReader(
            StreamSource(**{**plain, **settings}),
            self._submit,
            function_arn="arn:f",
            tell=lambda text: self.told.append(json.loads(text)),
            forget=self._forget,
            log=Log(io.StringIO()),
            dials=self.dials,
            clock=lambda: self.now,
        )

    def add(self, names: str, partition: str = "p") -> None:
        """Add a record for each letter."""
        for name in names:
            facts = {"SequenceNumber": str(ord(name)), "ApproximateCreationDateTime": self.now}
            record = {"name": name, "dynamodb": facts}
            self.reader.add(Change(ord(name), partition, self.now, record))

    def run(self) -> list[str]:
        """Let time pass until nothing is left; returns the batches by their records' names."""
        while (due := self.due_at()) is not None:
            self.now = max(self.now, due)
            for lane in self.reader.lanes:
                self.reader.step(lane)
        return self.batches

    def due_at(self) -> float | None:
        times = [self.reader.due_at(lane) for lane in self.reader.lanes]
        return min((one for one in times if one is not None), default=None)

    def step(self) -> bool:
        return self.reader.step(self.reader.lanes[0])

    def _forget(self, changes: Sequence[Change]) -> None:
        self.forgotten += [change.number for change in changes]

    def _submit(self, payload: bytes) -> Future[Outcome]:
        records = json.loads(payload)["Records"]
        self.batches.append("".join(record["name"] for record in records))
        failed = [record for record in records if self._fails(record["name"])]
        answer: Future[Outcome] = Future()
        if failed and self.raises:
            answer.set_result(failure("E", "e"))
        else:
            named = [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]
            answer.set_result(Outcome(json.dumps({"batchItemFailures": named}).encode()))
        return answer

    def _fails(self, name: str) -> bool:
        left = self.bad.get(name, 0)
        self.bad[name] = left - 1
        return left > 0


def test_batches_are_filled_in_order() -> None:
    stream = Stream(batch_size=4)
    stream.add("abcdefghi")
    assert stream.run() == ["abcd", "efgh", "i"]
    assert stream.forgotten == [ord(name) for name in "abcdefghi"]


def test_a_partition_keeps_to_its_lane() -> None:
    """services-dynamodb-eventsourcemapping.html: batches of a shard at once, keys in order."""
    stream = Stream(lanes=2, batch_size=2)
    for letter in "abcdef":
        stream.add(letter, partition="red" if letter in "ace" else "green")
    assert sorted(stream.run()) == ["ac", "bd", "e", "f"]


def test_a_partial_failure_comes_again_from_the_lowest() -> None:
    """services-ddb-batchfailurereporting.html: the lowest sequence number is the checkpoint."""
    stream = Stream()
    stream.bad = {"c": 1, "e": 1}
    stream.add("abcde")
    assert stream.run() == ["abcde", "cde"]


def test_what_stands_behind_a_failure_waits() -> None:
    stream = Stream(batch_size=2)
    stream.bad = {"a": 2}
    stream.add("abcd")
    assert stream.step()
    assert not stream.step()
    assert stream.run() == ["ab", "ab", "ab", "cd"]


def test_pauses_grow_by_the_dial() -> None:
    stream = Stream()
    stream.dials.set("retry_seconds", 0.25)
    stream.bad = {"a": 3}
    stream.add("a")
    moments = []
    while (due := stream.due_at()) is not None:
        moments.append(due - 1000)
        stream.now = due
        stream.step()
    assert moments == [0, 0.25, 0.75, 1.75]


def test_without_partial_failures_only_errors_count() -> None:
    """Lambda ignores the answer then."""
    stream = Stream(partial_failures=False)
    stream.bad = {"b": 1}
    stream.add("abc")
    assert stream.run() == ["abc"]


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (None, None),
        ({}, None),
        ({"batchItemFailures": None}, None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"id": "2"}]}, 0),
    ],
)
def test_answers_are_read_as_lambda_reads_them(answer: Any, first: int | None) -> None:
    """services-ddb-batchfailurereporting.html, success and failure conditions."""
    outcome = Outcome(json.dumps(answer).encode())
    assert first_failed(outcome, ["1", "2", "3"], partial=True) == first
    assert first_failed(failure("E", "e"), ["1", "2", "3"], partial=True) == 0


def test_a_failed_batch_is_halved() -> None:
    """services-dynamodb-errors.html: bad records alone are left, and splitting is no retry."""
    stream = Stream(bisects=True, most_retries=1)
    stream.raises = True
    stream.bad = {"c": 99}
    stream.add("abcd")
    assert stream.run() == ["abcd", "ab", "cd", "c", "c", "d"]
    [report] = stream.told
    assert report["DDBStreamBatchInfo"]["batchSize"] == 1


def test_with_a_partial_failure_a_batch_is_split_at_the_failure() -> None:
    """services-ddb-batchfailurereporting.html, bisecting a batch."""
    stream = Stream(bisects=True, most_retries=0)
    stream.bad = {"b": 99}
    stream.add("abcd")
    assert stream.run() == ["abcd", "bcd", "b", "cd"]
    assert [report["DDBStreamBatchInfo"]["startSequenceNumber"] for report in stream.told] == ["98"]


def test_what_fails_too_often_is_reported_and_left() -> None:
    """The message of services-dynamodb-errors.html; without bisecting all of the batch is lost."""
    stream = Stream(most_retries=2)
    stream.raises = True
    stream.bad = {"a": 99}
    stream.add("ab")
    stream.run()
    stream.add("c")
    assert stream.run() == ["ab", "ab", "ab", "c"]
    [report] = stream.told
    assert report["requestContext"].pop("requestId")
    assert report == {
        "requestContext": {
            "functionArn": "arn:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "1970-01-01T00:16:43.000Z",
        "DDBStreamBatchInfo": {
            "shardId": report["DDBStreamBatchInfo"]["shardId"],
            "startSequenceNumber": "97",
            "endSequenceNumber": "98",
            "approximateArrivalOfFirstRecord": "1970-01-01T00:16:40Z",
            "approximateArrivalOfLastRecord": "1970-01-01T00:16:40Z",
            "batchSize": 2,
            "streamArn": ARN,
        },
    }
    assert sorted(stream.forgotten) == [97, 98, 99]


def test_what_is_too_old_is_left_without_a_try() -> None:
    stream = Stream(most_age_seconds=60, batch_size=2)
    stream.add("a")
    stream.now += 61
    stream.add("b")
    assert stream.run() == ["b"]
    [report] = stream.told
    assert report["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in report


def test_a_window_gathers_records() -> None:
    """services-dynamodb-eventsourcemapping.html: until it is over, or the batch full."""
    stream = Stream(window_seconds=5.0, batch_size=3)
    stream.add("a")
    stream.now += 4
    stream.add("b")
    assert not stream.step()
    stream.now += 1
    assert stream.step()
    stream.add("cde")
    assert stream.step()
    assert stream.batches == ["ab", "cde"]


def test_a_batch_stays_below_what_a_function_takes() -> None:
    """6 MB, gettingstarted-limits.html of Lambda's guide."""
    stream = Stream()
    for name in "abc":
        facts = {"SequenceNumber": name, "ApproximateCreationDateTime": 0, "x": "x" * 2_500_000}
        record = {"name": name, "dynamodb": facts}
        stream.reader.add(Change(ord(name), "p", stream.now, record))
    assert stream.run() == ["ab", "c"]


def test_batches_are_repeated_by_the_dial() -> None:
    """At least once: each batch a second time, still in order."""
    stream = Stream(batch_size=2)
    stream.dials.set("stream_repeat_share", 1)
    stream.add("abc")
    assert stream.run() == ["ab", "ab", "c", "c"]


def test_nothing_is_lost_when_an_invocation_breaks() -> None:
    """Such as one that was under way when processes were replaced."""
    stream = Stream()
    stream.add("ab")
    submit = stream.reader._submit

    def broken(payload: bytes) -> Any:
        stream.reader._submit = submit
        raise OSError("broken")

    stream.reader._submit = broken
    with pytest.raises(OSError, match="broken"):
        stream.step()
    assert stream.run() == ["ab"]
