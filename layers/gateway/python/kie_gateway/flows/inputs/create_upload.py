"""Give out a form by which a caller sends an input file straight into the bucket."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kie_gateway.core.files.bucket_keys import upload_key
from kie_gateway.core.inputs import upload

FORM_LIFETIME = timedelta(hours=1)
# The bucket deletes what lies under `uploads/` after this time (`template.yaml`).
KEPT = timedelta(days=7)


class UploadForms(Protocol):
    """Signs forms."""

    def presign_upload(
        self, key: str, *, content_type: str, size: int, lifetime_seconds: int
    ) -> tuple[str, Mapping[str, str]]:
        """Return the address and fields of a form that accepts one file of this type and size."""


@dataclass(frozen=True)
class Upload:
    """
    An upload that waits for its file.

    Attributes:
        reference: What names the file in a task's input.
        form_url: Where the file is sent, as multipart/form-data.
        form_fields: What is sent before the file.
        expires_at: Until when the form takes the file.
        delete_at: When the file is deleted.
    """

    upload_id: str
    reference: str
    form_url: str
    form_fields: Mapping[str, str]
    expires_at: datetime
    delete_at: datetime


@dataclass(frozen=True)
class CreateUpload:
    """Creates uploads."""

    forms: UploadForms
    new_upload_id: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, owner: str, content_type: str, size_bytes: int) -> Upload:
        """
        Create an upload for a file of exactly this type and size.

        Args:
            content_type: One of `core.upload.EXTENSIONS`.
        """
        upload_id, now = self.new_upload_id(), self.now()
        name = f"{upload_id}.{upload.EXTENSIONS[content_type]}"
        url, fields = self.forms.presign_upload(
            upload_key(owner, name),
            content_type=content_type,
            size=size_bytes,
            lifetime_seconds=int(FORM_LIFETIME.total_seconds()),
        )
        return Upload(
            upload_id, upload.reference_of(name), url, fields, now + FORM_LIFETIME, now + KEPT
        )
