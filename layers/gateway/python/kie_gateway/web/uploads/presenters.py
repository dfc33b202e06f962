"""Uploads, from the use case to what callers see."""

from kie_gateway.flows.inputs.create_upload import Upload
from kie_gateway.web.uploads import schemas


def upload_schema(upload: Upload, asked: schemas.CreateUpload) -> schemas.Upload:
    """Present an upload that waits for the file which was asked for."""
    return schemas.Upload(
        id=upload.upload_id,
        content_type=asked.content_type,
        bytes=asked.bytes,
        reference=upload.reference,
        upload=schemas.UploadForm(url=upload.form_url, fields=dict(upload.form_fields)),
        expires_at=upload.expires_at,
        delete_at=upload.delete_at,
    )
