"""
The key of every kind of object in the bucket; nothing else writes one. `docs/table.md` lists them.

Keys are derived from the task, so a copy that was cut off is written over by the next.
"""

from datetime import datetime

from kie_gateway.core.task import Task

OUTPUTS = "outputs"
PREVIEWS = "previews"
THUMBNAILS = "thumbnails"
INPUTS = "inputs"
UPLOADS = "uploads"
WEBHOOKS = "webhooks"
ANSWERS = "answers"

# Whatever signs links to these signs access to an owner's file.
OF_OWNERS = (UPLOADS, INPUTS, OUTPUTS, PREVIEWS, THUMBNAILS)
RAW = (WEBHOOKS, ANSWERS)
_OF_TASKS = (OUTPUTS, PREVIEWS, THUMBNAILS, INPUTS)


def output_key(task: Task, index: int, extension: str) -> str:
    """Return the key of a result."""
    return f"{OUTPUTS}/{task.owner}/{task.task_id}/{index}.{extension}"


def preview_key(task: Task, index: int, extension: str) -> str:
    """Return the key of a preview; there may be several of each result."""
    number = f"{index}-{len(task.previews)}"
    return f"{PREVIEWS}/{task.owner}/{task.task_id}/{number}.{extension}"


def number_in(key: str) -> str:
    """Return the number of a result or a preview in its task: `0`, or `0-1` for a preview of it."""
    return key.rpartition("/")[2].partition(".")[0]


def is_preview(key: str) -> bool:
    """Whether the key is that of a preview."""
    return key.startswith(f"{PREVIEWS}/")


def thumbnail_key(output_key: str, width: int) -> str:
    """Return the key of a thumbnail of a result."""
    folder = output_key.replace(f"{OUTPUTS}/", f"{THUMBNAILS}/", 1).rpartition(".")[0]
    return f"{folder}-w{width}.webp"


def input_key(task: Task) -> str:
    """Return the key of an input that is too large for the record."""
    number = f"-{task.input_file}" if task.input_file else ""
    return f"{INPUTS}/{task.paying_owner}/{task.task_id}/input{number}.json"


def children_key(task: Task) -> str:
    """Return the key of what is to follow a task."""
    return f"{INPUTS}/{task.paying_owner}/{task.task_id}/children.json"


def batch_plan_key(owner: str, batch_id: str) -> str:
    """Return the key of what the tasks of a batch are to be made of."""
    return f"{INPUTS}/{owner}/{batch_id}/tasks.json"


def upload_key(owner: str, name: str) -> str:
    """Return the key of an uploaded file."""
    return f"{UPLOADS}/{owner}/{name}"


def webhook_key(task: Task, at: datetime, delivery_id: str) -> str:
    """Return the key of a webhook's body."""
    return f"{WEBHOOKS}/{task.task_id}/{_moment(at)}-{delivery_id}.json"


def answer_key(task: Task, at: datetime) -> str:
    """Return the key of an answer of Kie.ai's."""
    return f"{ANSWERS}/{task.task_id}/{_moment(at)}.json"


def raw_prefix(folder: str, task_id: str | None) -> str:
    """Return what the keys of raw bodies start with: of one task, or of all."""
    return f"{folder}/{task_id}/" if task_id else f"{folder}/"


def task_of_raw(key: str) -> str:
    """Return the id of the task that a raw body is about."""
    return key.split("/")[1]


def folders_of(task: Task) -> tuple[str, ...]:
    """
    Return the folders of a task, deleted or not, each with a slash at its end.

    What was uploaded is the owner's, and may be the input of other tasks.
    """
    return (
        *(f"{folder}/{task.paying_owner}/{task.task_id}/" for folder in _OF_TASKS),
        *(raw_prefix(folder, task.task_id) for folder in RAW),
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S%fZ}"
