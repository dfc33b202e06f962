"""Covers for tracks: made where a track comes without a picture that is large enough."""

from typing import Any

import pytest

from tests.functional.faults import Trouble
from tests.functional.owner import Owner
from tests.functional.story import Story
from tests.functional.test_groups import assert_group, children_of
from tests.functional.test_unwatched import at_each_call, figures, strike
from tests.functional.world import World

WIDE = {"min_width": 2048, "min_height": 1152}
SONG = 12
EVERY_ROAD = pytest.mark.parametrize("lost", ["", " [webhook lost]"], ids=["webhook", "poll"])


def sing(world: World, words: str, model: str = "suno", **more: Any) -> Story:
    return world.create(words, model=model, **{"cover": WIDE, **more})


def run(world: World, words: str, **more: Any) -> tuple[Story, tuple[float, float]]:
    """Let a track and its cover come to their ends; returns what they cost, too."""
    before = figures(world)
    task = sing(world, words, **more)
    world.run()
    after = figures(world)
    return task, (after[0] - before[0], after[1] - before[1])


def the_cover(world: World, task: Story) -> Story:
    [cover] = children_of(world, task)
    return cover


def media(files: list[dict[str, Any]]) -> list[tuple[str, int | None, int | None]]:
    return [(one["media"], one["width"], one["height"]) for one in files]


SOUNDS = [("audio", None, None)] * 2
THUMBNAIL, LARGE = ("image", 360, 360), ("image", 2728, 1536)


# --- the pair -----------------------------------------------------------------------------------


@EVERY_ROAD
def test_a_small_picture_stays_a_preview_and_a_cover_is_made(world: World, lost: str) -> None:
    task, costs = run(world, f"a calm song [picture 360x360]{lost}")
    assert_group(task, "succeeded", ("cover", "succeeded"))
    shown = task.read()
    assert media(shown["outputs"]) == SOUNDS
    assert media(shown["previews"]) == [THUMBNAIL]
    [child] = shown["children"]
    assert child["required"] is False
    cover = the_cover(world, task).read()
    assert child["id"] == cover["id"]
    assert media(cover["outputs"]) == [LARGE]
    assert cover["model"] == "nano-banana-2"
    assert (
        f"What the track is about: a calm song [picture 360x360]{lost}" in cover["input"]["prompt"]
    )
    assert (cover["input"]["aspect_ratio"], cover["input"]["resolution"]) == ("16:9", "2K")
    # Each has an id of its own at Kie.ai, too, and its own way to the end.
    assert cover["upstream"]["task_id"] != shown["upstream"]["task_id"]
    by = "poll" if lost else "webhook"
    assert (shown["completed_by"], cover["completed_by"]) == (by, by)
    assert costs == (shown["credits"]["charged"] + cover["credits"]["charged"], 0)
    assert [one.accepted_creations() for one in (task, the_cover(world, task))] == [1, 1]


@EVERY_ROAD
def test_a_track_that_comes_with_a_large_picture_needs_no_cover(world: World, lost: str) -> None:
    before = figures(world)
    task = sing(world, f"a calm song [picture 2048x1152]{lost}")
    set_aside = figures(world)[1] - before[1]
    assert set_aside > SONG
    world.run()
    assert_group(task, "succeeded", ("cover", "skipped"))
    shown = task.read()
    assert media(shown["outputs"]) == [*SOUNDS, ("image", 2048, 1152)]
    assert [one["index"] for one in shown["outputs"]] == [0, 1, 2]
    assert (shown["previews"], shown["children"][0]["id"]) == ([], None)
    assert (figures(world)[0] - before[0], figures(world)[1]) == (SONG, before[1])
    assert [entry["type"] for entry in task.timeline()].count("child_unneeded") == 1
    assert len(world.creations()) == 1


@EVERY_ROAD
@pytest.mark.parametrize("dial", ["picture none", "picture gone"])
def test_a_track_without_a_picture_is_delivered_as_if_none_was_named(
    world: World, dial: str, lost: str
) -> None:
    task, _ = run(world, f"a calm song [{dial}]{lost}")
    assert_group(task, "succeeded", ("cover", "succeeded"))
    shown = task.read()
    assert media(shown["outputs"]) == SOUNDS
    assert (shown["missing_outputs"], shown["previews"], shown["error"]) == ([], [], None)
    # Nobody has waited for a picture that could not be had.
    assert [entry["type"] for entry in task.timeline()].count("storing_started") == 1
    assert media(the_cover(world, task).read()["outputs"]) == [LARGE]


@EVERY_ROAD
def test_a_picture_that_comes_before_its_track_settles_nothing(world: World, lost: str) -> None:
    task = sing(world, f"a calm song [results 1] [picture 2048x1152] [audio late 60]{lost}")
    world.run_for(40)
    assert task.read()["status"] == "running"
    assert_group(task, "running", ("cover", "pending"))
    world.run()
    assert_group(task, "succeeded", ("cover", "skipped"))
    assert media(task.read()["outputs"]) == [*SOUNDS[:1], ("image", 2048, 1152)]


