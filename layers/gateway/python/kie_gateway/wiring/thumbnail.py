"""ThumbnailFunction."""

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.settings import ThumbnailFunctionSettings, load
from kie_gateway.wiring.clients import Clients


class ThumbnailGateway:
    """Everything ThumbnailFunction uses."""

    def __init__(self) -> None:
        self.bucket = OutputBucket(
            Clients(copies=True).s3, load(ThumbnailFunctionSettings).bucket_name
        )
