"""
Deliveries of events in the table, for 30 days: those to an endpoint in the order of events.

The body of an event about a task lies with the task, once for all endpoints, and goes with it when
it is deleted; other bodies lie in the deliveries.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.errors import translated
from kie_gateway.aws.packed_text import pack, unpack
from kie_gateway.aws.table_keys import (
    Key,
    deliveries_partition,
    delivery_key,
    delivery_moment,
    delivery_owner,
    event_key,
    place_of_delivery,
)
from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.delivery import (
    KEPT,
    Attempt,
    Delivery,
    DeliveryStatus,
    Trouble,
    delivery_place,
    unix_milliseconds,
)
from kie_gateway.core.events.event_type import EventType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef

_MOST_LIST_READS = 10
_LEAST_FILTERED = 50
# Sorts behind every moment.
_BEHIND_ALL = ":"


class DeliveryTable:
    """
    The deliveries, as flows need them (`core/ports/deliveries.py`, Deliveries).

    DynamoDB deletes "within a few days" of the time to live
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html), so what should be
    gone is left out of what is read.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._table = table_name
        self._now = now

    def create(self, delivery: Delivery) -> Delivery:
        """
        Write a new delivery, and its event if that is about a task.

        Returns:
            The delivery; if it is there already, as it stands, perhaps without its body.
        """
        with translated():
            if delivery.type.is_about_task and delivery.body is not None:
                # First: without it, the delivery would look like that of a deleted task.
                self._client.put_item(TableName=self._table, Item=_write_event(delivery))
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=_write(delivery),
                    ConditionExpression="attribute_not_exists(pk)",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return self._there(delivery)
        return delivery

    def _there(self, delivery: Delivery) -> Delivery:
        item = self._item(_key(delivery.owner, delivery.delivery_id))
        if item is None:
            raise BackendUnavailableError("the delivery has just been deleted")
        return _read(item)

    def get(self, owner: str, delivery_id: str) -> Delivery | None:
        """Read a delivery as it stands; without a body if its event is gone with its task."""
        place = delivery_place(delivery_id)
        if place is None or place.moment < unix_milliseconds(self._now() - KEPT):
            return None
        item = self._item(delivery_key(owner, place))
        if item is None:
            return None
        delivery = _read(item)
        if delivery.body is not None:
            return delivery
        event = self._item(event_key(delivery.about, delivery.event_id))
        return replace(delivery, body=unpack(event["body"]["S"])) if event is not None else delivery

    def put(self, delivery: Delivery) -> None:
        """Write what has become of a delivery, unless it was begun again meanwhile."""
        told = _standing(delivery)
        gone = [name for name in ("trouble", "next_at") if name not in told]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in told)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        with translated():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(delivery.owner, delivery.delivery_id),
                    UpdateExpression=expression,
                    # One that is not there any more has nothing to compare.
                    ConditionExpression="#beginnings <= :beginnings",
                    ExpressionAttributeNames={f"#{name}": name for name in (*told, *gone)},
                    ExpressionAttributeValues={f":{name}": told[name] for name in told},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return

    def list_deliveries(
        self,
        owner: str,
        endpoint_id: str,
        *,
        status: DeliveryStatus | None,
        since: datetime | None,
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[Delivery], str | None]:
        """
        List deliveries to an endpoint, newest first, without bodies that are about tasks.

        A page may be short, even empty, and still have an id to go on after: a rare status is
        looked for in a bounded stretch at a time.

        Args:
            after: Id of the last one that is known.

        Returns:
            The deliveries, and the id to go on after; None at the end.
        """
        kept_since = self._now() - KEPT
        first = unix_milliseconds(max(since or kept_since, kept_since))
        query = self._query(owner, endpoint_id, status, first)
        last_known = delivery_place(after) if after is not None else None
        if last_known is not None and last_known.moment < first:
            # DynamoDB takes no key to go on after that is none of those asked for.
            return [], None
        start: Mapping[str, AttributeValueTypeDef] | None = None
        if last_known is not None:
            start = delivery_key(owner, last_known._replace(endpoint_id=endpoint_id))
        found: list[Delivery] = []
        for _ in range(_MOST_LIST_READS):
            if start is not None:
                query["ExclusiveStartKey"] = dict(start)
            wanted = limit - len(found) + 1
            query["Limit"] = wanted if status is None else max(wanted, _LEAST_FILTERED)
            with translated():
                answer = self._client.query(**query)
            found += [_read(item) for item in answer["Items"]]
            if len(found) > limit:
                return found[:limit], found[limit - 1].delivery_id
            if "LastEvaluatedKey" not in answer:
                return found, None
            start = answer["LastEvaluatedKey"]
        return found, place_of_delivery(start).delivery_id if start is not None else None

    def _query(
        self,
        owner: str,
        endpoint_id: str,
        status: DeliveryStatus | None,
        first: int,
    ) -> "QueryInputTypeDef":
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": deliveries_partition(owner, endpoint_id)},
                ":first": {"S": delivery_moment(first)},
                ":last": {"S": _BEHIND_ALL},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if status is not None:
            query["FilterExpression"] = "#status = :status"
            query["ExpressionAttributeNames"] = {"#status": "status"}
            query["ExpressionAttributeValues"] = {
                **query["ExpressionAttributeValues"],
                ":status": {"S": status.value},
            }
        return query

    def _item(self, key: Key) -> "Mapping[str, AttributeValueTypeDef] | None":
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")


