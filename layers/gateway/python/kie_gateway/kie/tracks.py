"""
Suno's tracks, which come in answers, in webhooks and inside the Market's `resultJson`.

A track names its audio up to four times. Links of Kie's own file host are kept longest; streams go
empty within hours (reported by one music shop), so they are never taken for the result.
"""

from typing import Any

from kie_gateway.core.task import Source
from kie_gateway.kie import wire

_AUDIO_KEYS = ("audioUrl", "audio_url", "sourceAudioUrl", "source_audio_url")
_KEPT_LONGEST = "aiquickdraw.com/"


def track_sources(tracks: Any) -> tuple[Source, ...]:
    """Make a source of every track that has audio, with its other links as alternates."""
    found = (
        (_source(track) for track in tracks if isinstance(track, dict))
        if (isinstance(tracks, list))
        else ()
    )
    unique = {source.url: source for source in found if source is not None}
    return tuple(unique.values())


def _source(track: dict[str, Any]) -> Source | None:
    urls = list(dict.fromkeys(url for key in _AUDIO_KEYS for url in wire.links(track.get(key))))
    urls.sort(key=lambda url: _KEPT_LONGEST not in url)
    if not urls:
        return None
    return Source(
        urls[0], alternates=tuple(urls[1:]), duration_seconds=wire.number(track.get("duration"))
    )
