"""The pace of creations in the table: one item that is counted up, and an index of who waits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.task_item import LINE
from kie_gateway.core.errors import RecordUnavailableError
from kie_gateway.core.pace import SHORT_PAUSE, WINDOW, InLine, Pace, Place, Rate, in_order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_KEY: "dict[str, AttributeValueTypeDef]" = {"pk": {"S": "PACE"}, "sk": {"S": "PACE"}}
_MAX_TRIES = 10
# Enough that an owner's oldest task is among them, few enough for one read.
_LOOKED_AT = 100


class PaceTable:
    """
    The line before Kie.ai, as flows need it (`core/ports.py`, Line).

    Nothing is written while Kie.ai refuses nothing. Places are given by one unconditional count, so
    any number of functions may ask for one at once.

    Raises:
        RecordUnavailableError: DynamoDB did not answer.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, rate: Rate, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._table = table_name
        self._rate = rate
        self._now = now

    def look(self) -> Pace | None:
        """Read the line; None while everything may be sent at once."""
        pace = self._read()
        return pace if pace is not None and pace.is_busy(self._now(), self._rate) else None

    def refuse(self, pause_seconds: float | None) -> None:
        """
        Begin to give places, or hold up the line for a moment: Kie.ai has refused a creation.

        Args:
            pause_seconds: What Kie.ai asked for, if it did.
        """
        for _ in range(_MAX_TRIES):
            now, found = self._now(), self._read()
            is_busy = found is not None and found.is_busy(now, self._rate)
            if is_busy and found is not None and now < found.not_before:
                # Refused together with the one that began the pause.
                return
            pause = SHORT_PAUSE if is_busy else WINDOW
            if pause_seconds is not None:
                pause = timedelta(seconds=pause_seconds)
            until = now + pause
            if self._raise("not_before", _millis(until)) if is_busy else self._begin(found, until):
                return

    def join(self, owner: str) -> Place:
        """Take the next slot, and a turn for an owner."""
        for _ in range(_MAX_TRIES):
            with translated():
                item = self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression="ADD slots :one, #owner :one",
                    ExpressionAttributeNames={"#owner": _turns_of(owner)},
                    ExpressionAttributeValues={":one": {"N": "1"}},
                    ReturnValues="ALL_NEW",
                )["Attributes"]
            if "since" not in item:
                self.refuse(0)
                continue
            pace = _read_pace(item)
            at = pace.slot_at(pace.slots, self._rate)
            turn = self._fair_turn(owner, int(item[_turns_of(owner)]["N"]), pace.turn)
            if at < self._now():
                # Slots that nobody took are gone.
                self._catch_up(pace)
            return Place(max(at, self._now()), turn)
        raise RecordUnavailableError("no place in the line was to be had")

    def let_through(self, turn: int) -> None:
        """Record whose turn it was, so that newcomers do not come before those who wait."""
        self._raise("turn", str(turn))

    def first(self) -> list[str]:
        """Name the tasks that come first, in order."""
        with translated():
            found = self._client.query(
                TableName=self._table,
                IndexName="by_turn",
                KeyConditionExpression="line = :line",
                ExpressionAttributeValues={":line": {"S": LINE}},
                Limit=_LOOKED_AT,
            )["Items"]
        return in_order(
            [
                InLine(item["task_id"]["S"], item["owner"]["S"], int(item["turn"]["N"]))
                for item in found
            ]
        )

    def _fair_turn(self, owner: str, turn: int, passed: int) -> int:
        """Move an owner's turn up to the round that is on, if it has been away."""
        name = _turns_of(owner)
        for _ in range(_MAX_TRIES):
            if turn > passed:
                break
            if self._replace(name, str(turn), str(passed + 1)):
                return passed + 1
            with translated():
                item = self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression="ADD #owner :one",
                    ExpressionAttributeNames={"#owner": name},
                    ExpressionAttributeValues={":one": {"N": "1"}},
                    ReturnValues="UPDATED_NEW",
                )["Attributes"]
            turn = int(item[name]["N"])
        return turn

    def _catch_up(self, pace: Pace) -> None:
        since = self._now() - (pace.slots - 1) * self._rate.interval
        self._replace("since", _millis(pace.since), _millis(since))

    def _begin(self, found: Pace | None, first_at: datetime) -> bool:
        moment: AttributeValueTypeDef = {"N": _millis(first_at)}
        item: dict[str, AttributeValueTypeDef] = {
            **_KEY,
            "since": moment,
            "not_before": moment,
            "slots": {"N": "0"},
            "turn": {"N": "0"},
        }
        with translated():
            try:
                if found is None:
                    self._client.put_item(
                        TableName=self._table,
                        Item=item,
                        ConditionExpression="attribute_not_exists(since)",
                    )
                else:
                    self._client.put_item(
                        TableName=self._table,
                        Item=item,
                        ConditionExpression="since = :since AND slots = :slots",
                        ExpressionAttributeValues={
                            ":since": {"N": _millis(found.since)},
                            ":slots": {"N": str(found.slots)},
                        },
                    )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _raise(self, name: str, number: str) -> bool:
        """Set a number if it is smaller."""
        return self._set(name, "#name < :new", {":new": {"N": number}})

    def _replace(self, name: str, old: str, new: str) -> bool:
        """Set a number if nobody else has."""
        return self._set(name, "#name = :old", {":old": {"N": old}, ":new": {"N": new}})

    def _set(self, name: str, condition: str, values: "dict[str, AttributeValueTypeDef]") -> bool:
        with translated():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression="SET #name = :new",
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#name": name},
                    ExpressionAttributeValues=values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _read(self) -> Pace | None:
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        item = answer.get("Item", {})
        return _read_pace(item) if "since" in item else None


def _read_pace(item: "dict[str, AttributeValueTypeDef]") -> Pace:
    return Pace(
        since=_moment(item["since"]["N"]),
        slots=int(item["slots"]["N"]),
        not_before=_moment(item["not_before"]["N"]),
        turn=int(item["turn"]["N"]),
    )


def _turns_of(owner: str) -> str:
    return f"turns of {owner}"


def _millis(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def _moment(millis: str) -> datetime:
    return datetime.fromtimestamp(int(millis) / 1000, UTC)
