"""References to uploaded files in a task's input: checked when it is created, linked when sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.files.bucket_keys import upload_key
from kie_gateway.core.inputs import upload
from kie_gateway.core.inputs.json_pointer import replace_texts


@dataclass(frozen=True)
class CheckUploads:
    """
    Makes sure that every reference leads to a file that has arrived.

    Attributes:
        size_of: Tells the size of an object, None if there is none.
    """

    size_of: Callable[[str], int | None]

    def __call__(self, task_input: Mapping[str, Any], owner: str) -> None:
        """
        Check the references of one input.

        Raises:
            InvalidRequestError: Naming each reference that leads nowhere.
        """
        faults = []
        for pointer, reference in upload.references(task_input, "/input"):
            name = upload.name_in(reference)
            if name is None or self.size_of(upload_key(owner, name)) is None:
                detail = "no such upload; first send the file with the form from POST /v1/uploads"
                faults.append(FieldFault(pointer, detail))
        if faults:
            raise InvalidRequestError("the input names files that were not uploaded", faults)


def link_uploads(value: Any, owner: str, link: Callable[[str], str]) -> Any:
    """
    Replace references by links that Kie.ai can fetch.

    Args:
        link: Makes a link to an object.
    """

    def linked(text: str) -> str:
        name = upload.name_in(text)
        return link(upload_key(owner, name)) if name else text

    return replace_texts(value, linked)
