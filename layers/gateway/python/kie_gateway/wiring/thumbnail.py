"""ThumbnailFunction."""

from dataclasses import dataclass

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.settings import ThumbnailFunctionSettings, load
from kie_gateway.wiring.clients import Clients


@dataclass(frozen=True)
class ThumbnailFunction:
    """What ThumbnailFunction uses."""

    clients: Clients
    bucket: OutputBucket


def make() -> ThumbnailFunction:
    """Make ThumbnailFunction's parts. Raises ConfigurationError."""
    clients = Clients(copies=True)
    return ThumbnailFunction(
        clients, OutputBucket(clients.s3, load(ThumbnailFunctionSettings).bucket_name)
    )
