"""The submit queue in the table: one item that is counted up, and an index of who waits."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.errors import translated
from kie_gateway.aws.submit_queue_item import (
    QueueItem,
    Values,
    millis,
    moment_of,
    read_queue_item,
    unless_moved,
)
from kie_gateway.aws.submit_turns import SubmitTurns
from kie_gateway.aws.table_keys import submit_queue_key
from kie_gateway.aws.task_item import SHORT_OF_CREDITS, SUBMIT_QUEUE
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.submit_queue import (
    CREDITS_PAUSE,
    NOTHING,
    REFUSING,
    WINDOW,
    Permit,
    QueuedTask,
    Rate,
    SubmitQueueState,
    Ticket,
    fair_order,
    pause_after,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_KEY = submit_queue_key()
_MAX_TRIES = 10
# Many may reserve at once, and one gets through each time.
_MAX_PERMIT_TRIES = 30
# Enough that an owner's oldest task is among them, few enough for one read.
_LOOKED_AT = 100


class SubmitQueueTable:
    """
    The submit queue, as flows need it (`core/ports/submit_queue.py`, SubmitQueue).

    Nothing is written while Kie.ai refuses nothing. Tickets are issued by one unconditional count,
    so any number of functions may ask for one at once.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        rate: Rate,
        now: Callable[[], datetime],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._rate = rate
        self._now = now
        self._pause = pause
        self._turns = SubmitTurns(client, table_name)

    def state(self) -> SubmitQueueState | None:
        """Read the queue; None while everything may be sent at once."""
        found = self._read()
        return found.state if found is not None and self._is_busy(found) else None

    def report_refusal(self, pause_seconds: float | None) -> None:
        """
        Begin to give tickets, or hold up the queue for a moment: Kie.ai has refused a creation.

        Args:
            pause_seconds: What Kie.ai asked for, if it did.
        """
        for _ in range(_MAX_TRIES):
            now, found = self._now(), self._read()
            asked_for = None if pause_seconds is None else timedelta(seconds=pause_seconds)
            refusals = 1 if found is None else found.state.refusals_with(now)
            if found is None or not self._is_busy(found):
                until = now + (WINDOW if asked_for is None else asked_for)
                if refusals >= REFUSING:
                    until = max(until, now + pause_after(refusals))
                if self._begin(found, until, refusals=refusals):
                    return
                continue
            if now < found.state.not_before:
                # Refused together with the one that began the pause, or it tried for all others.
                if asked_for is not None and found.state.is_refused:
                    self._raise("not_before", millis(now + asked_for))
                return
            pause = max(pause_after(refusals), asked_for or timedelta(0))
            if self._pause_queue(found, now + pause, refusals):
                return

    def report_acceptance(self) -> None:
        """Record that Kie.ai accepts creations again."""
        self._set({"refusals": {"N": "0"}}, "refusals > :none", {":none": {"N": "0"}})

    def pause_for_credits(self, funds: Decimal = NOTHING) -> None:
        """
        Send nothing for an hour but what the rest covers: Kie.ai's account has too few credits.

        Args:
            funds: The rest.
        """
        for _ in range(_MAX_TRIES):
            now, found = self._now(), self._read()
            until = now + CREDITS_PAUSE
            if found is None or not self._is_busy(found):
                if self._begin(found, until, funds=funds):
                    return
                continue
            if found.state.for_credits and now < found.state.not_before:
                # Refused together with the one that began the pause.
                tickets = {}
            else:
                tickets = self._reschedule(found, until)
            if self._change(found, tickets, for_credits=True, funds=funds):
                return

    def resume(self) -> None:
        """Go on: Kie.ai's account has credits again."""
        for _ in range(_MAX_TRIES):
            now, found = self._now(), self._read()
            if found is None or not found.state.for_credits:
                return
            # At the end of the pause the tickets go on as they are.
            is_early = now < found.state.not_before
            tickets = self._reschedule(found, now) if is_early else {}
            if self._change(found, tickets, for_credits=False):
                return

    def last_ticket_at(self) -> datetime:
        """Return when the last ticket that was issued is due; now if that has passed."""
        now, found = self._now(), self._read()
        if found is None:
            return now
        return max(found.state.ticket_at(found.state.tickets, self._rate), now)

    def enqueue(self, owner: str) -> Ticket:
        """Take the next ticket, and a turn for an owner."""
        for _ in range(_MAX_TRIES):
            with translated():
                item = self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression="ADD tickets :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                    ReturnValues="ALL_NEW",
                )["Attributes"]
            if "begun" not in item:
                self.report_refusal(0)
                continue
            found = read_queue_item(item)
            state, now = found.state, self._now()
            at = state.ticket_at(state.tickets, self._rate)
            if at < now:
                # Tickets that nobody took are gone.
                since = now - (state.tickets - 1) * self._rate.interval
                self._change(found, {"since": since})
            turn = self._turns.take(owner, begun=found.begun, passed=state.turn, now=now)
            return Ticket(max(at, now), turn, state.for_credits)
        raise BackendUnavailableError("no ticket in the submit queue could be issued")

    def acquire_permit(self, patience: timedelta) -> Permit:
        """
        Reserve the next moment at which Kie.ai takes a creation.

        Args:
            patience: A moment that is farther away is not reserved, but only told.
        """
        for attempt in range(_MAX_PERMIT_TRIES):
            # As exactly as it is written, so that it is found again.
            found, now = self._read(), moment_of(millis(self._now()))
            if found is None:
                return Permit(now, is_granted=True)
            if found.state.is_refused:
                return self._reserve_try(found, now)
            at = self._rate.next_permit_at(found.permits, now)
            if at > now + patience:
                return Permit(at, is_granted=False)
            permits = sorted((*found.permits, at))[-self._rate.creations :]
            if self._save_permits(found, permits):
                return Permit(at, is_granted=True)
            self._pause(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret
        raise BackendUnavailableError("no permit of the submit queue could be acquired")

    def _reserve_try(self, found: QueueItem, now: datetime) -> Permit:
        """Let one creation find out whether Kie.ai still refuses, and nobody else meanwhile."""
        if now < found.state.not_before:
            return Permit(found.state.not_before, is_granted=False)
        # Counted as refused; if it is not, the count begins anew.
        refusals = found.state.refusals_with(now)
        until = now + pause_after(refusals)
        if self._pause_queue(found, until, refusals):
            return Permit(now, is_granted=True)
        return Permit(until, is_granted=False)

    def correct_permit(self, reserved: datetime, sent: datetime) -> None:
        """Write down that a creation was sent later than at the moment reserved for it."""
        for attempt in range(_MAX_PERMIT_TRIES):
            found = self._read()
            if found is None or reserved not in found.permits:
                return
            permits = list(found.permits)
            permits[permits.index(reserved)] = sent
            if self._save_permits(found, permits):
                return
            self._pause(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret

    def advance_to(self, turn: int) -> None:
        """Record whose turn it was, so that newcomers do not come before those who wait."""
        self._raise("turn", str(turn))

    def front(self) -> list[str]:
        """Return the ids of the first tasks, in order."""
        with translated():
            found = self._client.query(**self._who_waits(), Limit=_LOOKED_AT)["Items"]
        return fair_order(
            [
                QueuedTask(item["task_id"]["S"], item["owner"]["S"], int(item["submit_turn"]["N"]))
                for item in found
            ]
        )

    def waiting(self) -> Iterator[str]:
        """Return the id of every task in the queue, roughly in order."""
        yield from self._all(SUBMIT_QUEUE)

    def short_of_credits(self) -> Iterator[str]:
        """Return the id of every task that waits for credits outside the queue."""
        yield from self._all(SHORT_OF_CREDITS)

    def _all(self, submit_queue: str) -> Iterator[str]:
        pages = self._client.get_paginator("query").paginate(**self._who_waits(submit_queue))
        with translated():
            for page in pages:
                for item in page["Items"]:
                    yield item["task_id"]["S"]

    def _who_waits(self, submit_queue: str = SUBMIT_QUEUE) -> Any:
        return {
            "TableName": self._table,
            "IndexName": "by_submit_turn",
            "KeyConditionExpression": "submit_queue = :submit_queue",
            "ExpressionAttributeValues": {":submit_queue": {"S": submit_queue}},
        }

    def _is_busy(self, found: QueueItem) -> bool:
        return found.state.is_busy(self._now(), self._rate)

    def _begin(
        self,
        found: QueueItem | None,
        first_at: datetime,
        *,
        funds: Decimal | None = None,
        refusals: int = 0,
    ) -> bool:
        """Begin a queue, unless somebody else has meanwhile."""
        moment: AttributeValueTypeDef = {"N": millis(first_at)}
        item: Values = {
            **_KEY,
            "begun": {"N": millis(self._now())},
            "since": moment,
            "not_before": moment,
            "tickets": {"N": "0"},
            "turn": {"N": "0"},
            "for_credits": {"BOOL": funds is not None},
            **({"funds": {"N": f"{funds:f}"}} if funds is not None else {}),
            "refusals": {"N": str(refusals)},
            "permits": {"L": []},
            "permits_version": {"N": "0"},
        }
        premise: Any = {"ConditionExpression": "attribute_not_exists(begun)"}
        if found is not None:
            condition, values = unless_moved(found)
            premise = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
        with translated():
            try:
                self._client.put_item(TableName=self._table, Item=item, **premise)
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _pause_queue(self, found: QueueItem, until: datetime, refusals: int) -> bool:
        """Send nothing for a while, unless somebody else has said so meanwhile."""
        new: Values = {"not_before": {"N": millis(until)}, "refusals": {"N": str(refusals)}}
        known: Values = {":read": {"N": millis(found.state.not_before)}}
        return self._set(new, "not_before = :read", known)

    def _reschedule(self, found: QueueItem, at: datetime) -> dict[str, datetime]:
        """Let the next ticket be at a moment, and nothing be sent before."""
        return {"since": at - found.state.tickets * self._rate.interval, "not_before": at}

    def _save_permits(self, found: QueueItem, permits: Sequence[datetime]) -> bool:
        """Write down when creations are sent, unless somebody else has meanwhile."""
        return self._set(
            {
                "permits": {"L": [{"N": millis(moment)} for moment in permits]},
                "permits_version": {"N": str(found.permits_version + 1)},
            },
            "begun = :begun AND permits_version = :version",
            {":begun": {"N": found.begun}, ":version": {"N": str(found.permits_version)}},
        )

    def _change(
        self,
        found: QueueItem,
        moments: dict[str, datetime],
        *,
        for_credits: bool | None = None,
        funds: Decimal | None = None,
    ) -> bool:
        """Change the queue, unless somebody else has meanwhile."""
        condition, values = unless_moved(found)
        new: Values = {name: {"N": millis(moment)} for name, moment in moments.items()}
        if for_credits is not None:
            new["for_credits"] = {"BOOL": for_credits}
        if funds is not None:
            new["funds"] = {"N": f"{funds:f}"}
        return self._set(new, condition, values)

    def _raise(self, name: str, number: str) -> bool:
        """Set a number if it is smaller."""
        return self._set({name: {"N": number}}, f"{name} < :new_{name}", {})

    def _set(self, new: Values, condition: str, values: Values) -> bool:
        sets = ", ".join(f"{name} = :new_{name}" for name in new)
        with translated():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression=f"SET {sets}",
                    ConditionExpression=condition,
                    ExpressionAttributeValues={
                        **values,
                        **{f":new_{name}": value for name, value in new.items()},
                    },
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _read(self) -> QueueItem | None:
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        item = answer.get("Item", {})
        return read_queue_item(item) if "begun" in item else None
