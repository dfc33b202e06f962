"""Whatever Kie.ai names as results, the record stays well below what DynamoDB takes."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.aws.task_item import read_task, write_task
from kie_gateway.core.alternatives import Alternative, Attempt, AttemptStatus
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.files.storing import MOST_RESULTS, place_of
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from tests.makers import NOW, UPSTREAM_ID, running_task

# An item takes 400 KB with the names of its attributes (developer guide, "Service quotas"); input,
# metadata and whatever comes later have their share of it.
MOST_BYTES = 256 * 1024
LONG = 8192


def noise(seed: object, size: int) -> str:
    """Text that cannot be compressed to much less than half."""
    blocks = (sha256(f"{seed} {n}".encode()).hexdigest() for n in range(size // 64 + 1))
    return "".join(blocks)[:size]


def link(seed: object, size: int) -> str:
    head = "https://tempfile.aiquickdraw.com/"
    return head + noise(seed, max(size - len(head), 1))


def reported(finished: Finished) -> Task:
    move = verdict_moves.report_finished(
        running_task(owner="o" * 64),
        finished,
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.POLL,
        happened=Happened.RESULT_REPORTED,
        now=NOW,
    )
    assert move is not None
    return move.task


def size_of(task: Task) -> int:
    """Reckon as DynamoDB does: names and values in UTF-8."""
    item = write_task(task)
    return sum(len(name) + len(json.dumps(value).encode()) for name, value in item.items())


def stored(task: Task) -> list[Output]:
    """Every result as a file with long facts."""
    return [
        Output(
            index=index,
            media="archive",
            content_type="application/x-some-long-name+with-something; charset=utf-8",
            bytes=2**31 - index,
            sha256=noise(index, 64),
            key=f"outputs/{task.owner}/{task.task_id}/{index}.extension",
            source_url=place_of(link(index, LONG)),
            width=99_999,
            height=99_999,
            duration_seconds=12_345.678,
            animated=True,
        )
        for index in range(len(task.sources))
    ]


@pytest.mark.parametrize("how_many", [1, 40, 120, 300, pytest.param(1000, marks=pytest.mark.large)])
@pytest.mark.parametrize("size", [120, 2000, LONG])
def test_results_of_any_number_and_length_fit(how_many: int, size: int) -> None:
    """Forty links of 8 KB with alternates would be 1.6 MB, and no move could be written again."""
    sources = tuple(
        Source(link(n, size), alternates=tuple(link((n, m), size) for m in range(9)))
        for n in range(how_many)
    )
    task = reported(Finished("success", sources, missing=tuple(range(0, 2000, 3))))
    assert len(task.sources) == min(how_many, MOST_RESULTS)
    assert size_of(task) < MOST_BYTES
    lacking = tuple(
        Missing(n, f"{noise(n, 180)} broke off", Cure.TIME) for n in range(len(task.sources))
    )
    assert size_of(replace(task, missing=lacking)) < MOST_BYTES
    done = replace(task, status=Status.SUCCEEDED, outputs=tuple(stored(task)))
    previews = tuple(stored(replace(task, sources=(Source("x"),) * 20)))
    done = replace(done, previews=previews)
    assert size_of(done) < MOST_BYTES
    assert read_task(write_task(done)) == done


@pytest.mark.parametrize("how_many", [1, 12, 100, 300])
def test_links_of_usual_length_are_all_kept(how_many: int) -> None:
    sources = tuple(Source(link(n, 180)) for n in range(how_many))
    assert reported(Finished("success", sources)).sources == sources


@given(
    st.lists(
        st.builds(
            Source,
            st.text(max_size=50).map(lambda text: f"https://a.test/{text}"),
            alternates=st.lists(st.text(max_size=20)).map(tuple),
            content=st.none() | st.text(max_size=200),
            duration_seconds=st.none() | st.floats(0, 1e6),
        ),
        max_size=8,
    )
)
@settings(deadline=timedelta(seconds=5))
def test_what_fits_is_kept_and_read_as_it_was(sources: list[Any]) -> None:
    task = reported(Finished("success", tuple(sources)))
    assert read_task(write_task(task)).sources == task.sources
    for kept, given_ in zip(task.sources, sources, strict=True):
        assert (kept.url, kept.content) == (given_.url, given_.content)


def test_long_words_that_stand_in_the_answer_are_bounded_too() -> None:
    songs = tuple(Source("", content=noise(n, 30_000)) for n in range(40))
    task = reported(Finished("success", songs))
    assert size_of(task) < MOST_BYTES
    assert task.sources[0] == songs[0]
    assert len(task.sources) == 40


def test_alternatives_and_attempts_leave_room_for_results() -> None:
    text = noise("input", 4000)
    model = Alternative("m" * 100, "market", "image", {"prompt": text}, Decimal(1), None, 9**9)
    failure = Failure("c" * 9999, Category.UPSTREAM, "\u2026" * 9999, retryable=True)
    over = Attempt(model, AttemptStatus.FAILED, failure, NOW, upstream_task_id="x" * 100)
    task = running_task(input={"prompt": text}, attempts=(over,) * 3, alternatives=(model,) * 3)
    assert size_of(task) < MOST_BYTES // 4
    assert size_of(replace(task, alternatives=())) < MOST_BYTES // 4


def test_a_place_is_short_and_its_own() -> None:
    first, second = (f"https://a.test/{'x' * 300}{n}?sig=secret" for n in range(2))
    assert place_of(first) != place_of(second)
    assert len(place_of(first)) <= 200
    assert "secret" not in place_of(first)
    assert place_of("https://a.test/b.png?sig=secret#top") == "https://a.test/b.png"
