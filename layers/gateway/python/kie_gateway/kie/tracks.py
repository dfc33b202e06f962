"""
Suno's tracks, which come in answers, in webhooks and inside the Market's `resultJson`.

A track names its audio up to four times. Links of Kie's own file host are kept longest; streams go
empty within hours (reported by one music shop), so they are never taken for the result.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.polling.report import Finished, Partial, Report
from kie_gateway.core.results import Source
from kie_gateway.kie import wire

_AUDIO_KEYS = ("audioUrl", "audio_url", "sourceAudioUrl", "source_audio_url")
_ID_KEYS = ("id", "audioId", "audio_id")
_KEPT_LONGEST = "aiquickdraw.com/"


@dataclass(frozen=True)
class Tracks:
    """
    The tracks of one answer.

    Attributes:
        sources: One for each track that has audio, with its other links as alternates.
        missing: How many have none yet, although they were paid for as well.
    """

    sources: tuple[Source, ...] = ()
    missing: int = 0


def read_tracks(lists: Iterable[list[Any]]) -> Tracks:
    """Read the first list that holds a track with audio; none without."""
    for one in lists:
        tracks = [track for track in one if isinstance(track, dict)]
        found = [_source(track) for track in tracks]
        unique = {source.url: source for source in found if source is not None}
        if unique:
            return Tracks(tuple(unique.values()), found.count(None))
    return Tracks()


def without_the_missing(report: Report, tracks: Tracks) -> Report:
    """Take a success for no more than it is: what is there, and how much is not."""
    if not isinstance(report, Finished) or not tracks.missing:
        return report
    there = len(report.sources)
    return Partial(report.state, report, tuple(range(there, there + tracks.missing)))


def _source(track: dict[str, Any]) -> Source | None:
    urls = list(dict.fromkeys(url for key in _AUDIO_KEYS for url in wire.links(track.get(key))))
    urls.sort(key=lambda url: _KEPT_LONGEST not in url)
    if not urls:
        return None
    return Source(
        urls[0],
        alternates=tuple(urls[1:]),
        duration_seconds=wire.number(track.get("duration")),
        upstream_id=next((id_ for key in _ID_KEYS if (id_ := wire.task_id(track.get(key)))), None),
    )
