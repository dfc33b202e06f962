"""
The key of every kind of item in the table; nothing else writes one. `docs/table.md` draws them.

Only tasks carry `owner`, `task_id` and the other keys of the indexes, so nothing else is in those.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from kie_gateway.core.events.delivery import DeliveryPlace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Key = dict[str, "AttributeValueTypeDef"]

TASK = "TASK"
ENTRY = "ENTRY#"
EVENT = "EVENT#"
ACCOUNTS = "ACCOUNT#"
BATCHES = "BATCHES#"
ENDPOINTS = "ENDPOINTS#"
_DELIVERIES = "DELIVERIES#"
TIMES = "TIMES#"
_LEDGER_ENTRY = "LEDGER#"
_API_KEY = "KEY#"


def task_key(task_id: str) -> Key:
    """Return the key of a task's record."""
    return _key(task_partition(task_id), TASK)


def task_partition(task_id: str) -> str:
    """Return where a task lies with its timeline."""
    return f"TASK#{task_id}"


def entry_key(task_id: str, at: str, order: str) -> Key:
    """Return the key of an entry of a task's timeline; entries sort by time, then by `order`."""
    return _key(task_partition(task_id), f"{ENTRY}{at}#{order}")


def event_key(task_id: str, event_id: str) -> Key:
    """Return the key of the body of an event about a task, which lies with that."""
    return _key(task_partition(task_id), f"{EVENT}{event_id.removeprefix('evt_')}")


def result_key(upstream_id: str) -> Key:
    """Return the key of the item that tells which task a result of Kie's belongs to."""
    return _key(f"RESULT#{upstream_id}", "RESULT")


def batch_key(owner: str, batch_id: str) -> Key:
    """Return the key of a batch; an owner's batches sort by their ids."""
    return _key(batches_partition(owner), batch_id)


def batches_partition(owner: str) -> str:
    """Return where an owner's batches lie."""
    return f"{BATCHES}{owner}"


def batch_owner(item: Mapping[str, "AttributeValueTypeDef"]) -> str:
    """Return whose a batch is."""
    return item["pk"]["S"].removeprefix(BATCHES)


def endpoint_key(owner: str, endpoint_id: str) -> Key:
    """Return the key of a webhook endpoint; an owner's endpoints sort by their ids."""
    return _key(endpoints_partition(owner), endpoint_id)


def endpoints_partition(owner: str) -> str:
    """Return where an owner's webhook endpoints lie."""
    return f"{ENDPOINTS}{owner}"


def endpoint_owner(item: Mapping[str, "AttributeValueTypeDef"]) -> str:
    """Return whose a webhook endpoint is."""
    return item["pk"]["S"].removeprefix(ENDPOINTS)


def delivery_key(owner: str, place: DeliveryPlace) -> Key:
    """Return the key of a delivery; deliveries to an endpoint sort by the times of their events."""
    partition = deliveries_partition(owner, place.endpoint_id)
    return _key(partition, f"{delivery_moment(place.moment)}#{place.event}")


def deliveries_partition(owner: str, endpoint_id: str) -> str:
    """Return where the deliveries to an endpoint lie."""
    return f"{_DELIVERIES}{owner}#{endpoint_id}"


def delivery_moment(milliseconds: int) -> str:
    """Return what the sort keys of deliveries of a moment begin with."""
    return f"{milliseconds:015d}"


def delivery_owner(key: Mapping[str, "AttributeValueTypeDef"]) -> str:
    """Return whose a delivery is."""
    return _delivery_names(key)[0]


def place_of_delivery(key: Mapping[str, "AttributeValueTypeDef"]) -> DeliveryPlace:
    """Return where a delivery lies among its owner's."""
    moment, _, event = key["sk"]["S"].partition("#")
    return DeliveryPlace(_delivery_names(key)[1], int(moment), event)


def _delivery_names(key: Mapping[str, "AttributeValueTypeDef"]) -> tuple[str, str]:
    owner, _, endpoint_id = key["pk"]["S"].removeprefix(_DELIVERIES).rpartition("#")
    return owner, endpoint_id


def idempotency_key(owner: str, key_hash: str) -> Key:
    """Return the key of the item that an idempotency key is claimed with."""
    return _key(f"IDEMPOTENCY#{owner}#{key_hash}", "IDEMPOTENCY")


def account_key(owner: str) -> Key:
    """Return the key of an owner's account."""
    return _key(account_partition(owner), "ACCOUNT")


def account_partition(owner: str) -> str:
    """Return where an account lies with its ledger."""
    return f"{ACCOUNTS}{owner}"


def ledger_entry_key(owner: str, entry_id: str) -> Key:
    """Return the key of an entry of an owner's ledger; entries sort by their ids."""
    return _key(account_partition(owner), f"{_LEDGER_ENTRY}{entry_id}")


def ledger_entry_id(item: Mapping[str, "AttributeValueTypeDef"]) -> str | None:
    """Return the id of a ledger's entry; None for an item of another kind."""
    sort = item["sk"]["S"]
    return sort.removeprefix(_LEDGER_ENTRY) if sort.startswith(_LEDGER_ENTRY) else None


def submit_queue_key() -> Key:
    """Return the key of the submit queue's state."""
    return _key("SUBMIT_QUEUE", "STATE")


def submit_turns_key(owner: str) -> Key:
    """Return the key of the count of an owner's turns in the submit queue."""
    return _key("SUBMIT_QUEUE", f"TURNS#{owner}")


def api_key_key(key_hash: str) -> Key:
    """Return the key of a caller's key, which is found by its hash."""
    return _key(f"{_API_KEY}{key_hash}", "KEY")


def api_key_hash(item: Mapping[str, "AttributeValueTypeDef"]) -> str:
    """Return the hash that a caller's key is found by."""
    return item["pk"]["S"].removeprefix(_API_KEY)


def listed_api_key_key(key_id: str) -> Key:
    """Return the key of the item that lists a caller's key by its id."""
    return _key(api_keys_partition(), key_id)


def api_keys_partition() -> str:
    """Return where all callers' keys are listed."""
    return "KEYS"


def request_count_key(sender: str, window: int) -> Key:
    """Return the key of the count of a sender's requests in a minute."""
    return _key(f"REQUESTS#{sender}", f"MINUTE#{window}")


def model_times_key(model: str, month: datetime) -> Key:
    """Return the key of what is observed of a model's times in a month."""
    return _key(model_partition(model), f"{TIMES}{month:%Y-%m}")


def model_partition(model: str) -> str:
    """Return where a model's times lie."""
    return f"MODEL#{model}"


def creation_switch_key() -> Key:
    """Return the key of the item that is there while new tasks are stopped."""
    return _key("SWITCH", "CREATIONS")


def checkpoint_key() -> Key:
    """Return the key of what `make reconcile` found the last time."""
    return _key("RECONCILE", "LAST")


def _key(partition: str, sort: str) -> Key:
    return {"pk": {"S": partition}, "sk": {"S": sort}}
