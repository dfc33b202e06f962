"""
Where results stand: in the usual places, and in shapes that no page of Kie.ai shows.

The latter are found by the names of fields and the look of values. Models come every week, and each
maker names results in its own way: `{"url"}`, `{"images": [{"url"}]}`, `{"video": {"url"}}`,
`{"output": [...]}`. What is never taken: anything of the request that Kie echoes, whatever field it
turns up in, and pictures that only stand for a film.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from kie_gateway.core.results import Source
from kie_gateway.kie import wire
from kie_gateway.kie.tracks import read_tracks

# Where results stand, from the documented places to the odd ones.
_USUAL_HOLDERS = (
    *("resultJson", "response", "info", "resultInfoJson", "videoInfo", "result", "output"),
    *("resultObject", "data"),
)
_USUAL_DEPTH = 4
# Among the echoed request only names that no request has are looked for.
_SEARCHED_ECHOES = ("paramJson", "param", "promptJson")
_ECHO_KEYS = ("resultUrls", "result_urls")
RESULT_KEYS = (
    *("resultUrls", "result_urls", "resultUrl", "result_url"),
    *("resultImageUrl", "result_image_url", "resultVideoUrl", "result_video_url"),
    *("videoUrl", "video_url", "audioUrl", "audio_url"),
)
# All files of a record together: it is one item of a table and must have room for more than this.
LONGEST_INLINE = 64 * 1024
MOST_LINKS = 50
_DEEPEST = 5
# Where results stand in a record; at any other place only a name that says so counts.
_HOLDERS = (
    *("resultJson", "response", "result", "results", "resultObject", "resultInfoJson"),
    *("output", "outputs", "data", "info", "generated"),
)
_ECHOES = ("param", "params", "paramJson", "promptJson", "generateParam", "input", "request")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MEDIA = frozenset(
    (
        *("url", "urls", "uri", "uris", "link", "links", "href", "src", "file", "files"),
        *("image", "images", "picture", "pictures", "video", "videos", "audio", "audios"),
        *("output", "outputs", "result", "results", "media", "artifact", "artifacts", "assets"),
        *("data", "download", "content", "generated", "sample", "samples", "mp", "wav", "png"),
    )
)
_RESULTS = frozenset(("result", "results", "output", "outputs", "generated", "download"))
# Inputs, addresses of ours, and what only stands beside a result.
_OTHERS = frozenset(
    (
        *("param", "params", "input", "inputs", "request", "prompt", "source", "origin"),
        *("original", "reference", "ref", "callback", "call", "webhook", "hook", "doc", "docs"),
        *("thumbnail", "thumb", "poster", "cover", "preview", "avatar", "icon", "logo"),
        *("stream", "watermark", "status", "help", "page", "profile", "user", "negative"),
    )
)
_FILMS = frozenset(("video", "videos", "audio", "audios"))
_PICTURES = frozenset(("image", "images", "picture", "pictures"))


def links(data: Mapping[str, Any], keys: tuple[str, ...] = RESULT_KEYS) -> Iterator[str]:
    """
    Find result links where results stand, and never among the echoed request.

    A family that takes all the usual names is open to unusual ones, too: where none of the usual
    places holds a link, the record is searched for what looks like one.
    """
    found = list(_usual(data, keys, 0))
    for echo in _SEARCHED_ECHOES:
        holder = wire.decoded(data.get(echo))
        if isinstance(holder, dict):
            for key in _ECHO_KEYS:
                found.extend(wire.links(holder.get(key), inline=True))
    if not found and set(keys) >= set(RESULT_KEYS):
        found.extend(_gathered(data))
    yield from found


def is_list_of_links(values: list[Any]) -> bool:
    """Whether the whole of a list is links, or objects with a `url`; an empty one is not."""
    return bool(values) and all(
        wire.is_link(one)
        if isinstance(one, str)
        else isinstance(one, dict) and isinstance(one.get("url"), str) and wire.is_link(one["url"])
        for one in values
    )


def sources_of(urls: Iterator[str]) -> tuple[Source, ...]:
    """
    Make sources of links, each once; files in `data:` URLs are taken out of them.

    Files that are larger than `LONGEST_INLINE` together cannot be kept in a record, and half of the
    results are none: Kie.ai is asked again, and the answer itself lies in the archive.
    """
    found, room = [], LONGEST_INLINE
    for url in dict.fromkeys(urls):
        if url[:5].lower() != "data:":
            found.append(Source(url))
            continue
        content_type, raw = _taken_out(url)
        room -= len(raw)
        if raw:
            found.append(Source.of_bytes(raw, content_type))
    return tuple(found) if room >= 0 else ()


def _taken_out(url: str) -> tuple[str, bytes]:
    """Take a file out of a `data:` URL; no bytes if it holds none."""
    head, _, body = url.partition(",")
    content_type, *marks = head[5:].split(";")
    raw = unquote_to_bytes(body)
    if "base64" in (mark.strip().lower() for mark in marks):
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error:
            raw = b""
    return content_type or "text/plain", raw


def _usual(holder: Any, keys: tuple[str, ...], depth: int) -> Iterator[str]:
    if isinstance(holder, list):
        for one in holder:
            yield from _usual(one, keys, depth + 1)
    if not isinstance(holder, dict) or depth > _USUAL_DEPTH:
        return
    for key in keys:
        yield from wire.links(holder.get(key), inline=True)
    for name in _USUAL_HOLDERS:
        inner = wire.decoded(holder.get(name))
        if isinstance(inner, dict):
            yield from _usual(inner, keys, depth + 1)
        elif name in ("resultJson", "response"):
            # A bare link, or a list of them.
            yield from wire.links(inner, inline=True)


def _gathered(record: Mapping[str, Any]) -> Iterator[str]:
    """Find what looks like results in a record, in order, each once, at most `MOST_LINKS`."""
    yield from list(dict.fromkeys(without_echoes(record, _in_record(record))))[:MOST_LINKS]


def without_echoes(record: Mapping[str, Any], found: Iterable[str]) -> Iterator[str]:
    """Leave out links that the request named: Kie.ai may quote an input anywhere."""
    asked = {_place(link) for name in _ECHOES for link in _all_links(record.get(name), 0)}
    return (link for link in found if _place(link) not in asked)


def _in_record(record: Mapping[str, Any]) -> Iterator[str]:
    for name, value in record.items():
        if name in _HOLDERS:
            yield from _in_holder(wire.decoded(value), frozenset(("result",)), 0)
        elif _words(name) & _RESULTS and not _words(name) & _OTHERS:
            yield from _in_holder(wire.decoded(value), _words(name), 0)


def _in_holder(value: Any, named: frozenset[str], depth: int) -> Iterator[str]:
    match value:
        case str() if named & _MEDIA and wire.is_link(value, inline=True):
            yield from wire.links(value, inline=True)
        case list() if tracks := read_tracks([value]).sources:
            # In Suno's own envelope they are found by their reader.
            yield from (track.url for track in tracks if "data" not in named)
        case list() if depth < _DEEPEST:
            for one in value:
                yield from _in_holder(one, named, depth + 1)
        case dict() if depth < _DEEPEST:
            words = {key: _words(key) for key in value if isinstance(key, str)}
            # A picture beside a film or a song is its poster.
            has_film = any(said & _FILMS for said in words.values())
            for key, said in words.items():
                if said & _OTHERS or key in _ECHOES or (has_film and said & _PICTURES):
                    continue
                yield from _in_holder(value[key], said, depth + 1)
        case _:
            return


def _all_links(value: Any, depth: int) -> Iterator[str]:
    """Find every link in an echo, which is JSON within JSON."""
    value = wire.decoded(value)
    match value:
        case str() if wire.is_link(value, inline=True):
            yield from wire.links(value, inline=True)
        case list() if depth < 2 * _DEEPEST:
            for one in value:
                yield from _all_links(one, depth + 1)
        case dict() if depth < 2 * _DEEPEST:
            for one in value.values():
                yield from _all_links(one, depth + 1)
        case _:
            return


def _words(name: str) -> frozenset[str]:
    """Split a name such as `resultImageUrl` or `image_url` into its words."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def _place(link: str) -> str:
    """Cut a link to what tells files apart: queries are signatures, and differ in an echo."""
    return link if link[:5].lower() == "data:" else link.partition("?")[0]
