"""What a record says of results on their way into the bucket: how long, how many, how large."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Task

# Kie's page on task details promises links for about a day.
LINKS_LIVE = timedelta(hours=24)
# Time for three attempts, however near the deadline.
SHORTEST = timedelta(seconds=30)
# Time for five attempts, for results that come after everybody has ceased to wait.
SHORTEST_ANEW = timedelta(minutes=10)

# An item of DynamoDB holds 400 KB, with the input, the metadata and every output's facts in it.
MOST_RESULTS = 300
MOST_ALTERNATES = 4
MOST_SOURCES_BYTES = 80 * 1024
MOST_PREVIEWS = 20
LONGEST_PLACE = 200
LONGEST_REASON = 200

_NEVER_CAME = "Kie.ai never delivered it."


def copy_until(task: Task, now: datetime, *, anew: bool = False) -> datetime:
    """
    Return until when copying a result that arrived now is attempted.

    Until the links end or the deadline comes, whichever is first; one that comes after the deadline
    is tried as long as its links live.

    Args:
        anew: Whether somebody has asked for it.
    """
    ends = min(task.upstream_completed_at or now, now) + LINKS_LIVE
    late = now >= task.deadline_at
    ends = ends if late else min(ends, task.deadline_at)
    return max(ends, now + (SHORTEST_ANEW if late or anew else SHORTEST))


@dataclass(frozen=True)
class Results:
    """
    What a verdict names, within bounds.

    Attributes:
        sources: Of every result that there is.
        missing: Results that Kie.ai promised and never gave, and what is too much.
    """

    sources: tuple[Source, ...]
    missing: tuple[Missing, ...] = ()


def results_of(finished: Finished, task: Task) -> Results:
    """
    Take a verdict's results, as many as a task keeps.

    What goes with them comes after them, where the task has a use for it.
    """
    never = sorted({index for index in finished.missing if 0 <= index < MOST_RESULTS})
    missing = [Missing(index, _NEVER_CAME, Cure.NOTHING) for index in never]
    taken, too_many = finished.sources[:MOST_RESULTS], len(finished.sources) - MOST_RESULTS
    if too_many > 0:
        words = f"Kie.ai named {too_many} results more than the {MOST_RESULTS} that a task keeps."
        missing.append(Missing(len(taken) + len(never), words, Cure.NOTHING))
    beside = finished.beside if task.least_picture is not None else ()
    return Results((*taken, *beside), tuple(missing))


def without_beside(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Leave out what only goes with the results."""
    return tuple(source for source in sources if not source.is_beside)


def fitting(sources: Sequence[Source]) -> tuple[Source, ...]:
    """
    Leave out what does not fit into the record: alternates first, then links from the end.

    A source that has lost its link keeps its place: Kie.ai is asked for it when it is copied.
    """
    kept = [replace(one, alternates=one.alternates[:MOST_ALTERNATES]) for one in sources]
    sizes = [_size(one) for one in kept]
    for shorten in (_without_alternates, _without_result):
        for position in reversed(range(len(kept))):
            if sum(sizes) <= MOST_SOURCES_BYTES:
                return tuple(kept)
            kept[position] = shorten(kept[position])
            sizes[position] = _size(kept[position])
    return tuple(kept)


def numbered(sources: Sequence[Source], missing: Sequence[Missing]) -> Iterator[tuple[int, Source]]:
    """Number results in Kie's order; those that never came keep their numbers."""
    never = {one.index for one in missing if one.cure is Cure.NOTHING}
    numbers = (number for number in count() if number not in never)
    return zip(numbers, sources, strict=False)


def with_results(task: Task, results: Results) -> Task:
    """
    Replace links by others; what is stored already stays if they are as many as before.

    What was missing may be found under the new ones.
    """
    as_many = len(without_beside(results.sources)) == len(without_beside(task.sources))
    same = as_many and results.missing == never_came(task)
    outputs = task.outputs if same else ()
    sources = fitting(results.sources)
    return replace(task, sources=sources, missing=results.missing, outputs=outputs)


def never_came(task: Task) -> tuple[Missing, ...]:
    """Return what is missing for good."""
    return tuple(one for one in task.missing if one.cure is Cure.NOTHING)


def still_missing(task: Task, lacking: Sequence[Missing]) -> tuple[Missing, ...]:
    """Return what is missing after an attempt that did not bring some; others were not tried."""
    stored = {output.index for output in task.outputs}
    known = {one.index: one for one in (*task.missing, *lacking) if one.index not in stored}
    return tuple(known[index] for index in sorted(known))


def merged(outputs: Sequence[Output], more: Sequence[Output]) -> tuple[Output, ...]:
    """Add outputs in Kie's order."""
    by_index = {output.index: output for output in (*outputs, *more)}
    return tuple(by_index[index] for index in sorted(by_index))


def place_of(url: str) -> str:
    """Return a short, unique name for a file: its link without the query and its signatures."""
    place = url.partition("?")[0].partition("#")[0]
    if len(place) <= LONGEST_PLACE:
        return place
    digest = hashlib.sha256(place.encode()).hexdigest()[:32]
    return f"{place[: LONGEST_PLACE - 33]}~{digest}"


def _size(source: Source) -> int:
    """Reckon bytes in the record, where long words are compressed."""
    content = source.content
    packed = len(zlib.compress(content.encode())) * 4 // 3 + 4 if content is not None else 0
    values = {name: one for name, one in asdict(source).items() if one and name != "content"}
    return packed + len(json.dumps(values, ensure_ascii=False).encode())


def _without_alternates(source: Source) -> Source:
    return replace(source, alternates=())


def _without_result(source: Source) -> Source:
    return Source("", duration_seconds=source.duration_seconds, is_beside=source.is_beside)
