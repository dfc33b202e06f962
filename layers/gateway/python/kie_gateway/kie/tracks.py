"""
Suno's tracks, which come in answers, in webhooks and inside the Market's `resultJson`.

A track names its audio up to four times. Links of Kie's own file host are kept longest; streams go
empty within hours (reported by one music shop), so they are never taken for the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kie_gateway.core.keepable import keepable
from kie_gateway.core.polling.report import Finished, Partial, Report
from kie_gateway.core.results import Source
from kie_gateway.kie import wire

_AUDIO_KEYS = ("audioUrl", "audio_url", "sourceAudioUrl", "source_audio_url")
_ID_KEYS = ("id", "audioId", "audio_id")
_PICTURE_KEYS = ("imageUrl", "image_url", "sourceImageUrl", "source_image_url")
_KEPT_LONGEST = "aiquickdraw.com/"
# Of what is told of a track, how much is kept; together below what a record has room for, in
# scripts with three bytes a character, too.
_LONGEST_FACTS = {"title": 100, "tags": 200, "prompt": 800}


@dataclass(frozen=True)
class Tracks:
    """
    The tracks of one answer.

    Attributes:
        sources: One for each track that has audio, with its other links as alternates.
        missing: How many have none yet, although they were paid for as well.
        picture: Of the first one that has any, None without.
        facts: What is told of the first one: its title, its words, its style.
    """

    sources: tuple[Source, ...] = ()
    missing: int = 0
    picture: Source | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def read_tracks(lists: Iterable[list[Any]]) -> Tracks:
    """Read the first list that holds a track with audio; none without."""
    for one in lists:
        tracks = [track for track in one if isinstance(track, dict)]
        found = [_source(track) for track in tracks]
        unique = {source.url: source for source in found if source is not None}
        if unique:
            pictures = (_picture(track) for track in tracks)
            return Tracks(
                tuple(unique.values()),
                found.count(None),
                next((one for one in pictures if one is not None), None),
                _facts(next(one for one in tracks if _source(one) is not None)),
            )
    return Tracks()


def are_silent(lists: Iterable[list[Any]]) -> bool:
    """Whether there are tracks of which nothing but the picture is there."""
    tracks = [track for one in lists for track in one if isinstance(track, dict)]
    return any(_picture(track) for track in tracks) and not any(_source(track) for track in tracks)


def with_tracks(report: Report, tracks: Tracks) -> Report:
    """Add what is known of tracks to a success, and take it for no more than it is."""
    if not isinstance(report, Finished) or not tracks.sources:
        return report
    beside = (tracks.picture,) if tracks.picture is not None else ()
    facts = {**report.facts, **tracks.facts}
    return _without_the_missing(replace(report, beside=beside, facts=facts), tracks)


def _without_the_missing(report: Finished, tracks: Tracks) -> Report:
    """Tell what is there, and how much is not."""
    if not tracks.missing:
        return report
    there = len(report.sources)
    return Partial(report.state, report, tuple(range(there, there + tracks.missing)))


def _source(track: Mapping[str, Any]) -> Source | None:
    urls = _urls(track, _AUDIO_KEYS)
    if not urls:
        return None
    return Source(
        urls[0],
        alternates=tuple(urls[1:]),
        duration_seconds=wire.number(track.get("duration")),
        upstream_id=next((id_ for key in _ID_KEYS if (id_ := wire.task_id(track.get(key)))), None),
    )


def _picture(track: Mapping[str, Any]) -> Source | None:
    urls = _urls(track, _PICTURE_KEYS)
    return Source(urls[0], alternates=tuple(urls[1:]), is_beside=True) if urls else None


def _urls(track: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Find a track's links under some keys, those that are kept longest first."""
    urls = list(dict.fromkeys(url for key in keys for url in wire.links(track.get(key))))
    return sorted(urls, key=lambda url: _KEPT_LONGEST not in url)


def _facts(track: Mapping[str, Any]) -> dict[str, str]:
    told = {name: wire.text(track.get(name)) for name in _LONGEST_FACTS}
    return {name: keepable(one, _LONGEST_FACTS[name]) for name, one in told.items() if one}
