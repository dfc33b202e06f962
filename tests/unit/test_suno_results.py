"""What Suno makes: read alike on both of Kie.ai's roads, and never taken for more than it is."""

import json
from typing import Any

import pytest

from kie_gateway.core.polling.report import Finished, NotUnderstood, Partial, Report, Running
from kie_gateway.core.results import Source
from kie_gateway.kie.families.registry import family

HOST = "https://tempfile.aiquickdraw.com/r"
FIRST, SECOND = f"{HOST}/1.mp3", f"{HOST}/2.mp3"
STREAM = "https://musicfile.kie.ai/2"


def song(audio: Any = FIRST, **more: Any) -> dict[str, Any]:
    """Describe a song as `recordInfo` was seen to."""
    told = {"id": f"id-{audio}", "title": "Kite", "duration": 198.4, "stream_audio_url": STREAM}
    return {**told, "audio_url": audio, "image_url": f"{HOST}/a.jpeg", "tags": "rock", **more}


def market(result: Any, state: str = "success") -> Report:
    data = {"taskId": "t", "model": "ai-music-api/generate", "state": state}
    body = {"code": 200, "msg": "success", "data": {**data, "resultJson": json.dumps(result)}}
    return family("market").interpret(body)


def old(tracks: list[Any], status: str = "SUCCESS") -> Report:
    data = {"taskId": "t", "status": status, "response": {"taskId": "t", "sunoData": tracks}}
    return family("suno").interpret({"code": 200, "msg": "success", "data": data})


def webhook(tracks: list[Any], step: str = "complete") -> Report:
    data = {"callbackType": step, "task_id": "t", "data": tracks}
    return family("suno").interpret({"code": 200, "msg": "All generated.", "data": data})


ROADS = {"market": lambda songs: market({"data": songs}), "old": old, "webhook": webhook}
every_road = pytest.mark.parametrize("read", ROADS.values(), ids=ROADS)


@every_road
def test_two_songs_are_two_results_with_what_is_known_of_them(read: Any) -> None:
    report = read([song(source_audio_url="https://cdn1.suno.ai/1.mp3"), song(SECOND, duration=7)])
    assert isinstance(report, Finished)
    assert [source.url for source in report.sources] == [FIRST, SECOND]
    assert [source.duration_seconds for source in report.sources] == [198.4, 7]
    assert [source.upstream_id for source in report.sources] == [f"id-{FIRST}", f"id-{SECOND}"]
    assert report.sources[0].alternates == ("https://cdn1.suno.ai/1.mp3",)
    assert report.missing == ()


NOT_THERE = [
    song(""),
    song(None),
    song(" "),
    {key: value for key, value in song().items() if key != "audio_url"},
]


@every_road
@pytest.mark.parametrize("unsung", NOT_THERE, ids=["empty", "null", "blank", "absent"])
@pytest.mark.parametrize("comes_first", [True, False])
def test_a_song_without_audio_is_waited_for_since_it_was_paid_for(
    read: Any, unsung: dict[str, Any], *, comes_first: bool
) -> None:
    songs = [unsung, song(SECOND)] if comes_first else [song(SECOND), unsung]
    report = read(songs)
    assert isinstance(report, Partial)
    assert [source.url for source in report.finished.sources] == [SECOND]
    assert report.missing == (1,)
    assert report.state


@every_road
def test_songs_none_of_which_has_audio_are_no_result_at_all(read: Any) -> None:
    assert isinstance(read([song(""), song(None)]), NotUnderstood)


@every_road
@pytest.mark.parametrize(
    "unsung", [*NOT_THERE, {"imageUrl": f"{HOST}/a.jpeg"}], ids=[*"abcd", "picture"]
)
def test_a_picture_that_comes_before_its_track_is_no_result(
    read: Any, unsung: dict[str, Any]
) -> None:
    assert isinstance(read([unsung, unsung]), NotUnderstood)


