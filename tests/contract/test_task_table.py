"""The record: what flows rely on, of the real table and of its fake alike."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from threading import Barrier
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.aws.task_item import Item, read_entry, read_task, write_entry, write_task
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.alternatives import Alternative, Attempt, AttemptStatus
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.reservation import Fate, Funds, Reservation
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.moves.move import Move
from kie_gateway.core.ports.tasks import Existing, TaskFilter, TaskStore
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Step, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fakes import FakeTaskStore
from tests.makers import NOW, RESULT_URL, TASK_ID, make_task, running_task, seconds, storing_task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THREADS = 8
EVERYTHING = TaskFilter()
BARE = make_task(input={}, submission=Submission.WAITING, submission_attempts=0, sending_at=None)
FULL = storing_task(
    input={"prompt": "Drachen über dem See 🪁", "n": [1, 2.5, None, True], "deep": {"a": {}}},
    metadata={"user": "42"},
    attention=Attention.STORAGE_FAILED,
    submission_attempts=3,
    upstream_state="success",
    upstream_code="200",
    upstream_message="",
    sources=(
        Source(RESULT_URL),
        Source(RESULT_URL + "?n=2", alternates=("https://a.test/1", "https://a.test/2")),
        Source("", content="la la la", content_type="text/plain", duration_seconds=12.5),
        Source.of_bytes(bytes(range(256)), "image/png"),
    ),
    outputs=(
        Output(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", RESULT_URL, 7, 8),
        Output(1, "audio", "audio/mpeg", 9, "cd", "k", RESULT_URL, duration_seconds=0.5),
    ),
    missing=(
        Missing(2, "answered with status 503 🪁", Cure.TIME),
        Missing(3, "Kie.ai never delivered it.", Cure.NOTHING),
    ),
    copy_until=NOW + seconds(86_400),
    error=Failure("500", Category.CONTENT_POLICY, "no", retryable=True),
    credits_estimated=Decimal("0.1"),
    credits_charged=Decimal(4),
    reservation=Reservation(
        Decimal("4.5"), 60, Funds.UNLIMITED, fate=Fate.CHARGED, charged=Decimal("0.4")
    ),
    release_at=NOW + seconds(99),
    completed_by=CompletedBy.HISTORY,
    parent_id="task_parent",
    batch_id="batch_1",
    retry_of="task_old",
    upstream_completed_at=NOW + seconds(0.123),
    completed_at=NOW + seconds(61),
    polls=12,
    store_attempts=2,
    storing_until=NOW + seconds(100),
    watches=2,
)


def no_pause(_: float) -> None:
    pass


@pytest.fixture
def table(dynamodb: "DynamoDBClient", table_name: str) -> TaskTable:
    client: Any = OneAtATime(dynamodb)
    return TaskTable(client, table_name, pause=no_pause)


@pytest.fixture(params=["table", "fake"])
def store(request: pytest.FixtureRequest) -> TaskStore:
    if request.param == "fake":
        return FakeTaskStore()
    real: TaskTable = request.getfixturevalue("table")
    return real


def entry(words: str, after_seconds: float = 0, happened: Happened = Happened.CREATED) -> Entry:
    return Entry(happened, NOW + seconds(after_seconds), words, {"attempt": 1, "code": None})


def key(fingerprint: str = "same", **changes: Any) -> IdempotencyKey:
    made = IdempotencyKey("alice", "key-1", fingerprint, forget_at=NOW + timedelta(hours=25))
    return replace(made, **changes)


def numbered(number: int, **changes: Any) -> Task:
    return make_task(task_id=f"task_{number:026d}", **changes)


def ids(*numbers: int) -> list[str]:
    return [f"task_{number:026d}" for number in numbers]


def poll(task: Task) -> Move:
    return Move(replace(task, polls=task.polls + 1), (entry(f"poll {task.polls + 1}"),))


def walk(
    store: TaskStore,
    which: TaskFilter = EVERYTHING,
    *,
    limit: int = 3,
    newest_first: bool = True,
    after: str | None = None,
    owner: str = "alice",
) -> Iterator[str]:
    """Read a list to its end, page by page."""
    for _ in range(100):
        page = store.list_tasks(owner, which, limit=limit, after=after, newest_first=newest_first)
        assert len(page.tasks) <= limit
        yield from (task.task_id for task in page.tasks)
        after = page.next_after
        if after is None:
            return
    raise AssertionError("the list never ends")


# --- create, replay, forget ---------------------------------------------------------------------


@pytest.mark.parametrize("task", [BARE, FULL], ids=["no field set", "every field set"])
def test_a_task_is_read_as_it_was_written(store: TaskStore, task: Task) -> None:
    assert store.create(task, (entry("one"), entry("two")), None) == task
    assert store.get(task.task_id) == task
    assert store.entries(task.task_id) == [entry("one"), entry("two")]


def test_a_task_that_is_not_there_is_none(store: TaskStore) -> None:
    assert store.get(TASK_ID) is None
    assert store.version_of(TASK_ID) is None
    assert store.entries(TASK_ID) == []


def test_a_version_can_be_read_by_itself(store: TaskStore) -> None:
    store.create(FULL, (), None)
    assert store.version_of(FULL.task_id) == FULL.version
    moved = store.move(FULL, lambda task: Move(replace(task, polls=99))).task
    assert store.version_of(FULL.task_id) == moved.version == FULL.version + 1


def test_a_key_stands_for_the_first_request(store: TaskStore) -> None:
    first, second = numbered(1), numbered(2)
    assert store.create(first, (), key()) == first
    assert store.create(second, (entry("one"),), key()) == Existing(first.task_id, True)
    assert store.create(second, (), key("other")) == Existing(first.task_id, False)
    assert store.get(second.task_id) is None
    assert store.entries(second.task_id) == []


def test_a_key_is_the_owners_own_and_ends(store: TaskStore) -> None:
    store.create(numbered(1), (), key())
    later = NOW + timedelta(hours=25)
    assert store.create(numbered(2), (), key(owner="bob")) == numbered(2)
    assert store.create(numbered(3), (), key(key="key-2")) == numbered(3)
    assert isinstance(store.create(numbered(4, created_at=later), (), key()), Existing)
    new = numbered(5, created_at=later + seconds(1))
    assert store.create(new, (), key("new")) == new


def test_one_key_makes_one_task_however_many_ask(store: TaskStore) -> None:
    together = Barrier(THREADS)

    def create(number: int) -> Task | Existing:
        together.wait()
        return store.create(numbered(number), (entry("created"),), key())

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(create, range(THREADS)))
    made = [number for number in range(THREADS) if store.get(numbered(number).task_id)]
    assert len(made) == 1
    assert answers.count(numbered(made[0])) == 1
    others = [answer for answer in answers if isinstance(answer, Existing)]
    assert others == [Existing(numbered(made[0]).task_id, True)] * (THREADS - 1)


def test_a_forgotten_task_leaves_nothing_and_its_key_is_free(store: TaskStore) -> None:
    task = numbered(1)
    store.create(task, (entry("one"), entry("two")), key())
    store.forget(task, key())
    assert (store.get(task.task_id), store.entries(task.task_id)) == (None, [])
    assert list(walk(store)) == []
    assert store.create(numbered(2), (), key("other")) == numbered(2)


# --- moves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"), [(BARE, FULL), (FULL, BARE), (FULL, FULL)], ids=["set", "unset", "keep"]
)
def test_a_move_writes_and_unsets_every_field(store: TaskStore, before: Task, after: Task) -> None:
    store.create(before, (), None)
    moved = store.move(before, lambda _: Move(after, (entry("moved"),)))
    assert moved.changed
    assert moved.task == replace(after, version=2)
    assert store.get(TASK_ID) == moved.task


def test_a_move_that_declines_changes_nothing(store: TaskStore) -> None:
    store.create(running_task(), (), None)
    moved = store.move(running_task(), lambda _: None)
    assert (moved.task, moved.changed) == (running_task(), False)
    assert store.get(TASK_ID) == running_task()


def test_a_move_is_decided_again_on_what_somebody_else_wrote(store: TaskStore) -> None:
    stale = running_task()
    store.create(stale, (), None)
    store.move(stale, poll)
    seen = []

    def decide(current: Task) -> Move | None:
        seen.append((current.version, current.polls))
        return None if current.polls == 2 else poll(current)

    assert store.move(stale, decide).task.polls == 2
    assert seen == [(1, 0), (2, 1)]
    # Declined on the record as it stands, which comes back.
    assert (store.move(stale, decide).task.version, store.move(stale, decide).changed) == (3, False)


def test_no_move_is_lost_among_eight_at_once(store: TaskStore) -> None:
    store.create(running_task(), (entry("created", -1),), None)
    together = Barrier(THREADS)
    decided: list[int] = []

    def move(_: int) -> int:
        tries = 0

        def decide(current: Task) -> Move:
            nonlocal tries
            tries += 1
            if tries == 1:
                together.wait()
            decided.append(current.version)
            return poll(current)

        return store.move(running_task(), decide).task.version

    with ThreadPoolExecutor(THREADS) as threads:
        versions = list(threads.map(move, range(THREADS)))
    after = store.get(TASK_ID)
    assert after is not None
    assert (after.polls, after.version) == (THREADS, THREADS + 1)
    assert sorted(versions) == list(range(2, THREADS + 2))
    assert decided.count(1) == THREADS
    words = [one.message for one in store.entries(TASK_ID)]
    assert sorted(words[1:]) == [f"poll {n}" for n in range(1, THREADS + 1)]


def test_a_record_that_never_holds_still_is_given_up(store: TaskStore) -> None:
    store.create(running_task(), (), None)

    def decide(current: Task) -> Move:
        store.move(current, poll)
        return poll(current)

    with pytest.raises(BackendUnavailableError, match=TASK_ID):
        store.move(running_task(), decide)


def test_a_deleted_record_does_not_come_back_by_a_move(store: TaskStore) -> None:
    task = running_task()
    store.create(task, (), None)
    store.forget(task, None)
    with pytest.raises(BackendUnavailableError):
        store.move(task, poll)
    assert (store.get(TASK_ID), store.entries(TASK_ID)) == (None, [])


# --- timeline -----------------------------------------------------------------------------------


def test_the_timeline_is_in_order_whoever_wrote_it(store: TaskStore) -> None:
    task = running_task()
    store.create(task, (entry("created", 0), entry("sending", 0)), None)
    store.note(TASK_ID, entry("third", 3))
    store.note(TASK_ID, entry("second", 0.002))
    task = store.move(task, lambda t: Move(t, (entry("first", 0.001),))).task
    store.move(task, lambda t: Move(t, (entry("last", 9.999), entry("very last", 9.999))))
    assert [one.message for one in store.entries(TASK_ID)] == (
        ["created", "sending", "first", "second", "third", "last", "very last"]
    )


def test_entries_of_one_move_stay_together(store: TaskStore) -> None:
    task = running_task()
    groups = [[f"{group}{position}" for position in range(3)] for group in "abc"]
    store.create(task, [entry(words) for words in groups[0]], None)
    for group in groups[1:]:
        told = Move(task, tuple(entry(words) for words in group))
        task = store.move(task, lambda _, told=told: told).task  # type: ignore[misc]
    words = [one.message for one in store.entries(TASK_ID)]
    assert sorted(words[at : at + 3] for at in (0, 3, 6)) == groups


def test_a_long_timeline_is_read_to_its_end(store: TaskStore) -> None:
    for number in range(30):
        store.note(TASK_ID, entry("x" * 50_000, number))
    assert [one.at for one in store.entries(TASK_ID)] == [NOW + seconds(n) for n in range(30)]


def test_entries_survive_every_kind_of_fact(store: TaskStore) -> None:
    facts: dict[str, Any] = {"text": "ü\n", "int": 3, "float": 0.5, "yes": True, "none": None}
    told = Entry(Happened.STORED, NOW, "“stored” 🪁", facts)
    store.note(TASK_ID, told)
    assert store.entries(TASK_ID) == [told]


def test_strangers_write_once_a_minute(store: TaskStore) -> None:
    refused = Happened.WEBHOOK_REFUSED
    for at in (0, 1, 59.9, 60, 119, 125):
        store.note_once_a_minute(TASK_ID, entry("forged", at, refused))
    store.note_once_a_minute(TASK_ID, entry("unclear", 1, Happened.WEBHOOK_UNCLEAR))
    told = [one.at for one in store.entries(TASK_ID) if one.happened is refused]
    assert told == [NOW, NOW + seconds(60), NOW + seconds(120)]
    assert len(store.entries(TASK_ID)) == 4


# --- lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_pages_have_neither_gap_nor_double_at_one_moment(store: TaskStore, limit: int) -> None:
    for number in (4, 1, 6, 3, 2, 5):
        store.create(numbered(number), (), None)
    assert list(walk(store, limit=limit)) == ids(6, 5, 4, 3, 2, 1)
    assert list(walk(store, limit=limit, newest_first=False)) == ids(1, 2, 3, 4, 5, 6)


def test_another_owners_tasks_do_not_exist(store: TaskStore) -> None:
    for number, owner in enumerate(["alice", "bob", "alice", "bob#", "bob"]):
        store.create(numbered(number, owner=owner), (), None)
    assert list(walk(store, owner="bob")) == ids(4, 1)
    # A cursor made from somebody else's task is only a place in one's own list.
    assert list(walk(store, owner="bob", after=ids(3)[0])) == ids(1)
    assert list(walk(store, owner="carol")) == []


def test_a_page_goes_on_behind_a_task_that_is_gone(store: TaskStore) -> None:
    for number in range(1, 6):
        store.create(numbered(number), (), None)
    store.forget(numbered(3), None)
    assert list(walk(store, after=ids(3)[0], limit=1)) == ids(2, 1)
    assert list(walk(store, after=ids(3)[0], newest_first=False)) == ids(4, 5)
    assert list(walk(store, after=ids(1)[0])) == []


def at(count: float, zone: int = 0) -> datetime:
    return (NOW + seconds(count)).astimezone(timezone(timedelta(hours=zone)))


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (TaskFilter(status="running"), [2]),
        (TaskFilter(status="succeeded"), []),
        (TaskFilter(model="kling/v2-1"), [4, 1]),
        (TaskFilter(created_after=at(2)), [4, 3]),
        (TaskFilter(created_before=at(2)), [1]),
        (TaskFilter(created_after=at(1), created_before=at(4)), [3, 2]),
        (TaskFilter(created_after=at(1.5), created_before=at(2.5)), [2]),
        (TaskFilter(created_after=at(2, zone=5), created_before=at(4, zone=-5)), [3]),
        (TaskFilter(model="kling/v2-1", created_before=at(3)), [1]),
        (TaskFilter(status="queued", created_after=at(1)), [4, 3]),
    ],
    ids=str,
)
def test_each_filter_leaves_the_others_out(
    store: TaskStore, which: TaskFilter, found: list[int]
) -> None:
    more: list[dict[str, Any]] = [
        {"model": "kling/v2-1"},
        {"status": Status.RUNNING},
        {},
        {"model": "kling/v2-1"},
    ]
    for number, changes in enumerate(more, start=1):
        store.create(numbered(number, created_at=NOW + seconds(number), **changes), (), None)
    assert list(walk(store, which)) == ids(*found)
    assert list(walk(store, which, limit=1, newest_first=False)) == ids(*reversed(found))


@pytest.mark.large
def test_a_rare_task_is_found_among_many(store: TaskStore) -> None:
    for number in range(130):
        rare = {"model": "rare/one"} if number in (5, 6, 120) else {}
        store.create(numbered(number, **rare), (), None)
    assert list(walk(store, TaskFilter(model="rare/one"), limit=2)) == ids(120, 6, 5)


def test_tasks_are_found_by_kies_id(store: TaskStore) -> None:
    store.create(numbered(1, owner="alice", upstream_task_id="kie-1"), (entry("one"),), None)
    store.create(numbered(2, owner="bob", upstream_task_id="kie-1"), (), None)
    store.create(numbered(3, upstream_task_id="kie-12"), (), None)
    adopted = numbered(4)
    store.create(adopted, (), None)
    store.move(adopted, lambda task: Move(replace(task, upstream_task_id="kie-4")))
    found = [[task.task_id for task in store.find_by_upstream(f"kie-{n}")] for n in (1, 4, 9)]
    assert [sorted(some) for some in found] == [ids(1, 2), ids(4), []]
    assert store.find_by_upstream("kie-4") == [store.get(adopted.task_id)]


def test_the_id_of_an_attempt_that_is_over_leads_to_its_task(store: TaskStore) -> None:
    model = Alternative("a", "market", "image", {}, Decimal(4))
    failure = Failure("500", Category.UPSTREAM, "x", retryable=True)
    over = Attempt(model, AttemptStatus.FAILED, failure, NOW, upstream_task_id="kie-old")
    task = numbered(1, upstream_task_id="kie-old")
    store.create(task, (), None)
    store.move(task, lambda one: Move(replace(one, upstream_task_id="kie-new", attempts=(over,))))
    for name in ("kie-old", "kie-new"):
        assert [one.task_id for one in store.find_by_upstream(name)] == [task.task_id]
    # Its own result is no task's id.
    store.move(
        task, lambda one: Move(replace(one, sources=(Source(RESULT_URL, upstream_id="track"),)))
    )
    assert store.find_by_upstream("track") == []


def test_a_track_is_found_by_kies_id_and_stays_with_whom_had_it_first(store: TaskStore) -> None:
    def track(name: str) -> Source:
        return Source(f"https://x.kie.ai/{name}.mp3", upstream_id=name)

    first = numbered(1, owner="alice")
    store.create(first, (), None)
    tracks = (track("one"), track("two"), Source("https://x.kie.ai/cover.png"))
    told = store.move(first, lambda task: Move(replace(task, sources=tracks))).task
    store.create(numbered(2, owner="bob", sources=(track("two"), track("three"))), (), None)
    # Files are copied, and links no longer kept; told again, a track is written no second time.
    stored = store.move(told, lambda task: Move(replace(task, sources=()))).task
    store.move(stored, lambda task: Move(replace(task, sources=tracks)))
    found = [store.find_by_result(name) for name in ("one", "two", "three", "four")]
    assert [task and task.task_id for task in found] == [*ids(1, 1, 2), None]


# --- the table alone ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "step"),
    [
        (BARE, Step.SUBMIT),
        (make_task(), Step.ASK),
        (storing_task(), Step.STORE),
        (running_task(status=Status.SUCCEEDED), Step.NONE),
    ],
)
def test_the_machine_reads_the_next_step_from_the_item(
    table: TaskTable, dynamodb: "DynamoDBClient", table_name: str, task: Task, step: Step
) -> None:
    table.create(FULL, (), None)
    table.move(FULL, lambda _: Move(task, (entry("moved"),)))
    names = {"pk": {"S": f"TASK#{TASK_ID}"}, "sk": {"S": "TASK"}}
    item = dynamodb.get_item(TableName=table_name, Key=names)["Item"]
    assert item["next_step"] == {"S": step.value}


def test_a_callers_key_is_stored_as_a_hash_with_an_end(
    table: TaskTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    table.create(make_task(), (), key(key="alice@example.com"))
    items = dynamodb.scan(TableName=table_name)["Items"]
    assert "alice@example.com" not in str(items)
    assert [item["ttl"]["N"] for item in items if "ttl" in item] == (
        [str(int(key().forget_at.timestamp()))]
    )


def canceled(*codes: str) -> dict[str, Any]:
    return {
        "service_error_code": "TransactionCanceledException",
        "modeled_fields": {"CancellationReasons": [{"Code": code} for code in codes]},
    }


@pytest.fixture
def stubbed() -> Iterator[tuple[TaskTable, Stubber, list[float]]]:
    """A table whose every answer is laid down beforehand, and the pauses it makes."""
    client = boto3.client(
        "dynamodb", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    pauses: list[float] = []
    with Stubber(client) as stubber:
        yield TaskTable(client, "tasks", pause=pauses.append), stubber, pauses
        stubber.assert_no_pending_responses()


PASSING = [["TransactionConflict", "None"], ["None", "ThrottlingError"]]


@pytest.mark.parametrize("codes", PASSING, ids=str)
def test_a_creation_in_conflict_is_tried_again(stubbed: Any, codes: list[str]) -> None:
    table, stubber, pauses = stubbed
    stubber.add_client_error("transact_write_items", **canceled(*codes))
    stubber.add_response("transact_write_items", {})
    assert table.create(make_task(), (), key()) == make_task()
    assert len(pauses) == 1


@pytest.mark.parametrize("codes", PASSING, ids=str)
def test_a_move_in_conflict_is_decided_on_the_record_read_anew(
    stubbed: Any, codes: list[str]
) -> None:
    table, stubber, pauses = stubbed
    now = running_task(polls=7, version=3)
    stubber.add_client_error("transact_write_items", **canceled(*codes))
    stubber.add_response("get_item", {"Item": write_task(now)})
    stubber.add_response("transact_write_items", {})
    moved = table.move(running_task(), poll)
    assert (moved.task.polls, moved.task.version, len(pauses)) == (8, 4, 1)


def test_only_tasks_that_need_a_person_are_in_the_index_for_operators(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    table = TaskTable(dynamodb, table_name)
    table.create(numbered(1), (), None)
    stalled = numbered(2, status=Status.EXPIRED, attention=Attention.STALLED)
    table.create(stalled, (), None)

    def named() -> list[str]:
        found = dynamodb.query(
            TableName=table_name,
            IndexName="by_attention",
            KeyConditionExpression="attention = :stalled",
            ExpressionAttributeValues={":stalled": {"S": "stalled"}},
        )["Items"]
        return [item["task_id"]["S"] for item in found]

    assert named() == [stalled.task_id]
    table.move(stalled, lambda task: Move(replace(task, attention=None)))
    assert named() == []


CALLS: list[tuple[str, Callable[[TaskTable], object]]] = [
    ("transact_write_items", lambda table: table.create(make_task(), (), key())),
    ("transact_write_items", lambda table: table.move(make_task(), poll)),
    ("get_item", lambda table: table.get(TASK_ID)),
    ("query", lambda table: table.entries(TASK_ID)),
    ("query", lambda table: list(walk(table))),
    ("query", lambda table: table.find_by_upstream("kie-1")),
    ("get_item", lambda table: table.find_by_result("track-1")),
    ("put_item", lambda table: table.note(TASK_ID, entry("x"))),
    ("put_item", lambda table: table.note_once_a_minute(TASK_ID, entry("x"))),
    ("transact_write_items", lambda table: table.forget(make_task(), None)),
    ("get_item", lambda table: table.is_deleted(TASK_ID)),
    ("query", lambda table: table.delete_events(TASK_ID)),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_trouble_of_dynamodb_is_told_in_one_way(
    stubbed: Any, operation: str, call: Callable[[TaskTable], object]
) -> None:
    table, stubber, _ = stubbed
    stubber.add_client_error(operation, "InternalServerError")
    with pytest.raises(BackendUnavailableError, match="InternalServerError"):
        call(table)


@pytest.mark.parametrize("call", [CALLS[0][1], CALLS[1][1]])
def test_a_write_that_can_never_succeed_is_not_tried_again(
    stubbed: Any, call: Callable[[TaskTable], object]
) -> None:
    table, stubber, pauses = stubbed
    stubber.add_client_error("transact_write_items", **canceled("None", "ValidationError"))
    with pytest.raises(BackendUnavailableError):
        call(table)
    assert pauses == []


# --- items --------------------------------------------------------------------------------------

_WORDS = st.text(max_size=20)
_MOMENTS = st.integers(0, 4_000_000_000_000).map(
    lambda milliseconds: (
        datetime.fromtimestamp(milliseconds // 1000, UTC)
        + timedelta(milliseconds=milliseconds % 1000)
    )
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=5,
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _WORDS,
    int: st.integers(0, 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: _MOMENTS,
    Decimal: st.decimals(0, 10**9, places=4),
}


@cache
def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; a type that nobody has thought of yet fails the tests."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        present = [anything(part) for part in parts if part is not NoneType]
        return st.one_of(st.none(), *present)
    if get_origin(kind) is tuple and parts[-1] is not Ellipsis:
        return st.tuples(*map(anything, parts))
    if get_origin(kind) is tuple:
        # Put off, because what holds its own kind would never end.
        return st.lists(st.deferred(lambda: anything(parts[0])), max_size=2).map(tuple)
    if parts[:1] == (str,):
        return st.dictionaries(_WORDS, _JSON, max_size=3)
    if hasattr(kind, "__members__"):
        return st.sampled_from(list(kind))
    hints = get_type_hints(kind)
    return st.builds(kind, **{spec.name: anything(hints[spec.name]) for spec in fields(kind)})


@settings(max_examples=150)
@given(task=anything(Task))
def test_any_task_survives_the_way_into_an_item_and_back(task: Task) -> None:
    assert read_task(write_task(task)) == task


@settings(max_examples=50)
@given(moment=_MOMENTS, words=_WORDS, facts=st.dictionaries(_WORDS, _JSON, max_size=3))
def test_any_entry_survives_the_way_into_an_item_and_back(
    moment: datetime, words: str, facts: dict[str, Any]
) -> None:
    told = Entry(Happened.STORED, moment, words, facts)
    assert read_entry(write_entry(TASK_ID, told, "x")) == told


def test_a_child_whose_name_zero_was_once_left_out_is_read() -> None:
    task = make_task(children=(Child("0", TASK_ID, Start.THEN, True, ChildState.PLANNED),))
    item = write_task(task)
    [child] = json.loads(item["children"]["S"])
    assert child.pop("name") == "0"
    assert read_task({**item, "children": {"S": json.dumps([child])}}) == task


def test_what_later_versions_add_to_an_item_is_left_alone() -> None:
    item: Item = {**write_task(FULL), "unheard_of": {"S": "x"}}
    assert read_task(item) == FULL
