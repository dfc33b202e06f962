"""A table of the local cloud, and what its refusals look like."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from dev.cloud import LocalCloud
from dev.dials import Dials
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import FIXTURES

type Item = dict[str, Any]


class Table:
    """One table, called as a function calls it, except that nothing is tried twice."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.dials: Dials = cloud.dials
        self.name = cloud.resources["Table"]
        cloud.client("dynamodb")
        self.client: Any = cloud._session.client(
            "dynamodb",
            endpoint_url=cloud.aws.url,
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def call(self, operation: str, **parameters: Any) -> Any:
        return getattr(self.client, operation)(TableName=self.name, **parameters)

    def put(self, name: str, **values: Any) -> None:
        self.call("put_item", Item=item(name, **values))

    def get(self, name: str, **parameters: Any) -> Any:
        found = self.call("get_item", Key=key(name), **{"ConsistentRead": True, **parameters})
        return found.get("Item")

    def transact(self, *entries: tuple[str, dict[str, Any]], **parameters: Any) -> Any:
        items = [{kind: {"TableName": self.name, **rest}} for kind, rest in entries]
        return self.client.transact_write_items(TransactItems=items, **parameters)


@contextmanager
def table_cloud(**options: Any) -> Iterator[LocalCloud]:
    template = Template(FIXTURES / "table.yaml")
    with LocalCloud(template, log=Log(io.StringIO()), **options) as cloud:
        yield cloud


def key(name: str) -> Item:
    return {"pk": {"S": name}, "sk": {"S": "x"}}


def item(name: str, **values: Any) -> Item:
    return {**key(name), **values}


@contextmanager
def refused(code: str, words: str = "") -> Iterator[dict[str, Any]]:
    """Expect an error of AWS; gives its whole answer afterwards."""
    answer: dict[str, Any] = {}
    with pytest.raises(ClientError) as caught:
        yield answer
    answer.update(caught.value.response)
    assert answer["Error"]["Code"] == code, answer
    assert words in answer["Error"]["Message"], answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
