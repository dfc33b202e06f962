"""Copying results: all of them or none that shows, by one copy at a time, from links that end."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest

from kie_gateway.aws.task_item import write_task
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.provider_errors import ProviderBusyError, ProviderError
from kie_gateway.core.errors.storage_errors import (
    HostNotListedError,
    SourceForbiddenError,
    SourceGoneError,
    SourceTooLargeError,
    SourceUnavailableError,
    StorageError,
)
from kie_gateway.core.failure import Category
from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.core.moves import ending_moves, storing_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Finished, Report, Running
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.files.store_outputs import StoreOutputs
from tests.fakes import (
    Clock,
    FakeFile,
    FakeFiles,
    FakeOutputStore,
    FakeProvider,
    FakeTaskStore,
    StoredObject,
)
from tests.makers import (
    NOW,
    TASK_ID,
    UPSTREAM_ID,
    running_task,
    seconds,
    storing_task,
    typical_seconds,
)

HOST = "https://tempfile.aiquickdraw.com"
FIRST, SECOND, THIRD = (f"{HOST}/{name}?sig=secret" for name in ("a.bin", "b.bin", "c.bin"))
FRESH = f"{HOST}/fresh.bin?sig=secret"
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 40
JPG = b"\xff\xd8\xff" + b"j" * 50
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
FOREVER = "private, max-age=31536000, immutable"
KEPT = "retention=default"
GONE = SourceGoneError("answered with status 403")


@dataclass
class Scene:
    """A copier with everything around it."""

    files: FakeFiles
    task: Task = field(default_factory=lambda: storing_task(sources=(Source(FIRST),)))
    kie: FakeProvider = field(default_factory=FakeProvider)
    outputs: FakeOutputStore = field(default_factory=FakeOutputStore)
    clock: Clock = field(default_factory=Clock)
    facts: MediaFacts = NOTHING_KNOWN
    retention_days: int = 0
    told: list[Task] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FakeTaskStore(self.task)

    def copy(self, task: Task | None = None) -> Task:
        copier = StoreOutputs(
            tasks=self.store,
            files=self.files,
            outputs=self.outputs,
            kie=self.kie,
            policy=PollPolicy(
                first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds
            ),
            measure=lambda *_: self.facts,
            now=self.clock.now,
            retention_days=self.retention_days,
            report_success=self.told.append,
            report_unlisted=self.unlisted.append,
        )
        after = copier(task or self.now)
        assert after == self.now
        return after

    @property
    def now(self) -> Task:
        """The record as it stands."""
        return self.store.the(self.task)

    @property
    def happened(self) -> list[Happened]:
        return self.store.happened(self.task)


def storing(*urls: str, **changes: Any) -> Task:
    return storing_task(sources=tuple(Source(url) for url in urls), **changes)


def key(name: str) -> str:
    return f"outputs/alice/{TASK_ID}/{name}"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# --- all goes well ------------------------------------------------------------------------------


def test_every_result_is_stored_in_kies_order_under_its_own_key() -> None:
    scene = Scene(FakeFiles({FIRST: PNG, SECOND: JPG, THIRD: SVG}), storing(FIRST, SECOND, THIRD))
    task = scene.copy()
    assert (task.status, task.completed_at, task.storing_until) == (Status.SUCCEEDED, NOW, None)
    assert task.outputs == (
        Output(0, "image", "image/png", 48, sha256(PNG), key("0.png"), f"{HOST}/a.bin"),
        Output(1, "image", "image/jpeg", 53, sha256(JPG), key("1.jpg"), f"{HOST}/b.bin"),
        Output(2, "image", "image/svg+xml", len(SVG), sha256(SVG), key("2.svg"), f"{HOST}/c.bin"),
    )
    assert scene.outputs.objects == {
        key("0.png"): StoredObject(PNG, "image/png", "inline", FOREVER, KEPT),
        key("1.jpg"): StoredObject(JPG, "image/jpeg", "inline", FOREVER, KEPT),
        # A browser would run what is inside.
        key("2.svg"): StoredObject(SVG, "image/svg+xml", "attachment", FOREVER, KEPT),
    }
    assert scene.happened == (
        [Happened.STORING_STARTED, *[Happened.STORED] * 3, Happened.SUCCEEDED]
    )
    assert (scene.told, scene.kie.asked) == ([task], [])


def test_no_signature_of_a_link_stays_in_outputs_or_timeline() -> None:
    scene = Scene(FakeFiles({FIRST: PNG, SECOND: GONE}), storing(FIRST, SECOND))
    scene.copy()
    assert "secret" not in scene.store.words(scene.task)
    scene = Scene(FakeFiles({FIRST: PNG}))
    assert "secret" not in f"{scene.copy().outputs} {scene.store.words(scene.task)}"


def test_a_result_that_stood_in_the_answer_is_stored_as_a_file() -> None:
    words = "La la la, über den See"
    scene = Scene(FakeFiles({}), storing_task(sources=(Source("", content=words),)))
    (output,) = scene.copy().outputs
    assert (output.media, output.key, output.bytes) == ("text", key("0.txt"), len(words.encode()))
    assert scene.outputs.objects[output.key].body == words.encode()


def test_a_picture_that_stood_in_the_answer_is_stored_with_its_bytes() -> None:
    source = Source.of_bytes(PNG, "image/png")
    scene = Scene(FakeFiles({}), storing_task(sources=(source,)))
    (output,) = scene.copy().outputs
    assert (output.media, output.key, output.bytes) == ("image", key("0.png"), len(PNG))
    assert scene.outputs.objects[output.key].body == PNG


def test_another_link_to_the_same_result_is_stored_with_what_kie_says_of_it() -> None:
    source = Source(FIRST, alternates=(SECOND, THIRD), duration_seconds=12.5)
    scene = Scene(FakeFiles({FIRST: GONE, SECOND: PNG}), storing_task(sources=(source,)))
    (output,) = scene.copy().outputs
    assert (output.sha256, output.duration_seconds) == (sha256(PNG), 12.5)
    assert (scene.files.opened, scene.kie.asked) == ([FIRST, SECOND], [])


def test_a_file_is_stored_with_its_measures() -> None:
    scene = Scene(FakeFiles({FIRST: PNG}), facts=MediaFacts(2048, 1152, 7.5))
    (output,) = scene.copy().outputs
    assert (output.width, output.height, output.duration_seconds) == (2048, 1152, 7.5)


def test_a_thumbnail_is_kept_beside_and_never_becomes_the_result() -> None:
    task = storing(FIRST, input={"size": "2048x1152"})
    scene = Scene(FakeFiles({FIRST: PNG}), task, facts=MediaFacts(360, 360))
    after = scene.copy()
    assert (after.status, after.outputs, scene.told) == (Status.RUNNING, (), [])
    assert [preview.key for preview in after.previews] == list(scene.outputs.objects)
    assert key("0.png") not in scene.outputs.objects
    assert after.next_at == NOW + seconds(10)


@pytest.mark.parametrize(
    ("own_days", "default_days", "tag", "kept_days"),
    [
        (None, 0, "retention=default", None),
        (None, 30, "retention=default", 30),
        (7, 30, "retention=7", 7),
        # S3 has a rule for 10 days; callers see the file go after eight.
        (8, 0, "retention=10", 8),
    ],
)
def test_files_are_kept_for_as_long_as_the_task_says(
    own_days: int | None, default_days: int, tag: str, kept_days: int | None
) -> None:
    task = storing(FIRST, retention_days=own_days)
    scene = Scene(FakeFiles({FIRST: PNG}), task, retention_days=default_days)
    after = scene.copy()
    assert [one.tags for one in scene.outputs.objects.values()] == [tag]
    assert after.delete_at == (NOW + seconds(kept_days * 86_400) if kept_days else None)


# --- a file that does not come ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (FakeFile(JPG, breaks_at=30), "the file was cut short"),
        (SourceUnavailableError("too slow"), "too slow"),
        (StorageError("S3 refused the upload"), "S3 refused"),
    ],
    ids=["cut", "unavailable", "S3"],
)
def test_what_is_stored_is_there_at_once_and_the_rest_is_tried_again(
    second: Any, words: str
) -> None:
    """Two of three pictures could be copied, and the caller got none."""
    files = FakeFiles({FIRST: PNG, SECOND: second, THIRD: PNG})
    scene = Scene(files, storing(FIRST, SECOND, THIRD))
    task = scene.copy()
    assert (task.status, task.attention, task.error) == (Status.STORING, None, None)
    assert [(one.index, one.key) for one in task.outputs] == [(0, key("0.png")), (2, key("2.png"))]
    [missing] = task.missing
    assert (missing.index, missing.cure) == (1, Cure.TIME)
    assert words in missing.reason
    assert (task.storing_until, task.next_at) == (None, NOW + seconds(5))
    started, failed = Happened.STORING_STARTED, Happened.STORING_FAILED
    assert scene.happened == [started, Happened.STORED, Happened.STORED, failed]
    assert words in scene.store.words(task)
    assert key("1.jpg") not in scene.outputs.objects
    scene.files.files[SECOND] = JPG
    assert scene.copy() == task
    scene.clock.advance(5)
    scene.files.opened.clear()
    task = scene.copy()
    assert scene.files.opened == [SECOND]
    assert [output.bytes for output in task.outputs] == [len(PNG), len(JPG), len(PNG)]
    assert (task.status, task.missing, scene.told) == (Status.SUCCEEDED, (), [task])


def test_from_the_fifth_attempt_on_a_person_is_told_and_at_the_deadline_it_ends() -> None:
    scene = Scene(FakeFiles({FIRST: SourceUnavailableError("down")}))
    seen = []
    while (task := scene.copy()).next_at is not None:
        told = task.attention is Attention.STORAGE_FAILED
        seen.append(((task.next_at - scene.clock.at).total_seconds(), told))
        scene.clock.at = task.next_at
    early = [(5, False), (20, False), (80, False), (300, False)]
    assert seen == [*early, (600, True), (1200, True), (1395, True)]
    assert scene.clock.at == scene.task.deadline_at
    assert (task.status, task.attention) == (Status.EXPIRED, Attention.STORAGE_FAILED)
    assert "Not tried again until the task is refreshed" in scene.store.words(task)
    assert scene.happened[-2:] == [Happened.STORING_FAILED, Happened.EXPIRED]
    opened = len(scene.files.opened)
    assert scene.copy() == task
    assert len(scene.files.opened) == opened


@pytest.mark.parametrize(
    "error",
    [
        HostNotListedError("'evil.example' is not a listed result host", "evil.example"),
        SourceForbiddenError("leads to the private address 10.0.0.1"),
        SourceTooLargeError("the file is larger than 1000 bytes"),
    ],
)
def test_what_only_a_person_can_mend_ends_at_once(error: StorageError) -> None:
    scene = Scene(FakeFiles({FIRST: error}))
    task = scene.copy()
    assert (task.status, task.attention) == (Status.EXPIRED, Attention.STORAGE_FAILED)
    assert task.error is not None
    assert (task.error.code, task.error.category) == ("storage_failed", Category.STORAGE)
    assert error.message in task.error.message
    assert error.message in scene.store.words(task)
    assert task.sources == scene.task.sources
    scene.files.files[FIRST] = PNG
    scene.store.move(task, lambda current: storing_moves.try_storing_again(current, NOW))
    assert scene.copy().status is Status.SUCCEEDED


def test_a_page_in_the_place_of_a_file_is_believed_the_second_time() -> None:
    scene = Scene(FakeFiles({FIRST: b"<!DOCTYPE html><html></html>"}))
    assert scene.copy().status is Status.STORING
    scene.clock.advance(5)
    assert scene.copy().status is Status.EXPIRED


def test_what_time_may_heal_is_waited_for_beside_what_only_a_person_can_mend() -> None:
    files = FakeFiles({FIRST: SourceTooLargeError("too large"), SECOND: GONE})
    scene = Scene(files, storing(FIRST, SECOND))
    task = scene.copy()
    assert (task.status, [one.cure for one in task.missing]) == (
        Status.STORING,
        [Cure.PERSON, Cure.TIME],
    )
    files.files[SECOND] = PNG
    scene.clock.advance(5)
    task = scene.copy()
    # Two gigabytes of something too large are not fetched again and again.
    assert scene.files.opened.count(FIRST) == 1
    assert (task.status, [one.index for one in task.outputs]) == (Status.EXPIRED, [1])
    assert [(one.index, one.reason) for one in task.missing] == [(0, "too large")]


@pytest.mark.parametrize(
    "first",
    [
        GONE,
        SourceUnavailableError("slow"),
        FakeFile(PNG, breaks_at=20),
        HostNotListedError("'new.example' is not a listed result host", "new.example"),
        SourceForbiddenError("leads to a private address"),
        SourceTooLargeError("too large"),
        b"<!DOCTYPE html><html></html>",
    ],
)
def test_another_link_is_tried_whatever_was_wrong_with_the_first(first: Any) -> None:
    """A track lay on a host that nobody had listed, and its other link on one that was."""
    source = Source(FIRST, alternates=(SECOND, THIRD))
    scene = Scene(FakeFiles({FIRST: first, SECOND: PNG}), storing_task(sources=(source,)))
    assert scene.copy().status is Status.SUCCEEDED
    listed = not isinstance(first, HostNotListedError)
    assert scene.unlisted == ([] if listed else ["new.example"])
    assert (Happened.HOST_NOT_LISTED in scene.happened) is not listed
    assert ("new.example" in scene.store.words(scene.task)) is not listed


def test_of_several_links_the_trouble_that_may_pass_counts() -> None:
    source = Source(FIRST, alternates=(SECOND,))
    hosts = {
        FIRST: SourceUnavailableError("down"),
        SECOND: HostNotListedError("not listed", "new.example"),
    }
    scene = Scene(FakeFiles(hosts), storing_task(sources=(source,)))
    assert scene.copy().status is Status.STORING
    scene.clock.advance(5)
    scene.copy()
    # Once is enough for the timeline; the metric counts them all.
    assert scene.happened.count(Happened.HOST_NOT_LISTED) == 1
    assert scene.unlisted == ["new.example", "new.example"]


def test_what_kie_never_delivered_leaves_its_number_free() -> None:
    lacking = (Missing(0, "Kie.ai never delivered it.", Cure.NOTHING),)
    scene = Scene(FakeFiles({FIRST: PNG}), storing(FIRST, missing=lacking))
    task = scene.copy()
    assert (task.status, task.missing) == (Status.SUCCEEDED, lacking)
    assert [(one.index, one.key) for one in task.outputs] == [(1, key("1.png"))]


# --- many, and long ------------------------------------------------------------------------------


@pytest.mark.parametrize("how_many", [20, 21, 95, 300])
def test_many_results_are_recorded_in_portions(how_many: int) -> None:
    links = [f"{HOST}/{number}.png" for number in range(how_many)]
    scene = Scene(FakeFiles(dict.fromkeys(links, PNG)), storing(*links))
    written: list[int] = []
    move = scene.store.move

    def counted(task: Task, decide: Any) -> Any:
        def noted(current: Task) -> Move | None:
            made: Move | None = decide(current)
            written.append(len(made.entries) if made else 0)
            return made

        return move(task, noted)

    scene.store.move = counted  # type: ignore[method-assign]
    task = scene.copy()
    assert (task.status, len(task.outputs)) == (Status.SUCCEEDED, how_many)
    # With the task and its account, far from the hundred items of a transaction.
    assert max(written) <= 41
    assert scene.happened.count(Happened.STORED) == how_many


def test_a_copy_that_dies_among_many_goes_on_where_it_was() -> None:
    links = [f"{HOST}/{number}.png" for number in range(50)]
    files = FakeFiles(dict.fromkeys(links, PNG))
    scene = Scene(files, storing(*links))

    def break_down() -> None:
        scene.store.unavailable = True

    files.files[links[45]] = FakeFile(PNG, meanwhile=break_down)
    with pytest.raises(BackendUnavailableError):
        scene.copy()
    scene.store.unavailable = False
    assert [output.index for output in scene.now.outputs] == list(range(40))
    files.files[links[45]] = PNG
    files.opened.clear()
    scene.clock.advance(45)
    assert scene.copy().status is Status.SUCCEEDED
    assert sorted(files.opened) == sorted(links[40:])


def test_links_too_long_for_the_record_are_asked_for_when_they_are_copied() -> None:
    """Forty links of 8 KB with alternates are a megabyte, and a record takes 400 KB."""
    padding = "x" * 8000
    sources = tuple(
        Source(f"{HOST}/{n}.png?{padding}", alternates=(f"{HOST}/{n}.jpg?{padding}",))
        for n in range(40)
    )
    finished = Finished("success", sources)
    moved = verdict_moves.report_finished(
        running_task(),
        finished,
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.POLL,
        happened=Happened.RESULT_REPORTED,
        now=NOW,
    )
    assert moved is not None
    assert len(moved.task.sources) == 40
    assert len(str(write_task(moved.task))) < 100_000
    files = FakeFiles({source.url: PNG for source in sources})
    scene = Scene(files, moved.task, FakeProvider(answers=[finished]))
    task = scene.copy()
    assert (task.status, len(task.outputs)) == (Status.SUCCEEDED, 40)
    assert scene.kie.asked == [UPSTREAM_ID]


# --- links that have expired --------------------------------------------------------------------


def fresh(*urls: str) -> Finished:
    return Finished("success", tuple(Source(url) for url in urls))


def test_expired_links_are_exchanged_for_fresh_ones() -> None:
    files = FakeFiles({FIRST: PNG, SECOND: GONE, THIRD: PNG, FRESH: JPG})
    scene = Scene(files, storing(FIRST, SECOND), FakeProvider(answers=[fresh(THIRD, FRESH)]))
    task = scene.copy()
    assert (task.status, scene.kie.asked) == (Status.SUCCEEDED, [UPSTREAM_ID])
    assert [source.url for source in task.sources] == [THIRD, FRESH]
    assert [output.sha256 for output in task.outputs] == [sha256(PNG), sha256(JPG)]
    # What was copied already is not copied again.
    assert sorted(scene.files.opened) == sorted([FIRST, SECOND, FRESH])
    assert Happened.KIE_ASKED in scene.happened


def test_links_that_kie_still_names_are_exchanged_one_by_one() -> None:
    files = FakeFiles({FIRST: PNG, SECOND: GONE, FRESH: JPG})
    kie = FakeProvider(answers=[fresh(FIRST, SECOND)], fresh={SECOND: FRESH})
    scene = Scene(files, storing(FIRST, SECOND), kie)
    assert scene.copy().status is Status.SUCCEEDED
    assert [source.url for source in scene.now.sources] == [FIRST, FRESH]


@pytest.mark.parametrize(
    ("answer", "opened"),
    [
        (fresh(FIRST), [FIRST]),
        (Running("generating"), [FIRST]),
        (ProviderBusyError("busy", provider_code="429"), [FIRST]),
        (fresh(SECOND), [FIRST, SECOND]),
        (fresh(THIRD), [FIRST, THIRD]),
    ],
    ids=["the same", "no result any more", "no answer", "gone as well", "unavailable"],
)
def test_fresh_links_are_asked_for_once_in_an_attempt(
    answer: Report | ProviderError, opened: list[str]
) -> None:
    files = FakeFiles({FIRST: GONE, SECOND: GONE, THIRD: SourceUnavailableError("down")})
    scene = Scene(files, kie=FakeProvider(answers=[answer]))
    task = scene.copy()
    assert (task.status, task.next_at) == (Status.STORING, NOW + seconds(5))
    assert (task.storing_until, task.attention) == (None, None)
    assert (scene.kie.asked, scene.files.opened) == ([UPSTREAM_ID], opened)


def test_without_an_id_nobody_is_asked_for_fresh_links() -> None:
    scene = Scene(FakeFiles({FIRST: GONE}), storing(FIRST, upstream_task_id=None))
    assert scene.copy().status is Status.STORING
    assert scene.kie.asked == []


# --- one copy at a time -------------------------------------------------------------------------


@pytest.mark.parametrize("left_seconds", [45, 1, 0.001])
def test_a_copy_in_progress_is_left_alone(left_seconds: float) -> None:
    scene = Scene(
        FakeFiles({FIRST: PNG}), storing(FIRST, storing_until=NOW + seconds(left_seconds))
    )
    assert scene.copy() == scene.task
    assert (scene.files.opened, scene.happened) == ([], [])


def test_a_copy_whose_hold_has_run_out_is_taken_over() -> None:
    scene = Scene(FakeFiles({FIRST: PNG}), storing(FIRST, storing_until=NOW, store_attempts=1))
    assert scene.copy().status is Status.SUCCEEDED


def test_a_long_copy_keeps_others_away_as_long_as_it_goes_on() -> None:
    scene = Scene(FakeFiles({}))
    moments = []

    def read() -> None:
        assert storing_moves.acquire_storing_lease(scene.now, scene.clock.at) is None
        scene.clock.advance(10)
        moments.append(scene.now.storing_until)

    scene.files.files[FIRST] = FakeFile(PNG * 3, meanwhile=read)
    task = scene.copy()
    assert (task.status, task.store_attempts) == (Status.SUCCEEDED, 1)
    assert (scene.clock.at - NOW).total_seconds() > 100
    # Renewed when it is time, and not at every read.
    assert 1 < len(set(moments)) < len(moments)


def take_over(task: Task) -> Move | None:
    return Move(replace(task, storing_until=NOW + seconds(1000)))


def settle(task: Task) -> Move | None:
    """Another copy has taken over, and is done."""
    output = Output(0, "image", "image/png", 48, sha256(PNG), key("0.png"), f"{HOST}/a.bin")
    return storing_moves.settle(task, [output], NOW, leased_until=task.storing_until)


def cancel(task: Task) -> Move | None:
    return ending_moves.cancel(task, NOW)


def during(
    act: Callable[[Task], Move | None], pause_seconds: float = 0
) -> tuple[Scene, list[Task]]:
    """A scene where somebody moves the record while the first bytes are read."""
    scene = Scene(FakeFiles({}))
    moved: list[Task] = []

    def read() -> None:
        if not moved:
            moved.append(scene.store.move(scene.now, act).task)
            scene.clock.advance(pause_seconds)

    scene.files.files[FIRST] = FakeFile(PNG, meanwhile=read)
    return scene, moved


@pytest.mark.parametrize("act", [take_over, settle, cancel])
def test_a_copy_that_lost_its_hold_stops_and_changes_nothing(act: Any) -> None:
    scene, moved = during(act, pause_seconds=20)
    assert scene.copy() == moved[0]
    assert scene.outputs.objects == {}
    assert scene.told == []


def test_what_another_copy_has_settled_stays_settled() -> None:
    scene, moved = during(settle)
    assert scene.copy() == moved[0]
    assert scene.now.status is Status.SUCCEEDED
    assert list(scene.outputs.objects) == [key("0.png")]
    assert scene.told == []


def test_a_slow_copy_writes_over_nothing_that_another_has_settled() -> None:
    """
    A copy slept so long that another took over, and the host had other bytes for that one.

    When the first woke up, it put its bytes where the record told of those of the second.
    """
    scene = Scene(FakeFiles({FIRST: FakeFile(PNG)}))
    second = Scene(FakeFiles({FIRST: PNG + b"other bytes"}), outputs=scene.outputs)
    second.store, second.clock = scene.store, scene.clock
    settled: list[Task] = []

    def sleep(_: str) -> None:
        # All is read, and nothing is written yet: nobody asks whose turn it is any more.
        scene.outputs.before_store = lambda _: None
        scene.clock.advance(45)
        settled.append(second.copy())

    scene.outputs.before_store = sleep
    assert scene.copy() == settled[0]
    [output] = settled[0].outputs
    assert (settled[0].status, scene.told, second.told) == (Status.SUCCEEDED, [], settled)
    assert output.sha256 == sha256(scene.outputs.objects[output.key].body)


def test_a_slow_copy_writes_over_nothing_of_a_second_attempt_either() -> None:
    """The same where something lay there before, which may be written over by whoever holds it."""
    scene = Scene(FakeFiles({FIRST: FakeFile(PNG)}), storing(FIRST, store_attempts=1))
    scene.outputs.objects[key("0.png")] = StoredObject(b"of a dead copy", "", "", "")
    second = Scene(FakeFiles({FIRST: PNG + b"other bytes"}), outputs=scene.outputs)
    second.store, second.clock = scene.store, scene.clock

    def sleep(_: str) -> None:
        scene.outputs.before_store = lambda _: None
        scene.clock.advance(45)
        second.copy()

    scene.outputs.before_store = sleep
    [output] = scene.copy().outputs
    assert output.sha256 == sha256(scene.outputs.objects[output.key].body)
    assert (len(scene.told), len(second.told)) == (0, 1)


def test_a_copy_that_looks_too_late_finds_that_it_was_taken_over() -> None:
    """It looks what lies there when the other one is done: that is not its to write over."""
    scene = Scene(FakeFiles({FIRST: PNG}), storing(FIRST, store_attempts=1))
    second = Scene(FakeFiles({FIRST: PNG + b"other bytes"}), outputs=scene.outputs)
    second.store, second.clock = scene.store, scene.clock
    version = scene.outputs.version

    def slow(key: str) -> str | None:
        scene.outputs.version = version  # type: ignore[method-assign]
        scene.clock.advance(45)
        second.copy()
        # As a copy would that was frozen between two instructions.
        scene.clock.at = NOW + seconds(1)
        return version(key)

    scene.outputs.version = slow  # type: ignore[method-assign]
    [output] = scene.copy().outputs
    assert output.sha256 == sha256(scene.outputs.objects[output.key].body)
    assert (len(scene.told), len(second.told)) == (0, 1)


def test_a_copy_that_was_overtaken_while_it_wrote_does_not_record_what_it_did_not_write() -> None:
    """The slow one, whose lease is over, writes at the last moment before the one that has it."""
    second = Scene(FakeFiles({FIRST: PNG + b"other bytes"}))

    def write_first(name: str) -> None:
        second.outputs.before_store = lambda _: None
        second.outputs.objects[name] = StoredObject(PNG, "", "", "")

    second.outputs.before_store = write_first
    [output] = second.copy().outputs
    assert output.sha256 == sha256(second.outputs.objects[output.key].body)
    assert output.bytes == len(PNG + b"other bytes")
    assert second.files.opened == [FIRST, FIRST]


def delete(task: Task) -> Move | None:
    """Another copy has settled the task, and its owner deleted it."""
    settled = settle(task)
    return ending_moves.delete(settled.task, NOW) if settled else None


@pytest.mark.parametrize("pause_seconds", [0, 20])
@pytest.mark.parametrize("act", [cancel, delete])
def test_no_file_stays_of_a_task_that_was_canceled_or_deleted_meanwhile(
    act: Any, pause_seconds: float
) -> None:
    scene, second_is_stored = Scene(FakeFiles({SECOND: JPG}), storing(FIRST, SECOND)), Event()
    scene.outputs.after_store = lambda _: second_is_stored.set()

    def read() -> None:
        if not second_is_stored.is_set():
            assert second_is_stored.wait(5)
            scene.store.move(scene.now, act)
            scene.clock.advance(pause_seconds)

    scene.files.files[FIRST] = FakeFile(PNG, meanwhile=read)
    scene.copy()
    assert (scene.outputs.objects, scene.told) == ({}, [])


@pytest.mark.parametrize(
    "task",
    [running_task(), storing(FIRST, status=Status.SUCCEEDED), storing(FIRST, status=Status.FAILED)],
)
def test_there_is_nothing_to_copy_before_and_after_storing(task: Task) -> None:
    scene = Scene(FakeFiles({FIRST: PNG}), task)
    assert scene.copy() == task
    assert scene.files.opened == []


def test_a_record_that_does_not_answer_leaves_the_hold_to_run_out() -> None:
    scene = Scene(FakeFiles({}))

    def break_down() -> None:
        scene.store.unavailable = True

    scene.files.files[FIRST] = FakeFile(PNG, meanwhile=break_down)
    with pytest.raises(BackendUnavailableError):
        scene.copy()
    scene.store.unavailable = False
    scene.files.files[FIRST] = PNG
    assert scene.copy().status is Status.STORING
    scene.clock.advance(45)
    assert scene.copy().status is Status.SUCCEEDED
