"""What Suno makes: tracks, words, notes and stems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from simulator.render.sound import music_seconds
from simulator.shapes import shaped, snake

if TYPE_CHECKING:
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Record = dict[str, Any]

# A finished song that is always there, with any track: tools can be tried without a song first.
SAMPLE = "7f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5"
PAIR = ("vocal", "instrumental")
STEMS = (
    *("backing_vocals", "bass", "brass", "drums", "fx", "guitar", "keyboard"),
    *("percussion", "strings", "synth", "vocal", "woodwinds"),
)
_LINES = ("It rises over the lake", "It leaves the ground behind")
_PER_TRACK = 2
_CHIRPS = {"V4": "chirp-v4", "V4_5": "chirp-auk", "V5": "chirp-crow"}


def track_ids(task: Task) -> list[str]:
    """Return a task's tracks; the same each time."""
    count = len(task.endings) // _PER_TRACK
    return [str(uuid5(NAMESPACE_OID, f"{task.task_id}/{n}")) for n in range(count)]


def stem_id(task: Task, name: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{task.task_id}/{name}"))


def tracks(
    snapshot: Snapshot, *, in_snake_case: bool = False, most: int | None = None
) -> list[Record]:
    """Describe a task's tracks, or the first of them."""
    numbers = range(len(track_ids(snapshot.task)))[:most]
    found = [_track(snapshot, n, in_snake_case=in_snake_case) for n in numbers]
    return [shaped(snapshot, track) for track in found]


def lyrics(snapshot: Snapshot, *, in_snake_case: bool = False) -> list[Record]:
    """Write a song's words."""
    words = snapshot.task.words
    found = [
        {
            "text": f"[Verse]\n{words}\n\n[Chorus]\n{line}\n{words}",
            "title": _title(words),
            "status": "complete",
            "errorMessage": "",
        }
        for line in _LINES
    ]
    if not in_snake_case:
        return found
    return [{snake(key): value for key, value in song.items()} for song in found]


def aligned_words(words: str) -> Record:
    """Return when each word is sung."""
    timed = [
        {
            "word": word,
            "success": True,
            "startS": round(0.5 * n, 2),
            "endS": round(0.5 * n + 0.4, 2),
            "palign": 0,
        }
        for n, word in enumerate(words.split()[:200] or ["la"])
    ]
    return {
        "alignedWords": timed,
        "waveformData": [0, 1, 0.5, 0.75],
        "hootCer": 0.38,
        "isStreamed": False,
    }


def instruments(*, mixed: bool = False) -> list[Record]:
    """Write notes; their numbers are sometimes strings, as in webhooks."""
    notes: list[Record] = [
        {
            "pitch": 60 + 2 * n,
            "start": f"{0.25 * n:.4f}" if mixed and n % 2 else 0.25 * n,
            "end": f"{0.25 * n + 0.2:.4f}" if mixed else round(0.25 * n + 0.2, 4),
            "velocity": 1,
        }
        for n in range(4)
    ]
    return [{"name": "Piano", "notes": notes}, {"name": "Drums", "notes": notes[:2]}]


def stem_names(count: int) -> tuple[str, ...]:
    return PAIR[:count] if count <= len(PAIR) else STEMS[:count]


def style_of(words: str) -> str:
    """Describe a style in more words."""
    return f"{words}, with sparse piano, wide synths and a slow rise."


def _track(snapshot: Snapshot, number: int, *, in_snake_case: bool) -> Record:
    task = snapshot.task
    given, sound, picture = task.input, _PER_TRACK * number, _PER_TRACK * number + 1
    version = str(given.get("model") or "V5")
    track = {
        "id": track_ids(task)[number],
        "audioUrl": snapshot.link(sound),
        "sourceAudioUrl": snapshot.link(sound, ".source"),
        "streamAudioUrl": snapshot.link(sound, ".stream"),
        "sourceStreamAudioUrl": snapshot.link(sound, ".source-stream"),
        "imageUrl": snapshot.link(picture),
        "sourceImageUrl": snapshot.link(picture, ".source"),
        "prompt": task.words,
        "modelName": _CHIRPS.get(version, f"chirp-{version.lower().replace('_', '-')}"),
        "title": str(given.get("title") or _title(task.words)),
        "tags": str(given.get("style") or given.get("tags") or "calm, piano"),
    }
    if number == len(track_ids(task)) - 1 and snapshot.is_silent:
        track |= {"audioUrl": "", "sourceAudioUrl": ""}
    if task.dials.word("picture") == "none":
        track |= {"imageUrl": "", "sourceImageUrl": ""}
    if in_snake_case:
        track = {snake(key): value for key, value in track.items()}
    return {
        **track,
        "createTime": snapshot.created("string" if in_snake_case else "ms"),
        "duration": music_seconds(given, number),
    }


def _title(words: str) -> str:
    return " ".join(words.split()[:3]).strip(".,;:").title() or "Untitled"
