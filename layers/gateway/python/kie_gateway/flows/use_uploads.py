"""References to uploaded files in a task's input: checked when it is created, linked when sent."""

from collections.abc import Callable, Mapping
from typing import Any

from kie_gateway.core import upload
from kie_gateway.core.errors import FieldFault, InvalidRequestError


def check_uploads(
    task_input: Mapping[str, Any], owner: str, size_of: Callable[[str], int | None]
) -> None:
    """
    Make sure that every reference leads to a file that has arrived.

    Args:
        size_of: Tells the size of an object, None if there is none.

    Raises:
        InvalidRequestError: Naming each reference that leads nowhere.
    """
    faults = []
    for pointer, reference in upload.references(task_input, "/input"):
        name = upload.name_in(reference)
        if name is None or size_of(upload.key_of(owner, name)) is None:
            detail = "no such upload; send the file to the form that POST /v1/uploads gave first"
            faults.append(FieldFault(pointer, detail))
    if faults:
        raise InvalidRequestError("the input names files that were not uploaded", faults)


def link_uploads(value: Any, owner: str, link: Callable[[str], str]) -> Any:
    """
    Replace references by links that Kie.ai can fetch.

    Args:
        link: Makes a link to an object.
    """
    match value:
        case str() if name := upload.name_in(value):
            return link(upload.key_of(owner, name))
        case Mapping():
            return {name: link_uploads(inner, owner, link) for name, inner in value.items()}
        case list():
            return [link_uploads(inner, owner, link) for inner in value]
        case _:
            return value
