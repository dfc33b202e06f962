"""Models that had endpoints of their own, and music of which a part comes late, from end to end."""

from typing import Any

import httpx
import pytest

from tests.functional.world import World

PICTURE = "https://example.com/a.png"
FILM = "https://example.com/a.mp4"
CLIP = {"prompt": "a kite", "duration": 5, "quality": "720p"}
MUSIC = {"model": "V6", "custom_mode": False, "instrumental": False}
OLD_MUSIC = {"model": "V5", "customMode": False, "instrumental": False}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "4o-image-api": (
        {"prompt": "a kite", "size": "1:1", "files_url": [PICTURE], "isEnhance": False},
        ["image/png"],
    ),
    "flux1-kontext": (
        {"prompt": "a kite", "input_image": PICTURE, "output_format": "png"},
        ["image/png"],
    ),
    "runway": ({**CLIP, "image_url": PICTURE}, ["video/mp4"]),
    "runway/gen4-aleph": ({"prompt": "a kite", "video_url": FILM}, ["video/mp4"]),
    "veo-3-1": (
        {
            "prompt": "a kite",
            "image_urls": [PICTURE, PICTURE],
            "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO",
            "duration": 4,
        },
        ["video/mp4"],
    ),
    "ai-music-api/generate": ({**MUSIC, "prompt": "of kites"}, ["audio/mpeg", "audio/mpeg"]),
    "ai-music-api/generate-lyrics": ({"prompt": "of kites"}, ["text/plain; charset=utf-8"] * 2),
    "ai-music-api/boost-music-style": ({"content": "calm"}, ["text/plain; charset=utf-8"]),
}


def upstream_input(world: World) -> Any:
    """Tell the input of the newest task at Kie.ai."""
    return httpx.get(f"{world.kie.base_url}/sim/tasks").json()[-1]["input"]


@pytest.mark.parametrize("lost", [False, True], ids=["webhook", "poll"])
@pytest.mark.parametrize("model", CASES)
def test_a_request_in_the_newest_form_is_carried_through_word_for_word(
    world: World, model: str, *, lost: bool
) -> None:
    given, stored = CASES[model]
    field = "content" if "content" in given else "prompt"
    given = {**given, field: f"{given[field]} [webhook lost]" if lost else given[field]}
    task = world.create("", model=model, input=given)
    world.run()
    told = task.read()
    assert (told["status"], told["family"], told["input"]) == ("succeeded", "market", given)
    assert [one["content_type"] for one in told["outputs"]] == stored
    assert upstream_input(world) == given
    assert all(task.stored_files())
    assert task.accepted_creations() == 1


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("veo-3-1", {"imageUrls": [PICTURE]}, {"image_urls": [PICTURE]}),
        ("veo3_fast", {"image_urls": [PICTURE]}, {"imageUrls": [PICTURE]}),
    ],
)
def test_a_picture_is_never_lost_on_the_way_to_the_road_that_spells_it_otherwise(
    world: World, model: str, given: dict[str, Any], sent: dict[str, Any], *, validate: bool
) -> None:
    task = world.create("", model=model, input={"prompt": "x", **given}, validate=validate)
    world.run()
    assert task.read()["input"] == {"prompt": "x", **sent}
    assert upstream_input(world).items() >= sent.items()


def test_a_film_is_made_larger_and_longer_on_the_new_road(world: World) -> None:
    film = world.create("", model="veo-3-1", input={"prompt": "[then upgrade 400]"})
    world.run()
    upstream_id = film.read()["upstream"]["task_id"]
    longer = {"task_id": upstream_id, "prompt": "higher"}
    for model, given in (
        ("veo/extend", longer),
        ("veo/get-4k-video", {"task_id": upstream_id}),
        ("veo/get-1080p-video", {"taskId": upstream_id}),
    ):
        task = world.create("", model=model, input=given)
        world.run()
        told = task.read()
        assert told["status"] == "succeeded", told
        assert told["upstream"]["task_id"] != upstream_id


def test_the_words_for_progress_of_an_upgrade_are_no_failure(world: World) -> None:
    prompt = "[then upgrade 400] [then webhook lost] [then slow 200]"
    film = world.create("", model="veo-3-1", input={"prompt": prompt})
    world.run()
    given = {"taskId": film.read()["upstream"]["task_id"]}
    task = world.create("", model="veo/get-1080p-video", input=given)
    world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert "Kie.ai says: 1080P is processing" in task.timeline()[3]["message"]


ROADS = [
    pytest.param("ai-music-api/generate", MUSIC, id="new"),
    pytest.param("suno/generate", OLD_MUSIC, id="old"),
]


@pytest.mark.parametrize(("model", "music"), ROADS)
@pytest.mark.parametrize("dials", ["", "[webhook lost]"])
def test_a_song_whose_audio_comes_late_is_waited_for(
    world: World, model: str, music: dict[str, Any], dials: str
) -> None:
    given = {**music, "prompt": f"of kites [audio late 100] {dials}"}
    task = world.create("", model=model, input=given)
    world.run()
    told = task.read()
    assert told["status"] == "succeeded"
    assert [one["index"] for one in told["outputs"]] == [0, 1]
    unclear = [one for one in task.timeline() if "Of 2 results promised 1" in one["message"]]
    assert unclear
    assert {one["type"] for one in unclear} <= {"webhook_unclear", "kie_asked"}


@pytest.mark.parametrize(("model", "music"), ROADS)
@pytest.mark.parametrize("dials", ["", "[webhook lost]"])
def test_at_the_deadline_what_there_is_has_to_do(
    world: World, model: str, music: dict[str, Any], dials: str
) -> None:
    given = {**music, "prompt": f"of kites [audio late 9999] {dials}"}
    task = world.create("", model=model, input=given, deadline_seconds=600)
    world.run()
    told = task.read()
    assert told["status"] == "succeeded"
    assert [one["index"] for one in told["outputs"]] == [0]
    assert len(told["outputs"]) == 1
    words = [one["message"] for one in task.timeline() if one["type"] == "result_reported"]
    assert words == ["Kie.ai is done: 1 file. Promised but never delivered: 1."]
    stored_after = task.timeline()[-1]["at"]
    assert stored_after >= told["deadline_at"]
    asked = sum(one["type"] == "kie_asked" for one in task.timeline())
    assert asked < 25


def test_half_a_result_that_is_heard_of_after_the_deadline_is_delivered(world: World) -> None:
    given = {**MUSIC, "prompt": "of kites [audio late 9999] [webhook lost] [slow 500]"}
    task = world.create("", model="ai-music-api/generate", input=given, deadline_seconds=300)
    world.run()
    assert task.read()["status"] == "expired"
    world.run_for(400)
    assert task.refresh().status_code == 200
    world.run()
    told = task.read()
    assert (told["status"], len(told["outputs"])) == ("succeeded", 1)


def test_a_canceled_song_of_which_half_is_there_has_been_paid_for(world: World) -> None:
    given = {**MUSIC, "prompt": "of kites [audio late 9999] [slow 20]"}
    task = world.create("", model="ai-music-api/generate", input=given)
    task.cancel()
    world.run()
    assert task.read()["credits"]["charged"] == 12
