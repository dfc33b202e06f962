"""
What Suno makes, as both of Kie's roads tell of it: tracks, words, files of its tools, and notes.

Sources: Kie's Suno pages (documented); keys in snake case (several clients); lists under
`lyricsData` and songs under `data` in the Market's `resultJson` (one client, real runs of October
2026).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.core.results import Source
from kie_gateway.kie import reading, wire
from kie_gateway.kie.gathering import without_echoes

_LIST_KEYS = ("sunoData", "suno_data", "data", "lyricsData", "lyrics_data")
_LINK_KEYS = ("audioWavUrl", "audio_wav_url", "videoUrl", "video_url", "images")
_WORD_KEYS = ("alignedWords", "aligned_words")
_NOT_STEMS = ("originUrl", "origin_url")


def lists_in(holders: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Find the lists that may hold tracks or words."""
    found = (wire.decoded(holder.get(key)) for holder in holders for key in _LIST_KEYS)
    return [one for one in found if isinstance(one, list)]


def words_in(lists: Sequence[list[Any]]) -> tuple[Source, ...]:
    """Make documents of the first list that holds lyrics."""
    return next((found for one in lists if (found := _lyrics(one))), ())


def others_in(
    holders: Sequence[Mapping[str, Any]], record: Mapping[str, Any]
) -> tuple[Source, ...]:
    """
    Find what Suno's tools make: files, or else results that are no files.

    Args:
        record: As a whole, with what the request named.
    """
    links = without_echoes(record, _tool_links(holders))
    return reading.sources_of(links) or _documents(holders)


def _lyrics(texts: list[Any]) -> tuple[Source, ...]:
    found = []
    for one in texts:
        text = wire.text(one.get("text")) if isinstance(one, dict) else None
        if text:
            title = wire.text(one.get("title"))
            found.append(
                reading.document(f"{title}\n\n{text}\n" if title else f"{text}\n", "text/plain")
            )
    return tuple(found)


def _tool_links(holders: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Find WAVs, music videos, stems and covers."""
    for holder in holders:
        for key in _LINK_KEYS:
            yield from wire.links(holder.get(key))
        separated = wire.decoded(holder.get("vocal_separation_info"))
        for stems in (separated, holder):
            if isinstance(stems, dict):
                for key, value in stems.items():
                    if _is_stem(key):
                        yield from wire.links(value)


def _is_stem(key: str) -> bool:
    is_link = key.endswith(("Url", "_url"))
    is_other = key.lower().startswith(("callback", "origin", "stream", "source", "image", "input"))
    return is_link and not is_other and key not in _NOT_STEMS


def _documents(holders: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Find results that are no files: notes, words with their times, a described style."""
    for holder in holders:
        notes = wire.decoded(holder.get("midiData")) or holder
        if isinstance(notes, dict) and notes.get("instruments"):
            return (reading.json_document({"instruments": notes["instruments"]}),)
        for key in _WORD_KEYS:
            if holder.get(key):
                return (reading.json_document({"alignedWords": holder[key]}),)
        text = wire.text(holder.get("result"))
        if text:
            return (reading.document(f"{text}\n", "text/plain"),)
    return ()
