"""
EventBridge's PutEvents, with its limits, and what rules do with events.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html: ten entries, 1 MB in
all since 2026 (256 KB before), and an answer for each entry. What counts for the size:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html. A rule hands events
on to functions and queues; archives keep them; other targets are passed over.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from moto.core.exceptions import JsonRESTError
from moto.events.models import Archive, EventBus, EventsBackend

from dev.dials import Dials
from dev.event_patterns import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from moto.events.models import Rule

MAX_ENTRIES = 10
MAX_REQUEST_BYTES = 1024 * 1024
MAX_DETAIL_TYPE = 128
_ARCHIVE_NAME = 48
_KEPT = 1000
_REQUIRED = ("Source", "DetailType", "Detail")

type Entry = dict[str, Any]

# As moto has it; kept here so that installing twice does not wrap what is wrapped.
_moto_create_archive = Archive.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]  # a class method's function


class Targets(Protocol):
    """Who takes what rules hand on."""

    def __call__(self, target: Mapping[str, Any], event: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Received:
    """An event as a bus got it; `number` counts from 1."""

    number: int
    bus: str
    event: Entry


class Events:
    """
    What the buses of one cloud have got, the last thousand.

    Args:
        dials: `events_fail_share`.
        clock: When events happen that do not say so, in unix seconds.

    """

    def __init__(self, dials: Dials, clock: Callable[[], float]) -> None:
        self.dials = dials
        self.clock = clock
        # cloud.py sets it once there are functions and queues.
        self.targets: Targets = _nobody
        self._received: deque[Received] = deque(maxlen=_KEPT)
        self._number = 0
        self._lock = threading.Lock()

    def keep(self, bus: str, event: Entry) -> None:
        with self._lock:
            self._number += 1
            self._received.append(Received(self._number, bus, event))

    def since(self, number: int = 0) -> list[Received]:
        """List what came after an event, the oldest first; 0 for everything that is kept."""
        with self._lock:
            return [one for one in self._received if one.number > number]


def _nobody(target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    del target, event


_current = Events(Dials(), time.time)


def govern(dials: Dials, clock: Callable[[], float] = time.time) -> Events:
    """Begin anew; there is one at a time, as moto has one state."""
    global _current  # noqa: PLW0603 - moto's handlers are made by moto
    _current = Events(dials, clock)
    return _current


def install() -> None:
    """Put ourselves in moto's place; doing so twice changes nothing."""
    setattr(EventsBackend, "put_events", _put_events)  # noqa: B010
    # In moto, references to these lead to objects.
    for kind in (EventBus, Archive):
        setattr(kind, "physical_resource_id", property(lambda thing: thing.name))  # noqa: B010
    setattr(Archive, "create_from_cloudformation_json", classmethod(_create_archive))  # noqa: B010


def _put_events(backend: EventsBackend, events: list[Entry]) -> list[Entry]:
    _check_request(events)
    return [_put(backend, entry, _current) for entry in events]


def _check_request(entries: list[Entry]) -> None:
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise JsonRESTError(
            "ValidationException",
            "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to "
            f"satisfy constraint: Member must have length between 1 and {MAX_ENTRIES}",
        )
    if not any(all(entry.get(name) for name in _REQUIRED) for entry in entries):
        raise JsonRESTError(
            "ValidationException", "Source, DetailType and Detail are required in every entry."
        )
    if sum(map(entry_bytes, entries)) > MAX_REQUEST_BYTES:
        raise JsonRESTError(
            "ValidationException", "Total size of the entries in the request is over the limit."
        )


def entry_bytes(entry: Entry) -> int:
    """Count an entry's bytes as EventBridge does, eb-putevent-size.html."""
    texts = [entry.get(name) or "" for name in _REQUIRED] + list(entry.get("Resources") or [])
    return sum(len(text.encode()) for text in texts) + (14 if entry.get("Time") else 0)


def _put(backend: EventsBackend, entry: Entry, events: Events) -> Entry:
    refused = _refused(entry)
    if refused is not None:
        return refused
    if events.dials.takes_share("events_fail"):
        return _failure("InternalFailure", "Unexpected failure; try this entry again.")
    bus = backend.describe_event_bus(
        (entry.get("EventBusName") or "default").rpartition("event-bus/")[2]
    )
    event = _event(backend, entry, events.clock())
    events.keep(bus.name, event)
    _hand_on(backend, bus, event, events.targets)
    return {"EventId": event["id"]}


def _refused(entry: Entry) -> Entry | None:
    """Return what EventBridge says of an entry that it does not take."""
    for name in _REQUIRED:
        if not entry.get(name):
            words = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return _failure("InvalidArgument", words)
    if len(entry["DetailType"]) > MAX_DETAIL_TYPE:
        words = (
            f"Parameter DetailType is not valid. Reason: more than {MAX_DETAIL_TYPE} characters."
        )
        return _failure("InvalidArgument", words)
    if entry["Source"].startswith("aws."):
        return _failure("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        is_object = False
    return None if is_object else _failure("MalformedDetail", "Detail is malformed.")


def _failure(code: str, words: str) -> Entry:
    return {"ErrorCode": code, "ErrorMessage": words}


def _event(backend: EventsBackend, entry: Entry, now: float) -> Entry:
    happened = datetime.fromtimestamp(float(entry.get("Time") or now), UTC)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": backend.account_id,
        "time": happened.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": backend.region_name,
        "resources": list(entry.get("Resources") or []),
        "detail": json.loads(entry["Detail"]),
    }


def _hand_on(backend: EventsBackend, bus: EventBus, event: Entry, targets: Targets) -> None:
    for rule in _matching(bus, event):
        archive = next((one for one in backend.archives.values() if one.rule is rule), None)
        if archive is not None:
            archive.events.append(event)  # type: ignore[arg-type]  # moto's type lacks nothing of it
            continue
        for target in rule.targets:
            targets(target, event)


def _matching(bus: EventBus, event: Entry) -> Iterator[Rule]:
    for rule in list(bus.rules.values()):
        pattern = rule.event_pattern.get_pattern()
        # Schedules have none.
        if rule.state == "ENABLED" and pattern and matches(pattern, event):
            yield rule


def _create_archive(
    cls: type[Archive], resource_name: str, cloudformation_json: Any, *rest: Any, **more: Any
) -> Any:
    """Take the pattern as templates write it, and keep generated names as short as AWS does."""
    properties = cloudformation_json["Properties"]
    if "EventPattern" in properties:
        properties["EventPattern"] = json.dumps(properties["EventPattern"])
    if "ArchiveName" not in properties:
        resource_name = resource_name[-_ARCHIVE_NAME:].lstrip("-")
    return _moto_create_archive(cls, resource_name, cloudformation_json, *rest, **more)
