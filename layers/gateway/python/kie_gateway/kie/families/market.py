"""
The Market API ("jobs"): most models of Kie.ai.

Sources: Kie's pages "Market quickstart" and "Get task detail" (documented); field sets of April and
September 2026 (recorded live traffic); Suno's envelope inside `resultJson` (one client, a real
run); objects, strings and double encoding in `resultUrls` (several public clients).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.core.report import Report
from kie_gateway.core.task import Source
from kie_gateway.kie import reading, wire
from kie_gateway.kie.families.family import Call, Family
from kie_gateway.kie.tracks import track_sources

_FRAME_KEYS = ("firstFrameUrl", "lastFrameUrl")


class _Market(Family):
    def speaks(self, model: str) -> bool:
        """Speak for every model that no other family claims: new ones come every week."""
        del model
        return True

    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a task; `callBackUrl` inside `input` would silently never be called."""
        body = {"model": model, "callBackUrl": callback_url, "input": dict(task_input)}
        return Call("POST", "/api/v1/jobs/createTask", body=body)

    def interpret(self, body: Any) -> Report:
        """Read an answer of `recordInfo`, or a webhook: both carry the same `data`."""
        _, _, data = reading.envelope(body)
        holders = [wire.decoded(data.get(name)) for name in ("resultJson", "response")]
        results = [holder for holder in holders if isinstance(holder, dict)]
        sources = (
            reading.sources_of(_links(data, results)) or _tracks(results) or _documents(results)
        )
        return reading.conclude(reading.look(body, sources))


def _links(data: dict[str, Any], results: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from reading.links(data, (*reading.RESULT_KEYS, *_FRAME_KEYS))
    for result in results:
        # Detection models: masks and the like, under names of their own.
        yield from wire.links(result.get("resultObject"))


def _tracks(results: Sequence[dict[str, Any]]) -> tuple[Source, ...]:
    """Find the audio in Suno's own envelope, which music models put into `resultJson`."""
    found = (track_sources(wire.decoded(result.get("data"))) for result in results)
    return next((tracks for tracks in found if tracks), ())


def _documents(results: Sequence[dict[str, Any]]) -> tuple[Source, ...]:
    """Keep what a detection or text model found, where it made no file."""
    found = (wire.decoded(result.get("resultObject")) for result in results)
    return tuple(reading.json_document(one) for one in found if one)


FAMILY = _Market(
    name="market",
    typical_seconds=60.0,
    creations={},
    asking_path="/api/v1/jobs/recordInfo",
    history_path="/api/v1/playground/pageRecordListByDoris",
)
