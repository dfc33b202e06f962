"""An owner's files, page by page: each once, newest task first, and nothing that is gone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.core.moves import ending_moves
from kie_gateway.core.results import Output
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.files.list_outputs import ListOutputs, OutputPage, OutputQuery, Place
from tests.fakes import FakeTaskStore
from tests.makers import NOW, RESULT_URL, make_task, seconds


def output(index: int, media: str = "image") -> Output:
    return Output(index, media, "a/b", 1, "ab", f"k{index}", RESULT_URL)


def task_number(number: int, *media: str, **changes: object) -> Task:
    """A task that succeeded; ids sort by their number."""
    made = make_task(
        task_id=f"task_{number:026d}",
        status=Status.SUCCEEDED,
        outputs=tuple(output(index, kind) for index, kind in enumerate(media)),
        created_at=NOW + seconds(number),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def page(
    tasks: FakeTaskStore,
    limit: int = 20,
    media: str | None = None,
    after: Place | None = None,
    now: datetime = NOW,
) -> OutputPage:
    return ListOutputs(tasks, lambda: now)(OutputQuery("alice", limit, media, after))


def every_page(tasks: FakeTaskStore, limit: int, media: str | None = None) -> Iterator[OutputPage]:
    after = None
    for _ in range(1000):
        found = page(tasks, limit, media, after)
        yield found
        after = found.next_after
        if after is None:
            return
    raise AssertionError("the list does not end")


def names(found: OutputPage) -> list[tuple[int, int]]:
    return [(int(task.task_id[5:]), one.index) for task, one in found.files]


def test_files_come_newest_task_first_and_in_kies_order() -> None:
    tasks = FakeTaskStore(task_number(1, "image"), task_number(2, "image", "video", "text"))
    assert names(page(tasks)) == [(2, 0), (2, 1), (2, 2), (1, 0)]
    assert page(tasks).next_after is None


def test_a_page_may_end_within_a_task() -> None:
    tasks = FakeTaskStore(task_number(1, "image"), task_number(2, "image", "video", "text"))
    pages = list(every_page(tasks, 2))
    assert [names(one) for one in pages] == [[(2, 0), (2, 1)], [(2, 2), (1, 0)]]


@pytest.mark.parametrize(
    ("media", "found"),
    [("video", [(2, 1)]), ("image", [(2, 0), (1, 0)]), ("archive", []), (None, [(2, 0), (2, 1)])],
)
def test_a_kind_of_file_may_be_asked_for(media: str | None, found: list[tuple[int, int]]) -> None:
    tasks = FakeTaskStore(task_number(1, "image"), task_number(2, "image", "video"))
    assert names(page(tasks, 2, media)) == found


@pytest.mark.parametrize(
    "other",
    [
        task_number(2, "image", owner="bob"),
        task_number(2, "image", status=Status.STORING),
        task_number(2, "image", status=Status.EXPIRED),
        task_number(2),
        # Its day has come, although S3 may still have the file.
        task_number(2, "image", delete_at=NOW),
        task_number(2, "image", delete_at=NOW - seconds(1)),
    ],
    ids=["another owner's", "storing", "expired", "empty", "gone now", "gone"],
)
def test_what_is_not_there_is_not_listed(other: Task) -> None:
    tasks = FakeTaskStore(task_number(1, "image"), other, task_number(3, "image"))
    assert names(page(tasks)) == [(3, 0), (1, 0)]


def test_a_file_is_listed_up_to_its_day() -> None:
    tasks = FakeTaskStore(task_number(1, "image", delete_at=NOW + seconds(1)))
    assert names(page(tasks)) == [(1, 0)]
    assert names(page(tasks, now=NOW + seconds(1))) == []


def test_a_deleted_task_does_not_break_the_list() -> None:
    second = task_number(2, "image", "image")
    tasks = FakeTaskStore(task_number(1, "image"), second, task_number(3, "image"))
    first_page = page(tasks, 2)
    assert names(first_page) == [(3, 0), (2, 0)]
    tasks.move(second, lambda current: ending_moves.delete(current, NOW))
    assert names(page(tasks, 2, after=first_page.next_after)) == [(1, 0)]
    tasks.forget(second, None)
    assert names(page(tasks, 2, after=first_page.next_after)) == [(1, 0)]


def test_a_cursor_to_another_owners_task_shows_nothing_of_it() -> None:
    strange = task_number(2, "image", "image", owner="bob")
    tasks = FakeTaskStore(task_number(1, "image"), strange, task_number(3, "image"))
    assert names(page(tasks, after=Place(strange.task_id, 0))) == [(1, 0)]


def test_a_rare_kind_is_looked_for_in_stretches_and_found() -> None:
    rare = task_number(1, "archive")
    tasks = FakeTaskStore(rare, *(task_number(number, "image") for number in range(2, 700)))
    pages = list(every_page(tasks, 20, "archive"))
    assert [names(one) for one in pages] == [[], [], [(1, 0)]]


@settings(max_examples=60)
@given(
    kinds=st.lists(st.lists(st.sampled_from(["image", "video"]), max_size=4), max_size=130),
    limit=st.integers(1, 30),
    media=st.sampled_from([None, "image", "video"]),
)
def test_every_file_is_listed_exactly_once(
    kinds: list[list[str]], limit: int, media: str | None
) -> None:
    tasks = FakeTaskStore(*(task_number(n, *one) for n, one in enumerate(kinds)))
    pages = list(every_page(tasks, limit, media))
    assert all(len(one.files) <= limit for one in pages)
    assert [name for one in pages for name in names(one)] == [
        (number, index)
        for number, one in reversed(list(enumerate(kinds)))
        for index, kind in enumerate(one)
        if media in (None, kind)
    ]
