"""Webhook endpoints in the table: one item each, moved under its version."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.account_table import MAX_TRIES, pause_seconds
from kie_gateway.aws.errors import translated
from kie_gateway.aws.event_attributes import write_event
from kie_gateway.aws.table_keys import endpoint_key, endpoint_owner, endpoints_partition
from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.endpoint import (
    PREFIX,
    DisabledReason,
    Endpoint,
    EndpointStatus,
)
from kie_gateway.core.events.event_type import EventType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_TIMES = ("disabled_at", "rotated_at", "failing_since", "paused_until")
_NUMBERS = ("secret_number", "pauses", "version")


class EndpointTable:
    """
    The endpoints, as flows need them (`core/ports/deliveries.py`, Endpoints).

    Raises:
        BackendUnavailableError: DynamoDB did not answer, or an endpoint moved faster than we could.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._pause = pause

    def create(self, endpoint: Endpoint) -> None:
        """Write a new endpoint; one that is there already stays as it is."""
        with translated():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=_write(endpoint),
                    ConditionExpression="attribute_not_exists(pk)",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return

    def get(self, owner: str, endpoint_id: str) -> Endpoint | None:
        """Read an endpoint as it stands."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=endpoint_key(owner, endpoint_id), ConsistentRead=True
            )
        return read_endpoint(answer["Item"]) if "Item" in answer else None

    def of_owner(self, owner: str) -> list[Endpoint]:
        """Read all endpoints of an owner as they stand, oldest first."""
        # What is kept of the secret of its tasks' webhooks has another name, and is none of them.
        with translated():
            found = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :ids)",
                ExpressionAttributeValues={
                    ":pk": {"S": endpoints_partition(owner)},
                    ":ids": {"S": PREFIX},
                },
                ConsistentRead=True,
            )["Items"]
        return [read_endpoint(item) for item in found]

    def move(
        self, endpoint: Endpoint, decide: Callable[[Endpoint], Endpoint | None], now: datetime
    ) -> Endpoint | None:
        """
        Change an endpoint, deciding again whenever it has changed; None leaves it as it is.

        Returns:
            The endpoint afterwards; None if it is deleted.
        """
        for attempt in range(MAX_TRIES):
            decided = decide(endpoint)
            if decided is None:
                return endpoint
            after = replace(decided, version=endpoint.version + 1)
            if self._try_move(endpoint, after, now):
                return after
            current = self.get(endpoint.owner, endpoint.endpoint_id)
            if current is None:
                return None
            endpoint = current
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError(f"{endpoint.endpoint_id} changes too quickly")

    def _try_move(self, before: Endpoint, after: Endpoint, now: datetime) -> bool:
        with translated():
            try:
                # As a whole, so that what the last move has told goes with it.
                self._client.put_item(
                    TableName=self._table,
                    Item={**_write(after), **write_event(_told(before, after), now)},
                    ConditionExpression="#version = :read",
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues={":read": {"N": str(before.version)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def delete(self, owner: str, endpoint_id: str) -> None:
        """Delete an endpoint."""
        with translated():
            self._client.delete_item(TableName=self._table, Key=endpoint_key(owner, endpoint_id))


def read_endpoint(item: Mapping[str, "AttributeValueTypeDef"]) -> Endpoint:
    """Read an endpoint; attributes that are no fields of it are left alone."""
    values: dict[str, Any] = {name: int(item[name]["N"]) for name in _NUMBERS}
    values |= {name: datetime.fromisoformat(item[name]["S"]) for name in _TIMES if name in item}
    reason = item.get("disabled_reason")
    return Endpoint(
        endpoint_id=item["sk"]["S"],
        owner=endpoint_owner(item),
        url=item["url"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        events=tuple(EventType(one["S"]) for one in item["events"]["L"]),
        description=item["description"]["S"],
        status=EndpointStatus(item["status"]["S"]),
        disabled_reason=DisabledReason(reason["S"]) if reason is not None else None,
        **values,
    )


def _write(endpoint: Endpoint) -> Item:
    item: Item = {
        **endpoint_key(endpoint.owner, endpoint.endpoint_id),
        "url": {"S": endpoint.url},
        "created_at": {"S": write_time(endpoint.created_at)},
        "events": {"L": [{"S": one.value} for one in endpoint.events]},
        "description": {"S": endpoint.description},
        "status": {"S": endpoint.status.value},
    }
    if endpoint.disabled_reason is not None:
        item["disabled_reason"] = {"S": endpoint.disabled_reason.value}
    for name in _TIMES:
        moment: datetime | None = getattr(endpoint, name)
        if moment is not None:
            item[name] = {"S": write_time(moment)}
    for name in _NUMBERS:
        item[name] = {"N": str(getattr(endpoint, name))}
    return item


def _told(before: Endpoint, after: Endpoint) -> EventType | None:
    """Return what a move tells: that nobody is delivered to any more, though its owner wants it."""
    is_news = before.is_enabled and not after.is_enabled
    by_owner = after.disabled_reason is DisabledReason.BY_OWNER
    return EventType.WEBHOOK_DISABLED if is_news and not by_owner else None
