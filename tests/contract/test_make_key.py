"""`make key`, as its documentation calls it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import USUAL, Scope
from scripts import make_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Run = Callable[..., str]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    dynamodb: "DynamoDBClient",
    table_name: str,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command on a table of its own; gives what it printed."""
    monkeypatch.setattr(make_key, "stack_outputs", lambda _: {"TableName": table_name})
    monkeypatch.setattr("boto3.client", lambda _: dynamodb)

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["make_key", "--stack", "kie-gateway", *arguments])
        make_key.main()
        return capsys.readouterr().out

    return run


def test_a_key_is_made_listed_rotated_and_revoked(
    run: Run, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    key_id, secret = re.findall(
        r"(key_\w+) for alice, shown only now:\n(\S+)", run("--owner", "alice")
    )[0]
    found = KeyTable(dynamodb, table_name).find(secret)
    assert found is not None
    assert (found.key_id, found.owner, found.scopes) == (key_id, "alice", USUAL)
    assert run("--owner", "", "--list").split()[:3] == [key_id, "alice", "valid"]
    assert secret not in run("--owner", "", "--list")
    [new_id] = re.findall(r"(key_\w+) for alice", run("--owner", "", "--rotate", key_id))
    assert "no longer valid" in run("--owner", "", "--revoke", key_id)
    listed = run("--owner", "alice", "--list").splitlines()
    assert [line.split()[0] for line in listed] == sorted([key_id, new_id])


def test_a_key_has_limits_of_its_own_if_told(
    run: Run, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    limits = ("--requests-per-minute", "60", "--tasks-at-once", "5")
    for arguments, expected in ((limits, (60, 5)), ((), (None, None))):
        said = run("--owner", "bob", *arguments)
        found = KeyTable(dynamodb, table_name).find(said.split()[-1])
        assert found is not None
        assert (found.requests_per_minute, found.tasks_at_once) == expected


def test_an_admins_key_is_asked_for_by_scope(
    run: Run, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    said = run("--owner", "root", "--scope", "admin", "--days", "30")
    found = KeyTable(dynamodb, table_name).find(said.split()[-1])
    assert found is not None
    assert found.scopes == {Scope.ADMIN}
    assert found.expires_at is not None
    assert (found.expires_at - found.created_at).days == 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--owner", ""), "--owner"),
        (("--owner", "../x"), "--owner"),
        (("--owner", "", "--revoke", "key_nothere"), "no such key"),
        (("--owner", "", "--rotate", "key_nothere"), "no such key"),
    ],
)
def test_what_makes_no_sense_is_said(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
