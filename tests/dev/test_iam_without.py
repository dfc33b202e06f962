"""A statement less in the template, and the call that needs it fails."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dev.cloud import LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import SMALL_STACK
from tests.dev.test_iam import KEY, aws
from tests.dev.test_machine import ended, start

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE_READS = "[{ Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Table.Arn }]"
ECHO_WRITES = "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query]"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run the small stack with two statements changed."""
    folder: Path = tmp_path_factory.mktemp("stack")
    text = SMALL_STACK.read_text()
    for before, after in (
        (MACHINE_READS, MACHINE_READS.replace("GetItem", "PutItem")),
        (ECHO_WRITES, "[dynamodb:GetItem]"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    for name in ("functions", "layer", "machine.asl.json"):
        (folder / name).symlink_to(SMALL_STACK.with_name(name))
    (folder / "template.yaml").write_text(text)
    with LocalCloud(Template(folder / "template.yaml"), log=Log(io.StringIO())) as running:
        yield running


def test_a_machine_that_may_not_read_fails_at_its_first_read(cloud: LocalCloud) -> None:
    """Steps of a machine act under its role, procedure-create-iam-role.html of its guide."""
    answer = ended(cloud, start(cloud, "task_1", "look"))
    assert (answer["status"], answer["error"]) == ("FAILED", "DynamoDB.AccessDeniedException")
    assert "dynamodb:GetItem" in answer["cause"]


def test_a_function_that_may_not_write_is_refused(cloud: LocalCloud) -> None:
    table = {"TableName": cloud.resources["Table"]}
    assert aws(cloud, "dynamodb", "get_item", **table, Key=KEY) == {"code": None}
    assert aws(cloud, "dynamodb", "put_item", **table, Item=KEY)["code"] == "AccessDeniedException"
