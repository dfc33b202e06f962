"""`make reconcile`: nothing differs after all kinds of ends, and everything that does is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from types import SimpleNamespace

import httpx
import pytest

from kie_gateway.aws.table_keys import account_key, ledger_entry_key
from kie_gateway.aws.task_item import write_task
from kie_gateway.core.task import Task
from scripts import reconcile, stack
from tests.functional.story import Story
from tests.functional.world import MODEL, OWNER, World

type Run = Callable[..., tuple[int, list[str]]]
OTHERS = {"model": MODEL, "input": {"prompt": "a boat", "image_size": "1:1"}}


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    table = world.cloud.resources["TaskTable"]
    outputs = {"TableName": table, "CallbackSecretArn": world.cloud.resources["CallbackSecret"]}
    monkeypatch.setattr(reconcile, "stack_outputs", lambda _: outputs)
    monkeypatch.setattr(reconcile, "SECOND_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(reconcile, "utc_now", world.agenda.now)
    aws = SimpleNamespace(client=cache(world.cloud.client))
    for module in (reconcile, stack):
        monkeypatch.setattr(module, "boto3", aws)

    def run(*arguments: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["reconcile", *arguments])
        code = reconcile.main()
        return code, capsys.readouterr().out.splitlines()

    return run


def a_bit_of_everything(world: World) -> list[Story]:
    stories = [
        world.create("a kite"),
        world.create("a kite [webhook lost]"),
        world.create("a kite [fail]"),
        world.create("a kite [webhook x3]"),
    ]
    canceled = world.create("a kite")
    canceled.cancel()
    world.run()
    return [*stories, canceled, world.create("still at work [slow 500]")]


def recorded(world: World, story: Story) -> Task:
    task: Task = world.gateway("ApiFunction").tasks.get(story.task_id)
    return task


def test_nothing_differs_whatever_became_of_the_tasks(world: World, run: Run) -> None:
    a_bit_of_everything(world)
    code, said = run()
    assert (code, said[-1]) == (0, "1 accounts, 11 entries, 6 tasks: 0 differences")
    world.run()
    code, said = run()
    assert (code, said[-1]) == (0, "1 accounts, 12 entries, 6 tasks: 0 differences")


def test_everything_that_differs_is_named(world: World, run: Run) -> None:
    world.run()
    stories = [world.create("a kite"), world.create("a kite")]
    world.run()
    run()
    table = world.cloud.resources["TaskTable"]
    accounts = world.gateway("ApiFunction").accounts
    entries = accounts.account(OWNER, world.agenda.now()).entries
    [last] = accounts.ledger(OWNER, limit=1, before=None)[0]
    world.dynamodb.delete_item(TableName=table, Key=ledger_entry_key(OWNER, last.entry_id))
    [other] = [one for one in stories if one.task_id != last.task_id]
    task = recorded(world, other)
    assert task.reservation is not None
    cheaper = replace(task.reservation, charged=Decimal(3))
    world.dynamodb.put_item(TableName=table, Item=write_task(replace(task, reservation=cheaper)))
    world.dynamodb.update_item(
        TableName=table,
        Key=account_key(OWNER),
        UpdateExpression="ADD balance :one, open_tasks :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    code, said = run("--offline")
    assert code == 1
    for words in (
        f"{OWNER}: balance is 1, but the entries add up to 0",
        f"{OWNER}: open_tasks is 1, but there are 0",
        f"{OWNER}: reserved is 0, but the entries add up to 4",
        f"{OWNER}: entries is {entries}, but there are {entries - 1}",
        f"{last.task_id}: charged is 4 by the task, and 0 by the ledger",
        f"{task.task_id}: charged is 3 by the task, and 4 by the ledger",
    ):
        assert words in said, words
    _, said = run()
    assert f"{task.task_id}: Kie.ai charged 4 credits, the owner was charged 3" in said


def test_what_others_spend_shows_in_the_balance_and_in_the_history(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = run("--days", "1")
    assert "history was not read" in said[0]
    create = {**OTHERS, "callBackUrl": "http://127.0.0.1:9/none"}
    headers = {"Authorization": "Bearer test"}
    created = httpx.post(
        f"{world.kie.base_url}/api/v1/jobs/createTask", json=create, headers=headers
    ).json()
    world.run_for(60)
    _, said = run("--days", "1")
    [words] = [line for line in said if line.startswith("Kie.ai: the balance")]
    assert "which is 4; the ledgers know of 0." in words
    # What was told once is not told again.
    _, said = run("--days", "1")
    assert not [line for line in said if line.startswith("Kie.ai: the balance")]
    monkeypatch.setattr(
        "kie_gateway.aws.secrets.Secrets.text",
        lambda *_: '{"api_key": "test", "history_token": "sim-history-token"}',
    )
    code, said = run("--days", "1")
    assert code == 1
    upstream = created["data"]["taskId"]
    assert [line for line in said if upstream in line] == [
        f"Kie.ai: lists {upstream} ({MODEL}, 4 credits), unknown here"
    ]


def test_trouble_ends_with_one_line_and_another_exit_code(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {**world.cloud.values, "KieBaseUrl": "http://127.0.0.1:9"}
    monkeypatch.setattr(reconcile, "stack_parameters", lambda _: parameters)
    monkeypatch.setattr("kie_gateway.kie.http._ATTEMPTS", 1)
    monkeypatch.setattr("sys.argv", ["reconcile", "--days", "0"])
    with pytest.raises(SystemExit) as ended:
        stack.run(reconcile.main)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "Kie.ai: ConnectError\n"
