"""More tasks at once than Kie.ai takes: none is lost, none is sent twice, and each has its turn."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from tests.functional.world import MODEL, World
from tests.keys import issue_key

# A minute of work for what is virtual time.
pytestmark = pytest.mark.long

LIMIT, WINDOW_SECONDS = 20, 10
# Of the model, in the catalogue.
TYPICAL_SECONDS = 45
# Who wants how many; the greedy one asks for all of them first.
WANTED = {"greedy": 180, "modest": 80, "late": 40}
TOTAL = sum(WANTED.values())


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World(create_limit=LIMIT) as world:
        for owner in WANTED:
            table = world.cloud.resources["TaskTable"]
            keys = KeyTable(world.cloud.client("dynamodb"), table)
            secret, now = f"kg_{owner}", world.agenda.now()
            issue_key(owner, "tests", keys=keys, key_id=f"key_{owner}", now=now, secret=secret)
        yield world


@dataclass(frozen=True)
class Sent:
    """A creation that Kie.ai took: who wanted it, and seconds since all came."""

    owner: str
    task_id: str
    after: float


@dataclass(frozen=True)
class Rush:
    """What became of everything that came at once."""

    tasks: dict[str, dict[str, Any]]
    sent: list[Sent]
    refused: int


@pytest.fixture(scope="module")
def rush(whole_world: World) -> Rush:
    world = whole_world
    began = world.agenda.time()
    owners = [owner for owner, count in WANTED.items() for _ in range(count)]

    def create(owner: str) -> str:
        body = {"model": MODEL, "input": {"prompt": "a kite"}}
        headers = {"Authorization": f"Bearer kg_{owner}"}
        answer = world.http.post("/v1/tasks", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        task_id: str = answer.json()["id"]
        return task_id

    # All at one moment of the world's clock; moto does not count for several threads at once.
    ids = {create(owner): owner for owner in owners}
    world.settle_down()
    world.run()
    creations = world.creations()
    tasks = {
        task_id: world.http.get(
            f"/v1/tasks/{task_id}", headers={"Authorization": f"Bearer kg_{owner}"}
        ).json()
        for task_id, owner in ids.items()
    }
    upstream = {task["upstream"]["task_id"]: task_id for task_id, task in tasks.items()}
    accepted = [one for one in creations if one["accepted"]]
    sent = [
        Sent(ids[task_id], task_id, datetime.fromisoformat(one["at"]).timestamp() - began)
        for one in accepted
        for task_id in [upstream[one["taskId"]]]
    ]
    return Rush(tasks, sent, len(creations) - len(accepted))


def test_all_succeed_and_each_is_sent_once(rush: Rush) -> None:
    assert Counter(task["status"] for task in rush.tasks.values()) == {"succeeded": TOTAL}
    assert Counter(one.task_id for one in rush.sent) == dict.fromkeys(rush.tasks, 1)


def test_hardly_any_creation_is_refused(rush: Rush) -> None:
    assert rush.refused < TOTAL / 10


def test_it_takes_hardly_longer_than_the_limit_itself(rush: Rush) -> None:
    allowed = (TOTAL / LIMIT - 1) * WINDOW_SECONDS
    assert max(one.after for one in rush.sent) <= 1.2 * allowed


def test_an_owners_tasks_are_sent_in_order(rush: Rush) -> None:
    for owner in WANTED:
        # Those sent before the first refusal were under way together.
        waited = [one for one in rush.sent if one.owner == owner and one.after > 0]
        for earlier, later in pairwise(waited):
            # Two tickets at one moment are under way together, too.
            assert earlier.task_id < later.task_id or earlier.after == later.after


def test_no_owner_waits_for_more_than_its_share(rush: Rush) -> None:
    for owner, count in WANTED.items():
        last = max(one.after for one in rush.sent if one.owner == owner)
        # While it waits, it gets one ticket in as many as there are owners.
        turns = min(count * len(WANTED), TOTAL)
        assert last <= WINDOW_SECONDS * (1 + turns / LIMIT) * 1.1, owner


def test_who_waits_is_told_how_long(whole_world: World, rush: Rush) -> None:
    world = whole_world
    headers = {"Authorization": "Bearer kg_modest"}
    body = {"model": MODEL, "input": {"prompt": "a kite"}}
    answers = [world.http.post("/v1/tasks", json=body, headers=headers) for _ in range(LIMIT + 3)]
    world.settle_down()
    last = answers[-1].json()
    assert last["status"] == "queued"
    turn = int(answers[-1].headers["retry-after"])
    assert 10 < turn < 20
    expected, created = (datetime.fromisoformat(last[f"{n}_at"]) for n in ("expected", "created"))
    # Its turn, and then as long as the model takes: by the catalogue, or by what was seen of it.
    longest = turn + TYPICAL_SECONDS + 2
    assert turn - 1 < (expected - created).total_seconds() <= longest
    assert last["progress"] == 0
    events = world.http.get(f"/v1/tasks/{last['id']}/events", headers=headers).json()["data"]
    assert events[-1]["type"] == "submission_waiting"
    world.run()
    done: Any = httpx.get(
        f"{world.cloud.url}/v1/tasks/{last['id']}", headers=headers, timeout=20
    ).json()
    assert (done["status"], done["expected_at"], done["progress"]) == ("succeeded", None, 1)