@EVERY_ROAD
def test_a_picture_that_fails_leaves_the_music_alone(world: World, lost: str) -> None:
    cover = {**WIDE, "prompt": f"a lake [fail 501 broken]{lost}"}
    task, costs = run(world, f"a calm song [picture 360x360]{lost}", cover=cover)
    assert_group(task, "partial", ("cover", "failed"))
    assert (task.read()["status"], len(task.stored_files())) == ("succeeded", 2)
    assert costs == (SONG, 0)


def test_no_cover_follows_music_that_failed(world: World) -> None:
    task, costs = run(world, "a calm song [fail 501 broken]")
    assert_group(task, "failed", ("cover", "skipped"))
    assert costs == (0, 0)


def test_a_canceled_track_has_no_cover(world: World) -> None:
    before = figures(world)
    task = sing(world, "a calm song [slow 200]")
    task.cancel()
    assert_group(task, "failed", ("cover", "skipped"))
    assert figures(world)[1] - before[1] == SONG
    world.run()
    assert_group(task, "failed", ("cover", "skipped"))
    assert len(world.creations()) == 1


def test_the_pair_is_set_aside_and_charged_once(world: World, owner: Owner) -> None:
    owner.give(SONG)
    body: dict[str, Any] = {"model": "suno", "cover": WIDE}
    assert owner.ask("a song", **body).json()["code"] == "insufficient_credits"
    assert world.creations() == []
    owner.give(100)
    task = owner.create("a song [picture 2048x1152]", **body)
    balance, reserved, spent, open_tasks = owner.figures()
    assert ((balance or 0) + reserved, spent, open_tasks) == (100 + SONG, 0, 2)
    assert reserved > SONG
    world.run()
    assert owner.figures() == (100, 0, SONG, 0)
    assert task.read()["group_status"] == "succeeded"


@pytest.mark.long
@pytest.mark.parametrize("trouble", list(Trouble), ids=lambda trouble: trouble.name.lower())
@pytest.mark.parametrize("dial", ["picture 2048x1152", "picture 360x360"])
def test_whoever_dies_over_a_track_it_has_one_picture(
    world: World, trouble: Trouble, dial: str
) -> None:
    """Each call of the function that stores the track is where it dies once."""
    for on in at_each_call(world, "StoreFunction", trouble):
        before = figures(world)
        task = sing(world, f"a calm song [{dial}]")
        trouble_there = on()
        world.run_for(120)
        trouble_there.__exit__(None, None, None)
        strike(world)
        world.run()
        told, is_needed = task.told(), dial.endswith("360")
        assert task.read()["group_status"] == "succeeded", told
        covers = children_of(world, task)
        assert [one.accepted_creations() for one in covers] == [1] * is_needed, told
        costs = [one.read()["credits"]["charged"] for one in (task, *covers)]
        assert (figures(world)[0] - before[0], figures(world)[1]) == (sum(costs), before[1]), told


# --- the picture that is made -------------------------------------------------------------------


@EVERY_ROAD
def test_a_picture_that_is_there_at_once_needs_no_webhook(world: World, lost: str) -> None:
    cover = {**WIDE, "prompt": "a lake [immediate]"}
    task, _ = run(world, f"a calm song [picture none]{lost}", cover=cover)
    assert_group(task, "succeeded", ("cover", "succeeded"))
    made = the_cover(world, task)
    assert media(made.read()["outputs"]) == [LARGE]
    assert made.accepted_creations() == 1


@EVERY_ROAD
def test_a_thumbnail_in_the_place_of_the_cover_is_waited_out(world: World, lost: str) -> None:
    cover = {**WIDE, "prompt": f"a lake [preview first]{lost}"}
    task, _ = run(world, f"a calm song [picture none]{lost}", cover=cover)
    assert_group(task, "succeeded", ("cover", "succeeded"))
    made = the_cover(world, task).read()
    assert (media(made["outputs"]), media(made["previews"])) == ([LARGE], [THUMBNAIL])


def test_a_thumbnail_is_told_by_the_size_that_the_caller_named(world: World) -> None:
    """The model's own input says nothing of a size; alone, 360x360 would pass for the result."""
    cover = {"min_width": 400, "min_height": 400, "model": "z-image"}
    cover["prompt"] = "a lake [preview first]"
    task, _ = run(world, "a calm song [picture none]", cover=cover)
    made = the_cover(world, task).read()
    assert made["input"] == {"prompt": "a lake [preview first]", "aspect_ratio": "1:1"}
    assert (media(made["outputs"]), media(made["previews"])) == (
        [("image", 1024, 1024)],
        [THUMBNAIL],
    )


@EVERY_ROAD
def test_a_small_picture_after_the_large_one_changes_nothing(world: World, lost: str) -> None:
    again = "[webhook again 250] [preview after 200]"
    cover = {**WIDE, "prompt": f"a lake {again}{lost}"}
    task, _ = run(world, f"a calm song [picture none]{lost}", cover=cover)
    made = the_cover(world, task)
    world.run_for(300)
    made.refresh()
    world.run()
    shown = made.read()
    assert (shown["status"], media(shown["outputs"]), shown["previews"]) == (
        "succeeded",
        [LARGE],
        [],
    )


