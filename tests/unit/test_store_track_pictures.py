"""Pictures of tracks: kept if they can be had, and never the reason why music is not delivered."""

from dataclasses import replace

import pytest

from kie_gateway.core.errors.storage_errors import (
    HostNotListedError,
    SourceForbiddenError,
    SourceGoneError,
    SourceTooLargeError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.files.media_facts import MediaFacts
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Cure, Missing, Source
from kie_gateway.core.task import Status, Task
from tests.fakes import FakeFile, FakeFiles, FakeProvider
from tests.makers import storing_task
from tests.unit.test_store_outputs import FIRST, FRESH, JPG, PNG, SECOND, SVG, THIRD, Scene

MP3 = b"ID3\x04" + b"\0" * 60
PAGE = b"<!DOCTYPE html><html></html>"
GONE = SourceGoneError("answered with status 404")


def track(*audio: str, **changes: object) -> Task:
    """Music with a picture beside."""
    sources = (*(Source(url) for url in audio), Source(THIRD, is_beside=True))
    fields = {"kind": "audio", "least_picture": (2048, 1152), "sources": sources}
    return storing_task(**{**fields, **changes})


def shown(task: Task) -> tuple[Status, list[tuple[int, str]], list[tuple[int, str]]]:
    outputs = [(one.index, one.media) for one in task.outputs]
    return task.status, outputs, [(one.index, one.media) for one in task.previews]


SONGS = [(0, "audio"), (1, "audio")]


def test_a_large_picture_is_the_last_output() -> None:
    files = FakeFiles({FIRST: MP3, SECOND: MP3, THIRD: JPG})
    scene = Scene(files, track(FIRST, SECOND), facts=MediaFacts(2048, 1152))
    assert shown(scene.copy()) == (Status.SUCCEEDED, [*SONGS, (2, "image")], [])


def test_a_large_picture_comes_after_a_track_that_never_came() -> None:
    never = Missing(1, "Kie.ai never delivered it.", Cure.NOTHING)
    scene = Scene(
        FakeFiles({FIRST: MP3, THIRD: JPG}),
        track(FIRST, missing=(never,)),
        facts=MediaFacts(2048, 1152),
    )
    task = scene.copy()
    assert shown(task) == (Status.SUCCEEDED, [(0, "audio"), (2, "image")], [])
    assert task.missing == (never,)


@pytest.mark.parametrize("facts", [MediaFacts(360, 360), MediaFacts(2048, 1151), MediaFacts()])
def test_a_smaller_picture_is_a_preview_and_nobody_waits(facts: MediaFacts) -> None:
    scene = Scene(FakeFiles({FIRST: MP3, SECOND: MP3, THIRD: PNG}), track(FIRST, SECOND))
    scene.facts = facts
    assert shown(scene.copy()) == (Status.SUCCEEDED, SONGS, [(2, "image")])


def test_a_drawing_without_a_size_is_a_preview() -> None:
    scene = Scene(FakeFiles({FIRST: MP3, THIRD: SVG}), track(FIRST), facts=MediaFacts(9999, 9999))
    assert shown(scene.copy()) == (Status.SUCCEEDED, SONGS[:1], [(1, "image")])


@pytest.mark.parametrize(
    "trouble",
    [
        *(GONE, SourceUnavailableError("answered with status 503"), StorageError("S3 refused")),
        *(HostNotListedError("not listed", "x.test"), SourceForbiddenError("private")),
        *(SourceTooLargeError("too large"), PAGE, b"", MP3, FakeFile(JPG, breaks_at=9)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_picture_that_cannot_be_had_is_none_of_the_tracks_troubles(
    trouble: StorageError | FakeFile | bytes,
) -> None:
    files = FakeFiles({FIRST: MP3, SECOND: MP3, THIRD: trouble})
    scene = Scene(files, track(FIRST, SECOND), facts=MediaFacts(4096, 4096))
    task = scene.copy()
    assert shown(task) == (Status.SUCCEEDED, SONGS, [])
    assert (task.missing, task.attention, task.error) == ((), None, None)
    # Nobody is asked for the sake of a picture.
    assert (scene.kie.asked, task.store_attempts) == ([], 1)


@pytest.mark.parametrize(
    ("trouble", "tries"),
    [
        (SourceUnavailableError("answered with status 503"), 2),
        (StorageError("S3 refused"), 2),
        (GONE, 1),
        (SourceForbiddenError("private"), 1),
        (PAGE, 1),
    ],
)
def test_a_picture_is_tried_once_more_if_that_may_help(
    trouble: StorageError | bytes, tries: int
) -> None:
    files = FakeFiles({FIRST: MP3, THIRD: trouble})
    Scene(files, track(FIRST)).copy()
    assert files.opened.count(THIRD) == tries


def test_a_track_that_cannot_be_copied_is_counted_without_its_picture() -> None:
    forbidden = SourceForbiddenError("leads to a private address")
    scene = Scene(FakeFiles({FIRST: MP3, SECOND: forbidden, THIRD: GONE}), track(FIRST, SECOND))
    task = scene.copy()
    assert task.status is Status.EXPIRED
    assert task.error is not None
    assert "1 of 2 results" in task.error.message
    assert [one.index for one in task.missing] == [1]


def test_fresh_links_without_a_picture_leave_the_rest_as_it_is() -> None:
    files = FakeFiles({FIRST: MP3, SECOND: GONE, THIRD: PNG, FRESH: MP3})
    kie = FakeProvider(answers=[Finished("SUCCESS", (Source(FIRST), Source(FRESH)))])
    scene = Scene(files, track(FIRST, SECOND), kie=kie, facts=MediaFacts(360, 360))
    assert shown(scene.copy()) == (Status.SUCCEEDED, SONGS, [(2, "image")])
    # What was copied already is not copied anew.
    assert sorted(files.opened) == sorted([FIRST, SECOND, THIRD, FRESH])


def test_fresh_links_bring_a_fresh_picture() -> None:
    other = THIRD.replace("c.bin", "d.bin")
    files = FakeFiles({FIRST: GONE, THIRD: GONE, FRESH: MP3, other: JPG})
    picture = Source(other, is_beside=True)
    kie = FakeProvider(answers=[Finished("SUCCESS", (Source(FRESH),), beside=(picture,))])
    scene = Scene(files, track(FIRST), kie=kie, facts=MediaFacts(2048, 1152))
    assert shown(scene.copy()) == (Status.SUCCEEDED, [(0, "audio"), (1, "image")], [])


def test_a_picture_that_was_asked_for_waits_until_it_is_large_enough() -> None:
    """The child that makes the cover: its model's input says nothing of a size."""
    task = storing_task(sources=(Source(FIRST),), least_picture=(400, 400))
    scene = Scene(FakeFiles({FIRST: PNG}), task, facts=MediaFacts(360, 360))
    assert shown(scene.copy()) == (Status.RUNNING, [], [(0, "image")])
    alone = Scene(FakeFiles({FIRST: PNG}), replace(task, least_picture=None), facts=scene.facts)
    assert shown(alone.copy()) == (Status.SUCCEEDED, [(0, "image")], [])