def _key(owner: str, delivery_id: str) -> Key:
    place = delivery_place(delivery_id)
    if place is None:
        raise ValueError(f"{delivery_id!r} is no id of a delivery")
    return delivery_key(owner, place)


def _write(delivery: Delivery) -> Item:
    item: Item = {
        **_key(delivery.owner, delivery.delivery_id),
        "event_id": {"S": delivery.event_id},
        "type": {"S": delivery.type.value},
        "about": {"S": delivery.about},
        "created_at": {"S": write_time(delivery.created_at)},
        "ttl": _ttl(delivery),
        **_standing(delivery),
    }
    if delivery.body is not None and not delivery.type.is_about_task:
        item["body"] = {"S": pack(delivery.body)}
    if delivery.url is not None:
        item["url"] = {"S": delivery.url}
    return item


def _write_event(delivery: Delivery) -> Item:
    return {
        **event_key(delivery.about, delivery.event_id),
        "body": {"S": pack(delivery.body or "")},
        "ttl": _ttl(delivery),
    }


def _ttl(delivery: Delivery) -> "AttributeValueTypeDef":
    return {"N": str(int((delivery.created_at + KEPT).timestamp()))}


def _standing(delivery: Delivery) -> Item:
    """Write what changes with each try."""
    item: Item = {
        "status": {"S": delivery.status.value},
        "beginnings": {"N": str(delivery.beginnings)},
        "tries": {"N": str(delivery.tries)},
        "attempts": {"S": json.dumps([_attempt_values(one) for one in delivery.attempts])},
    }
    if delivery.trouble is not None:
        item["trouble"] = {"S": delivery.trouble.value}
    if delivery.next_at is not None:
        item["next_at"] = {"S": write_time(delivery.next_at)}
    return item


def _read(item: Mapping[str, "AttributeValueTypeDef"]) -> Delivery:
    place = place_of_delivery(item)
    return Delivery(
        delivery_id=place.delivery_id,
        endpoint_id=place.endpoint_id,
        owner=delivery_owner(item),
        event_id=item["event_id"]["S"],
        type=EventType(item["type"]["S"]),
        about=item["about"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        body=unpack(item["body"]["S"]) if "body" in item else None,
        url=item["url"]["S"] if "url" in item else None,
        status=DeliveryStatus(item["status"]["S"]),
        trouble=Trouble(item["trouble"]["S"]) if "trouble" in item else None,
        beginnings=int(item["beginnings"]["N"]),
        tries=int(item["tries"]["N"]),
        attempts=tuple(_read_attempt(values) for values in json.loads(item["attempts"]["S"])),
        next_at=datetime.fromisoformat(item["next_at"]["S"]) if "next_at" in item else None,
    )


def _attempt_values(attempt: Attempt) -> dict[str, Any]:
    return {**vars(attempt), "at": write_time(attempt.at)}


def _read_attempt(values: Mapping[str, Any]) -> Attempt:
    trouble = values["trouble"]
    return Attempt(
        **{
            **values,
            "at": datetime.fromisoformat(values["at"]),
            "trouble": Trouble(trouble) if trouble is not None else None,
        }
    )