def test_a_small_picture_beside_the_large_one_is_a_preview(world: World) -> None:
    cover = {**WIDE, "model": "seedream/4.5-text-to-image"}
    cover["prompt"] = "a lake [results 2] [preview last]"
    task, _ = run(world, "a calm song [picture none]", cover=cover)
    made = the_cover(world, task).read()
    assert len(made["outputs"]) == 1
    assert made["outputs"][0]["width"] > made["outputs"][0]["height"]
    assert media(made["previews"]) == [THUMBNAIL]
    assert_group(task, "succeeded", ("cover", "succeeded"))


# --- all music, at any depth --------------------------------------------------------------------


NEW = {"custom_mode": False, "instrumental": True}


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("suno/generate", {}),
        ("V5", {}),
        ("ai-music-api/generate", {**NEW, "model": "V6"}),
        ("V6", NEW),
    ],
)
def test_every_model_that_makes_tracks(world: World, model: str, more: dict[str, Any]) -> None:
    given = {"prompt": "a calm song [picture 2048x1152]", **more}
    task, _ = run(world, "", model=model, input=given)
    assert_group(task, "succeeded", ("cover", "skipped"))
    assert media(task.read()["outputs"]) == [*SOUNDS, ("image", 2048, 1152)]


def test_music_that_follows_may_have_a_cover(world: World) -> None:
    song = {
        "name": "song",
        "model": "suno",
        "input": {"prompt": "{{input.prompt}} sung"},
        "cover": {**WIDE, "prompt": "{{result.title}} on a lake"},
    }
    task = world.create("a kite [picture none]", then=[song])
    world.run()
    assert_group(task, "succeeded", ("song", "succeeded"))
    [sung] = children_of(world, task)
    assert_group(sung, "succeeded", ("cover", "succeeded"))
    prompt = the_cover(world, sung).read()["input"]["prompt"]
    assert "A Kite [Picture on a lake" in prompt


def test_a_failed_track_is_retried_with_its_cover(world: World) -> None:
    task, _ = run(world, "a calm song [fail 501 broken] [picture 360x360]")
    answer = world.http.post(f"/v1/tasks/{task.task_id}/retry")
    again = Story(world, answer.json()["id"], 0)
    assert [one["name"] for one in again.read()["children"]] == ["cover"]


def test_without_a_cover_the_pictures_of_tracks_are_left_alone(world: World) -> None:
    task = world.create("a calm song", model="suno")
    world.run()
    shown = task.read()
    assert (media(shown["outputs"]), shown["previews"]) == (SOUNDS, [])
    assert (shown["children"], shown["group_status"]) == ([], None)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"model": "google/nano-banana"}, "/cover", "makes no music"),
        ({"model": "suno/lyrics"}, "/cover", "makes no music"),
        ({"cover": {**WIDE, "min_width": 63}}, "/cover/min_width", "64"),
        ({"cover": {**WIDE, "min_height": 4097}}, "/cover/min_height", "4096"),
        ({"cover": {"min_width": 64}}, "/cover/min_height", "required"),
        ({"cover": {**WIDE, "model": "z-imag"}}, "/cover/model", "did you mean z-image"),
        ({"cover": {**WIDE, "model": "suno"}}, "/cover/model", "makes no pictures"),
        ({"cover": {**WIDE, "model": "google/nano-banana-edit"}}, "/cover/model", "required"),
        (
            {"cover": {"min_width": 4096, "min_height": 4096, "model": "flux-2/pro-text-to-image"}},
            "/cover/model",
            "no pictures of that size",
        ),
        ({"cover": {**WIDE, "color": "red"}}, "/cover/color", "unknown field"),
        ({"cover": {**WIDE, "prompt": "x" * 1501}}, "/cover/prompt", "1500"),
        ({"cover": {**WIDE, "prompt": "{{result.what}}"}}, "/cover/prompt", "no result.what"),
        (
            {"cover": {**WIDE, "prompt": "of {{outputs[0]}}"}},
            "/cover/prompt",
            "only texts, numbers",
        ),
        (
            {"then": [{"name": "cover", "model": "z-image", "input": {"prompt": "x"}}]},
            "/then/0/name",
            "makes the cover",
        ),
        (
            {"then": [{"model": "z-image", "input": {"prompt": "x"}, "cover": WIDE}]},
            "/then/0/cover",
            "makes no music",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_track(
    world: World, body: dict[str, Any], pointer: str, words: str
) -> None:
    before = figures(world), world.creations()
    song = {"model": "suno", "input": {"prompt": "a song"}, "cover": WIDE}
    answer = world.http.post("/v1/tasks", json={**song, **body})
    assert answer.status_code == 422, answer.text
    faults = [(one["pointer"], one["detail"]) for one in answer.json()["errors"]]
    assert any(place == pointer and words in detail for place, detail in faults), faults
    assert (figures(world), world.creations()) == before
