"""
Results in shapes that no page of Kie.ai shows, found by the names of fields and the look of values.

Models come every week, and each maker names results in its own way: `{"url"}`, `{"images":
[{"url"}]}`, `{"video": {"url"}}`, `{"output": [...]}`. What is never taken: anything of the
request that Kie echoes, whatever field it turns up in, and pictures that only stand for a film.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from kie_gateway.core.task import Source
from kie_gateway.kie import wire
from kie_gateway.kie.tracks import read_tracks

# A record is one item of a table and must have room for more than this.
LONGEST_INLINE = 128 * 1024
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


def gathered(record: Mapping[str, Any]) -> Iterator[str]:
    """Find what looks like results in a record, in order, each once, at most `MOST_LINKS`."""
    asked = {_place(link) for name in _ECHOES for link in _all_links(record.get(name), 0)}
    found = dict.fromkeys(link for link in _in_record(record) if _place(link) not in asked)
    yield from list(found)[:MOST_LINKS]


def is_list_of_links(values: list[Any]) -> bool:
    """Whether the whole of a list is links, or objects with a `url`; an empty one is not."""
    return bool(values) and all(
        wire.is_link(one)
        if isinstance(one, str)
        else isinstance(one, dict) and isinstance(one.get("url"), str) and wire.is_link(one["url"])
        for one in values
    )


def inline_source(url: str) -> Source | None:
    """
    Take a file out of a `data:` URL; None if it holds none, or one beyond `LONGEST_INLINE`.

    A larger one is no result that could be kept in a record: Kie.ai is asked again, and the answer
    itself lies in the archive.
    """
    head, comma, body = url.partition(",")
    if not comma or head[:5].lower() != "data:" or len(body) > 2 * LONGEST_INLINE:
        return None
    content_type, *marks = head[5:].split(";")
    raw = unquote_to_bytes(body)
    if "base64" in (mark.strip().lower() for mark in marks):
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error:
            return None
    if not 0 < len(raw) <= LONGEST_INLINE:
        return None
    return Source.of_bytes(raw, content_type or "text/plain")


def _in_record(record: Mapping[str, Any]) -> Iterator[str]:
    for name, value in record.items():
        if name in _HOLDERS:
            yield from _in_holder(wire.decoded(value), frozenset(("result",)), 0)
        elif _words(name) & _RESULTS and not _words(name) & _OTHERS:
            yield from _in_holder(wire.decoded(value), _words(name), 0)


def _in_holder(value: Any, named: frozenset[str], depth: int) -> Iterator[str]:
    match value:
        case str() if named & _MEDIA and wire.is_link(value):
            yield from wire.links(value)
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
        case str() if wire.is_link(value):
            yield from wire.links(value)
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
