"""New ids, which sort by time."""

from ulid import ULID

from kie_gateway.core.events.endpoint import PREFIX as ENDPOINT_PREFIX


def new_task_id() -> str:
    """Make a task id; ids sort by time of creation."""
    return f"task_{str(ULID()).lower()}"


def new_batch_id() -> str:
    """Make a batch id; ids sort by time of creation."""
    return f"batch_{str(ULID()).lower()}"


def new_upload_id() -> str:
    """Make the id of an upload, which nobody can guess."""
    return f"upload_{str(ULID()).lower()}"


def new_endpoint_id() -> str:
    """Make the id of a webhook endpoint; ids sort by time of creation."""
    return f"{ENDPOINT_PREFIX}{str(ULID()).lower()}"


def new_event_id() -> str:
    """Make the id of an event that is made of no change of the record."""
    return f"evt_{str(ULID()).lower()}"


def new_key_id() -> str:
    """Make the id that a key is called by."""
    return f"key_{str(ULID()).lower()}"