@every_road
def test_the_first_picture_goes_with_the_tracks_and_is_none_of_them(read: Any) -> None:
    source = "https://cdn2.suno.ai/image_1.jpeg"
    report = read([song(image_url="", source_image_url=source), song(SECOND)])
    assert isinstance(report, Finished)
    assert report.beside == (Source(source, is_beside=True),)
    assert [one.url for one in report.sources] == [FIRST, SECOND]
    report = read([song(source_image_url=source), song(SECOND)])
    assert report.beside == (Source(f"{HOST}/a.jpeg", alternates=(source,), is_beside=True),)
    assert read([song(image_url=None)]).beside == ()


@every_road
def test_what_is_told_of_the_first_track_is_kept_within_bounds(read: Any) -> None:
    report = read([song(title="Kite", tags="t" * 300, prompt="p" * 5000), song(SECOND, title="B")])
    assert report.facts["title"] == "Kite"
    assert [len(report.facts[name]) for name in ("tags", "prompt")] == [200, 800]
    assert "prompt" not in read([song(prompt="")]).facts


@every_road
def test_half_a_result_has_its_picture_too(read: Any) -> None:
    report = read([song(), song("")])
    assert isinstance(report, Partial)
    assert len(report.finished.beside) == 1


def test_a_failed_callback_does_not_make_half_a_result_whole() -> None:
    assert isinstance(old([song(), song("")], status="CALLBACK_EXCEPTION"), Partial)
    assert isinstance(old([song(), song(SECOND)], status="CALLBACK_EXCEPTION"), Finished)


def test_a_first_song_on_the_way_is_progress() -> None:
    assert isinstance(old([song(), song("")], status="FIRST_SUCCESS"), Running)
    assert isinstance(webhook([song()], step="first"), Running)


WORDS = [{"text": "[Verse] up", "title": "Kite"}, {"text": "[Verse] down", "title": "Kite"}]


@pytest.mark.parametrize(
    ("result", "links", "documents"),
    [
        ({"resultUrls": [f"{HOST}/1.wav"]}, [f"{HOST}/1.wav"], []),
        ({"code": 200, "data": {"audio_wav_url": f"{HOST}/1.wav"}}, [f"{HOST}/1.wav"], []),
        ({"code": 200, "data": {"video_url": f"{HOST}/1.mp4"}}, [f"{HOST}/1.mp4"], []),
        ({"code": 200, "data": {"images": [f"{HOST}/1.png"]}}, [f"{HOST}/1.png"], []),
        (
            {"data": {"vocal_url": FIRST, "instrumental_url": SECOND, "origin_url": STREAM}},
            [FIRST, SECOND],
            [],
        ),
        ({"resultObject": {"lyricsData": WORDS}}, [], ["text/plain", "text/plain"]),
        ({"code": 200, "data": WORDS}, [], ["text/plain", "text/plain"]),
        ({"code": 200, "data": {"instruments": [{"name": "Piano"}]}}, [], ["application/json"]),
        ({"code": 200, "data": {"alignedWords": [{"word": "up"}]}}, [], ["application/json"]),
        ({"code": 200, "data": {"aligned_words": [{"word": "up"}]}}, [], ["application/json"]),
        ({"code": 200, "data": {"result": "calm piano"}}, [], ["text/plain"]),
    ],
)
def test_whatever_else_suno_makes_is_found_on_the_new_road(
    result: Any, links: list[str], documents: list[str]
) -> None:
    report = market(result)
    assert isinstance(report, Finished)
    assert [source.url for source in report.sources if source.url] == links
    kinds = [source.content_type for source in report.sources if source.content is not None]
    assert [(kind or "").partition(";")[0] for kind in kinds] == documents


def test_lyrics_come_with_their_titles() -> None:
    report = market({"resultObject": {"lyricsData": WORDS}})
    assert isinstance(report, Finished)
    assert report.sources[0].content == "Kite\n\n[Verse] up\n"
