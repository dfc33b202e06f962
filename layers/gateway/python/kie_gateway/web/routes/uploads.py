"""Uploads: where callers send input files."""

from datetime import timedelta

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core import upload
from kie_gateway.core.api_key import Scope
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import CreateUpload, UploadBody, UploadFormBody
from kie_gateway.web.resolver import OF_A_BODY, answers

FORM_LIFETIME = timedelta(hours=1)
# The bucket deletes what lies under `uploads/` after this time (`template.yaml`).
KEPT = timedelta(days=7)


def add_upload_routes(desk: Desk) -> None:
    """Add the route."""
    app, gateway = desk.app, desk.gateway

    @app.post("/v1/uploads", responses=answers({201: "Created"}, *OF_A_BODY), tags=["uploads"])
    @app.needs(Scope.TASKS_WRITE)
    def create_upload(body: CreateUpload) -> Response[UploadBody]:
        """Get a form for a file of this very type and size, and a reference to use in `input`."""
        upload_id, now = gateway.new_upload_id(), gateway.now()
        name = f"{upload_id}.{upload.EXTENSIONS[body.content_type]}"
        url, fields = gateway.bucket.presign_upload(
            upload.key_of(desk.owner(), name),
            content_type=body.content_type,
            size=body.bytes,
            lifetime_seconds=int(FORM_LIFETIME.total_seconds()),
        )
        answer = UploadBody(
            id=upload_id,
            content_type=body.content_type,
            bytes=body.bytes,
            reference=upload.reference_of(name),
            upload=UploadFormBody(url=url, fields=fields),
            expires_at=now + FORM_LIFETIME,
            delete_at=now + KEPT,
        )
        return Response(201, content_type="application/json", body=answer)
