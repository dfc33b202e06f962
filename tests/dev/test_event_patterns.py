"""Patterns match as EventBridge and Lambda match them, and those that they refuse are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.event_patterns import PatternError, check, matches, read_filter

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "SizeBytes": 300,
        "NewImage": {
            "event": {"S": "task.succeeded"},
            "count": {"N": "7"},
            "tags": {"L": [{"S": "a"}, {"S": "b"}]},
            "open": {"BOOL": True},
            "none": {"NULL": True},
        },
    },
}


def image(**rules: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": rules}}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (image(event={"S": ["task.succeeded"]}), True),
        (image(event={"S": ["task.Succeeded"]}), False),
        (image(event={"S": ["x", {"prefix": "task."}]}), True),
        (image(event={"S": [{"suffix": ".failed"}]}), False),
        (image(event={"S": [{"equals-ignore-case": "TASK.succeeded"}]}), True),
        (image(event={"S": [{"anything-but": ["task.failed"]}]}), True),
        (image(event={"S": [{"anything-but": ["task.succeeded"]}]}), False),
        # Whatever is not there is not anything but something.
        (image(other={"S": [{"anything-but": ["a"]}]}), False),
        (image(event={"S": [{"exists": True}]}), True),
        (image(event=[{"exists": True}]), False),
        (image(event=[{"exists": False}]), True),
        (image(other={"S": [{"exists": False}]}), True),
        (image(other={"S": [{"exists": True}]}), False),
        (image(count={"N": ["7"]}), True),
        (image(count={"N": [7]}), False),
        (image(tags={"L": {"S": ["b"]}}), True),
        (image(tags={"L": {"S": ["c"]}}), False),
        (image(open={"BOOL": [True]}), True),
        (image(open={"BOOL": [1]}), False),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"], **image(event={"S": ["task.succeeded"]})}, False),
        ({"dynamodb": {"SizeBytes": [{"numeric": [">", 200, "<=", 300]}]}}, True),
        ({"dynamodb": {"SizeBytes": [{"numeric": ["<", 300]}]}}, False),
        ({"$or": [{"eventName": ["REMOVE"]}, image(open={"BOOL": [True]})]}, True),
        ({"$or": [{"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]}]}, False),
    ],
)
def test_records_are_compared_as_lambda_does(pattern: dict[str, Any], found: bool) -> None:
    """invocation-eventfiltering.html and with-ddb-filtering.html of Lambda's guide."""
    check(pattern)
    assert matches(pattern, RECORD) is found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "an object with at least one field"),
        ("{}", "an object with at least one field"),
        ('{"eventName": "INSERT"}', "must be an object or a list"),
        ('{"eventName": []}', "a list that is not empty"),
        ('{"eventName": [["INSERT"]]}', "a list within a list"),
        ('{"eventName": [{"prefix": "I", "suffix": "T"}]}', "one operator"),
        ('{"eventName": [{"begins": "I"}]}', "begins is not evaluated here"),
        ('{"eventName": [{"wildcard": "I*"}]}', "wildcard is not evaluated here"),
        ('{"eventName": [{"exists": "yes"}]}', 'exists does not take "yes"'),
        ('{"eventName": [{"prefix": 1}]}', "prefix does not take 1"),
        ('{"eventName": [{"anything-but": []}]}', "anything-but does not take"),
        ('{"dynamodb": {"SizeBytes": [{"numeric": [">"]}]}}', "numeric does not take"),
        ('{"$or": [{"eventName": ["INSERT"]}]}', "at least two"),
        (json.dumps(image(count={"N": [{"numeric": [">", 5]}]})), "numbers are texts"),
        (json.dumps(image(event={"S": ["x" * 4096]})), "at most 4096"),
    ],
)
def test_filters_that_cannot_work_are_refused(text: str, words: str) -> None:
    """The same pages; the length stands in API_Filter.html of Lambda's API reference."""
    with pytest.raises(PatternError, match=words):
        read_filter(text)


def test_rules_may_use_more() -> None:
    """eb-create-pattern-operators.html."""
    pattern = {"detail-type": [{"wildcard": "task.*ed"}]}
    check(pattern)
    assert matches(pattern, {"detail-type": "task.succeeded"})
    assert not matches(pattern, {"detail-type": "task.running"})
