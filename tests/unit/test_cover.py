"""Covers for tracks: how they are planned, asked for, and when a track has come with one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kie_gateway.aws.task_item import read_task, write_task
from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.picture_size import sized
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.core.files.quality import Wanted, why_preview
from kie_gateway.core.files.storing import results_of, with_results, without_beside
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.groups.cover import Cover, is_pictured
from kie_gateway.core.groups.group_status import GroupStatus, group_status
from kie_gateway.core.groups.spec_json import (
    read_batch_plan,
    read_specs,
    write_batch_plan,
    write_specs,
)
from kie_gateway.core.groups.task_spec import ChildSpec, TaskSpec
from kie_gateway.core.groups.templates import (
    PathError,
    check_path,
    fill,
    look_up,
    placeholders,
)
from kie_gateway.core.moves import group_moves
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Output, Source
from kie_gateway.core.task import Status
from kie_gateway.flows.groups.plan_covers import OF_THE_TRACK, CoverOrder, PlanCovers
from kie_gateway.wiring.covers import order_cover
from kie_gateway.wiring.known_models import KnownModels
from tests.makers import NOW, make_task, running_task

WIDE = Cover(2048, 1152)
LEAST = WIDE.least
TRACK, PICTURE = Source("https://a.test/1.mp3"), Source("https://a.test/1.jpeg", is_beside=True)


# --- the first path that leads somewhere --------------------------------------------------------

FACTS: Mapping[str, Any] = {
    "input": {"prompt": "a song", "list": []},
    "result": {"title": "Song", "empty": ""},
    "outputs": [],
    "id": "task_x",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("result.title | input.prompt", "Song"),
        ("result.prompt|input.prompt", "a song"),
        ("result.empty | input.list | outputs[0].url | id", "task_x"),
        ("input.prompt", "a song"),
        # Alone, what is empty is there.
        ("result.empty", ""),
    ],
)
def test_the_first_path_counts_that_leads_to_something(path: str, value: str) -> None:
    assert look_up(FACTS, path) == value
    template = {"x": [f"{{{{ {path} }}}}", f"of {{{{{path}}}}}"]}
    assert fill(template, FACTS) == {"x": [value, f"of {value}"]}


@pytest.mark.parametrize("path", ["result.prompt | input.style", "result.empty | outputs[0].url"])
def test_several_paths_that_lead_nowhere_are_an_error(path: str) -> None:
    with pytest.raises(PathError, match="there is nothing at"):
        look_up(FACTS, path)


@pytest.mark.parametrize("path", ["result.title | a b", "result.title |", "| id", "id || id"])
def test_each_of_several_has_to_be_a_path(path: str) -> None:
    with pytest.raises(PathError, match="is not a path"):
        check_path(FACTS, path)


def test_what_can_never_be_there_is_found_out_at_once() -> None:
    check_path(FACTS, "result.title | input.style")
    check_path(FACTS, "input.style | result.title")
    for path, words in [
        ("result.titel | input.prompt", "no result.titel"),
        ("inputs.prompt | input.prompt", "no inputs.prompt"),
        ("input.style | input.tags", "nothing at"),
        ("input.style", "no input.style"),
    ]:
        with pytest.raises(PathError, match=words):
            check_path(FACTS, path)


def test_a_placeholder_tells_its_paths() -> None:
    [found] = placeholders({"x": "{{ a.b | c }}"}, "")
    assert (found.path, found.paths) == ("a.b | c", ["a.b", "c"])


# --- planning -----------------------------------------------------------------------------------


def plan(spec: TaskSpec) -> TaskSpec:
    def order(cover: Cover, shows: str) -> CoverOrder:
        if cover.model == "unknown":
            raise InvalidRequestError("no", [FieldFault("/model", "unknown model")])
        return CoverOrder(cover.model or "painter", {"prompt": shows})

    return PlanCovers(lambda model: model == "suno", order)(spec)


def song(**more: Any) -> TaskSpec:
    fields = {"model": "suno", "input": {"prompt": "a song"}, "deadline_seconds": 60}
    return TaskSpec(**{**fields, "cover": WIDE, **more})


def following(task: TaskSpec, name: str = "next") -> ChildSpec:
    return ChildSpec(name, "/then/0", Start.THEN, required=True, task=task)


def test_a_cover_is_the_last_of_the_children_and_optional() -> None:
    first = following(song(cover=None))
    planned = plan(song(retention_days=3, children=(first,)))
    assert (planned.cover, planned.least_picture) == (None, LEAST)
    assert planned.children[0] == first
    child = planned.children[1]
    assert (child.name, child.pointer, child.starts) == ("cover", "/cover", Start.THEN)
    assert (child.required, child.unless_pictured) == (False, True)
    assert child.task == TaskSpec(
        "painter", {"prompt": OF_THE_TRACK}, 60, retention_days=3, least_picture=LEAST
    )


def test_the_callers_own_words_and_model_are_taken() -> None:
    planned = plan(song(cover=replace(WIDE, model="z", prompt="a lake")))
    assert (planned.children[0].task.model, planned.children[0].task.input) == (
        "z",
        {"prompt": "a lake"},
    )


def test_a_task_without_a_cover_stays_as_it_is() -> None:
    spec = TaskSpec("any", {}, 60, children=(following(TaskSpec("any", {}, 60)),))
    assert plan(spec) == spec


def test_every_cover_that_cannot_be_made_is_named() -> None:
    inner = following(TaskSpec("painter", {}, 60, cover=WIDE))
    spec = song(cover=replace(WIDE, model="unknown"), children=(inner, following(song(), "cover")))
    with pytest.raises(InvalidRequestError) as raised:
        plan(spec)
    assert [fault.pointer for fault in raised.value.faults] == [
        "/then/0/cover",
        "/then/0/name",
        "/cover/model",
    ]


def test_a_plan_is_the_same_after_it_was_written() -> None:
    planned = plan(song())
    assert read_specs(write_specs(planned.children)) == planned.children
    batch = BatchPlan((planned, song()), 2)
    assert read_batch_plan(write_batch_plan(batch)) == batch


@pytest.mark.parametrize(
    ("pointer", "place"),
    [("/model", "/model"), ("/input/prompt", "/prompt"), ("/input/image_urls", "/model")],
)
def test_faults_of_a_cover_are_named_where_its_caller_can_mend_them(
    pointer: str, place: str
) -> None:
    assert plan(song()).children[0].place_of(pointer) == place
    assert following(song()).place_of(pointer) == pointer


@pytest.mark.parametrize(
    ("model", "makes_music"),
    [
        *((name, True) for name in ("suno", "suno/extend", "V5", "suno/V4_5", "V6", "V7_MINI")),
        *((name, True) for name in ("suno/sounds", "ai-music-api/mashup", "ai-music-api/newest")),
        *((name, False) for name in ("suno/lyrics", "suno/wav", "suno/cover", "veo3", "z-image")),
        *((name, False) for name in ("elevenlabs/sound-effect-v2", "somebody/newest", "ve5")),
        ("ai-music-api/cover-generate", False),
    ],
)
def test_which_models_make_tracks(model: str, makes_music: bool) -> None:
    assert KnownModels().makes_music(model) is makes_music


# --- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "size", "fields"),
    [
        ("nano-banana-pro", (2048, 1152), {"aspect_ratio": "16:9", "resolution": "2K"}),
        ("nano-banana-pro", (1024, 1024), {"aspect_ratio": "1:1", "resolution": "1K"}),
        ("nano-banana-pro", (1080, 1920), {"aspect_ratio": "9:16", "resolution": "2K"}),
        ("nano-banana-pro", (4096, 64), {"aspect_ratio": "21:9", "resolution": "4K"}),
        ("nano-banana-pro", (4096, 4096), {"aspect_ratio": "1:1", "resolution": "4K"}),
        ("seedream/5-flash-text-to-image", (1400, 1400), {"aspect_ratio": "1:1", "size": "1.5K"}),
        ("google/nano-banana", (640, 480), {"aspect_ratio": "4:3"}),
        ("gpt4o-image", (1500, 1000), {"size": "3:2"}),
        ("ideogram/v3-text-to-image", (900, 1600), {"image_size": "portrait_16_9"}),
        ("ideogram/v3-text-to-image", (640, 480), {"image_size": "landscape_4_3"}),
        (
            "bytedance/seedream-v4-text-to-image",
            (3000, 3000),
            {"image_size": "square_hd", "image_resolution": "4K"},
        ),
        ("midjourney", (640, 480), {}),
        ("flux-2/pro-text-to-image", (4096, 4096), None),
    ],
)
def test_a_model_is_asked_for_the_nearest_shape_that_is_large_enough(
    model: str, size: tuple[int, int], fields: dict[str, str] | None
) -> None:
    known = catalogue.find(model)
    assert known is not None
    assert sized(known, *size, {}) == fields


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ((2048, 1152), "16:9", "2K"),
        ((512, 512), "1:1", "2K"),
        ((1000, 2000), "1:1", "2K"),
        ((4096, 2304), "16:9", "4K"),
        ((4000, 3200), "1:1", "4K"),
    ],
)
def test_the_recipe_chooses_the_shape_and_the_size_may_grow(
    size: tuple[int, int], ratio: str, resolution: str
) -> None:
    order = order_cover(Cover(*size), OF_THE_TRACK)
    assert (order.input["aspect_ratio"], order.input["resolution"]) == (ratio, resolution)
    assert OF_THE_TRACK in order.input["prompt"]
    assert catalogue.find(order.model) is not None
    assert order.fallback
    assert all(catalogue.find(one.model) for one in order.fallback)


# --- what is a picture, and what a preview ------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "is_preview"),
    [
        ((2048, 1152), False),
        ((2047, 1152), True),
        ((1152, 2048), True),
        ((360, 360), True),
        ((4096, 4096), False),
        ((None, None), True),
    ],
)
def test_beside_a_track_only_a_picture_of_the_size_asked_for_counts(
    size: tuple[int | None, int | None], is_preview: bool
) -> None:
    reason = why_preview(MediaFacts(*size), Wanted(least=LEAST, is_strict=True))
    assert (reason is not None) is is_preview


@pytest.mark.parametrize(
    ("size", "least", "is_preview"),
    [
        ((360, 360), (400, 400), True),
        ((400, 400), (400, 400), False),
        # models round a side
        ((1024, 1016), (1024, 1024), False),
        ((1024, 576), (2048, 1152), True),
        # no thumbnail is as large as this
        ((1536, 864), (2048, 1152), False),
        ((1024, 1024), (64, 64), False),
    ],
)
def test_a_small_picture_is_told_by_the_least_size(
    size: tuple[int, int], least: tuple[int, int], is_preview: bool
) -> None:
    assert (why_preview(MediaFacts(*size), Wanted(least=least)) is not None) is is_preview


def test_a_picture_of_which_nothing_is_known_is_no_preview() -> None:
    assert why_preview(NOTHING_KNOWN, Wanted(least=LEAST)) is None


def picture(width: int | None, height: int | None, media: str = "image") -> Output:
    return Output(2, media, "image/png", 1, "0" * 64, "k", "u", width=width, height=height)


def test_a_track_is_pictured_by_an_output_that_is_large_enough() -> None:
    task = make_task(least_picture=LEAST)
    assert is_pictured(replace(task, outputs=(picture(2048, 1152),)))
    assert not is_pictured(replace(task, outputs=(picture(2048, 1151), picture(None, None))))
    assert not is_pictured(replace(task, outputs=(picture(4096, 4096, "video"),)))
    assert not is_pictured(replace(task, previews=(picture(2048, 1152),)))
    assert not is_pictured(make_task(outputs=(picture(2048, 1152),)))


# --- the record ---------------------------------------------------------------------------------


def test_what_goes_with_the_results_is_taken_where_it_is_wanted() -> None:
    finished = Finished("SUCCESS", (TRACK,), beside=(PICTURE,))
    assert results_of(finished, running_task()).sources == (TRACK,)
    found = results_of(finished, running_task(least_picture=LEAST))
    assert found.sources == (TRACK, PICTURE)
    assert without_beside(found.sources) == (TRACK,)
    after = with_results(running_task(least_picture=LEAST), found)
    assert read_task(write_task(after)) == after


def test_a_picture_that_comes_or_goes_leaves_stored_tracks_alone() -> None:
    task = running_task(least_picture=LEAST, sources=(TRACK, PICTURE))
    task = replace(task, outputs=(picture(None, None, "audio"),))
    finished = Finished("SUCCESS", (TRACK,))
    assert with_results(task, results_of(finished, task)).outputs == task.outputs


def test_a_long_prompt_of_a_track_is_kept_in_the_record() -> None:
    facts = {"title": "歌" * 100, "tags": "t" * 200, "prompt": "字" * 800}
    task = running_task(upstream_facts=facts)
    assert read_task(write_task(task)).upstream_facts == facts


# --- the group ----------------------------------------------------------------------------------


def test_a_cover_that_is_not_needed_is_given_up_with_what_was_set_aside() -> None:
    child = Child("cover", "task_c", Start.THEN, required=False, state=ChildState.PLANNED)
    task = make_task(status=Status.SUCCEEDED, children=(child,), sweep_at=NOW)
    move = group_moves.create_children(task, {}, {"task_c"}, NOW)
    assert move is not None
    assert [one.state for one in move.task.children] == [ChildState.UNNEEDED]
    assert (move.task.sweep_at, move.creates) == (None, ())
    assert group_status(move.task, {}) is GroupStatus.SUCCEEDED
    assert group_moves.create_children(move.task, {}, {"task_c"}, NOW) is None
