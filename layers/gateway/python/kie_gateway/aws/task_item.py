"""How a task and its timeline are written as items of the table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.alternative_values import (
    alternative_values,
    attempt_values,
    read_alternative,
    read_attempt,
)
from kie_gateway.aws.packed_text import pack, unpack
from kie_gateway.aws.table_keys import entry_key, task_key
from kie_gateway.core.credits.reservation import Fate, Funds, Reservation
from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.keepable import excerpt, keepable
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.core.results import Cure, Missing, Output, Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# All tasks in the submit queue share this key of an index.
SUBMIT_QUEUE = "kie.ai"
# And those outside of it that wait for credits at Kie.ai this one.
SHORT_OF_CREDITS = "kie.ai credits"
# And all whose credits are released at a known moment share this one.
RELEASES = "credits"
# And all that nobody may care for at a known moment.
SWEEPS = "tasks"
# What is longer than some twenty outputs is compressed.
_LONGEST_PLAIN = 8 * 1024

type Item = dict[str, "AttributeValueTypeDef"]


@dataclass(frozen=True)
class _Codec:
    """How one kind of value is written (`tag` is DynamoDB's type) and read."""

    tag: str
    write: Callable[[Any], str | bool]
    read: Callable[[Any], Any]


# Codes, states and names of Kie's.
_LONGEST_NAME = 200
# What Kie.ai tells of a result besides its links, and facts of an entry.
_MOST_FACTS_BYTES = 4096
# Of a song's words.
_LONGEST_FACT = 800


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return keepable(text, len(text))


def _write_failure(failure: Failure) -> str:
    values = asdict(failure)
    return _json(values | {"code": _name(failure.code), "message": keepable(failure.message)})


def _name(text: str) -> str:
    return keepable(text, _LONGEST_NAME)


def _facts(values: Mapping[str, Any]) -> str:
    return _json(excerpt(values, _MOST_FACTS_BYTES))


def _write_source(source: Source) -> dict[str, Any]:
    values = asdict(source)
    if source.content is not None:
        # Notes and words repeat a lot, and an item must stay below 400 KB.
        values["content"] = pack(source.content)
    return {name: value for name, value in values.items() if value not in (None, ())}


def _read_source(values: dict[str, Any]) -> Source:
    content = values.get("content")
    return Source(
        **{
            **values,
            "alternates": tuple(values.get("alternates", ())),
            "content": unpack(content) if content else None,
        }
    )


def _packed(text: str) -> str:
    """Compress a long list of JSON, which repeats the same names and beginnings."""
    if len(text) <= _LONGEST_PLAIN:
        return text
    return pack(text)


def _unpacked(text: str) -> str:
    """Undo `_packed`; a list of JSON begins with what Base64 never has."""
    return text if text.startswith("[") else unpack(text)


def _read_failure(text: str) -> Failure:
    values = json.loads(text)
    return Failure(**{**values, "category": Category(values["category"])})


def _write_reservation(reservation: Reservation) -> str:
    amounts = {"credits": f"{reservation.credits:f}", "charged": f"{reservation.charged:f}"}
    if reservation.expected is not None:
        amounts["expected"] = f"{reservation.expected:f}"
    return _json({**asdict(reservation), **amounts})


def _read_reservation(text: str) -> Reservation:
    values = json.loads(text)
    expected = values.get("expected")
    return Reservation(
        credits=Decimal(values["credits"]),
        release_after_seconds=values["release_after_seconds"],
        funds=Funds(values["funds"]),
        fate=Fate(values["fate"]),
        charged=Decimal(values["charged"]),
        expected=Decimal(expected) if expected is not None else None,
    )


def write_time(value: datetime) -> str:
    """Write a moment so that texts compare as the moments do, whatever zone it came in."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value.astimezone(UTC).isoformat(timespec="milliseconds")


_TEXT = _Codec("S", str, str)
_WORDS = _Codec("S", keepable, str)
_NAME = _Codec("S", _name, str)
_INT = _Codec("N", str, int)
_FLAG = _Codec("BOOL", bool, bool)
_AMOUNT = _Codec("N", lambda amount: f"{amount:f}", Decimal)
_TIME = _Codec("S", write_time, datetime.fromisoformat)
_JSON = _Codec("S", _json, json.loads)
_OUTPUTS = _Codec(
    "S",
    lambda outputs: _packed(_json([asdict(output) for output in outputs])),
    lambda text: tuple(Output(**values) for values in json.loads(_unpacked(text))),
)
_MISSING = _Codec(
    "S",
    lambda missing: _packed(_json([asdict(one) for one in missing])),
    lambda text: tuple(
        Missing(**{**values, "cure": Cure(values["cure"])})
        for values in json.loads(_unpacked(text))
    ),
)


def _write_child(child: Child) -> dict[str, Any]:
    values = {**asdict(child), "credits": f"{child.credits:f}"}
    if not child.credits:
        del values["credits"]
    if child.children:
        values["children"] = [_write_child(one) for one in child.children]
    else:
        del values["children"]
    return values


def _read_child(values: dict[str, Any]) -> Child:
    return Child(
        **{
            # Earlier versions left the name "0" out, as if it were no credits.
            "name": "0",
            **values,
            "starts": Start(values["starts"]),
            "state": ChildState(values["state"]),
            "credits": Decimal(values.get("credits", 0)),
            "children": tuple(_read_child(one) for one in values.get("children", ())),
        }
    )


_CODECS: dict[str, _Codec] = {
    "children": _Codec(
        "S",
        lambda children: _packed(_json([_write_child(child) for child in children])),
        lambda text: tuple(_read_child(values) for values in json.loads(_unpacked(text))),
    ),
    "status": _Codec("S", str, Status),
    "attention": _Codec("S", str, Attention),
    "submission": _Codec("S", str, Submission),
    "completed_by": _Codec("S", str, CompletedBy),
    "input": _JSON,
    "metadata": _JSON,
    "upstream_facts": _Codec(
        "S",
        lambda facts: _json(excerpt(facts, _MOST_FACTS_BYTES, _LONGEST_FACT)),
        json.loads,
    ),
    "upstream_message": _WORDS,
    "upstream_state": _NAME,
    "upstream_code": _NAME,
    "sources": _Codec(
        "S",
        lambda sources: _json([_write_source(source) for source in sources]),
        lambda text: tuple(_read_source(values) for values in json.loads(text)),
    ),
    "outputs": _OUTPUTS,
    "missing": _MISSING,
    "previews": _OUTPUTS,
    "error": _Codec("S", _write_failure, _read_failure),
    "recipe": _Codec(
        "S",
        lambda recipe: _json(asdict(recipe)),
        lambda text: RecipeVersion(**json.loads(text)),
    ),
    "least_picture": _Codec("S", _json, lambda text: tuple(json.loads(text))),
    "reservation": _Codec("S", _write_reservation, _read_reservation),
    "credits_estimated": _AMOUNT,
    "credits_charged": _AMOUNT,
    "expected_seconds": _INT,
    "input_bytes": _INT,
    "input_file": _INT,
    "alternatives": _Codec(
        "S",
        lambda alternatives: _packed(_json([alternative_values(one) for one in alternatives])),
        lambda text: tuple(read_alternative(values) for values in json.loads(_unpacked(text))),
    ),
    "attempts": _Codec(
        "S",
        lambda attempts: _packed(_json([attempt_values(one) for one in attempts])),
        lambda text: tuple(read_attempt(values) for values in json.loads(_unpacked(text))),
    ),
    "max_credits": _AMOUNT,
    "submission_attempts": _INT,
    "polls": _INT,
    "retention_days": _INT,
    "store_attempts": _INT,
    "watches": _INT,
    "submit_turn": _INT,
    "webhook": _Codec(
        "S",
        lambda webhook: _json(asdict(webhook)),
        lambda text: TaskWebhook.read(json.loads(text)),
    ),
    "has_expired": _FLAG,
    "short_of_credits": _FLAG,
    "version": _INT,
    **dict.fromkeys(
        (
            "sending_at",
            "submitted_at",
            "upstream_completed_at",
            "completed_at",
            "deadline_at",
            "delete_at",
            "deleted_at",
            "release_at",
            "sweep_at",
            "created_at",
            "next_at",
            "storing_until",
            "copy_until",
        ),
        _TIME,
    ),
}


def write_task(task: Task) -> Item:
    """
    Write a task as an item.

    `next_step` is derived, and written because the state machine reads it without a function;
    `submit_queue`, `releases` and `sweeps` put the task into an index for as long as it waits.
    """
    item: Item = {**task_key(task.task_id), "next_step": {"S": task.next_step.value}}
    if task.is_in_submit_queue:
        item["submit_queue"] = {"S": SUBMIT_QUEUE}
    elif task.is_short_of_credits:
        item["submit_queue"] = {"S": SHORT_OF_CREDITS}
    if task.release_at is not None:
        item["releases"] = {"S": RELEASES}
    if task.is_swept:
        item["sweeps"] = {"S": SWEEPS}
    for spec in fields(Task):
        value = getattr(task, spec.name)
        # A flag that is not set is left out like whatever else says nothing.
        if value is not None and value is not False and value not in ((), {}):
            codec = _CODECS.get(spec.name, _TEXT)
            item[spec.name] = {codec.tag: codec.write(value)}  # type: ignore[misc]
    return item


def read_task(item: Mapping[str, "AttributeValueTypeDef"]) -> Task:
    """Read a task from an item; attributes that are no fields of it are left alone."""
    values: dict[str, Any] = {"input": {}}
    for spec in fields(Task):
        if spec.name in item:
            codec = _CODECS.get(spec.name, _TEXT)
            values[spec.name] = codec.read(item[spec.name][codec.tag])  # type: ignore[literal-required]
    return Task(**values)


def write_entry(task_id: str, entry: Entry, order: str) -> Item:
    """
    Write an entry of the timeline.

    Args:
        order: Tells entries of the same millisecond apart, in order.
    """
    return {
        **entry_key(task_id, write_time(entry.at), order),
        "happened": {"S": entry.happened.value},
        "at": {"S": write_time(entry.at)},
        "message": {"S": keepable(entry.message)},
        "facts": {"S": _facts(entry.facts)},
    }


def read_entry(item: Mapping[str, "AttributeValueTypeDef"]) -> Entry:
    """Read an entry of the timeline."""
    return Entry(
        happened=Happened(item["happened"]["S"]),
        at=datetime.fromisoformat(item["at"]["S"]),
        message=item["message"]["S"],
        facts=json.loads(item["facts"]["S"]),
    )
