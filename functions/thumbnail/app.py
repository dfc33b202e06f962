"""Thumbnails: made once when somebody first asks, kept in the bucket."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.media.thumbnail import CONTENT_TYPE, MOST_BYTES, thumbnail
from kie_gateway.observability import count, logger, metrics
from kie_gateway.wiring.start import start
from kie_gateway.wiring.thumbnail import make

gateway = start(make)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """
    Make a thumbnail.

    Args:
        event: `source` and `target`, keys in the bucket, and `width` in pixels; from ApiFunction.

    Returns:
        `made`, and if not, `why`.
    """
    try:
        picture = gateway.bucket.get_raw(event["source"], most_bytes=MOST_BYTES)
        small = thumbnail(picture, event["width"])
        gateway.bucket.put_raw(event["target"], small, CONTENT_TYPE)
    except StorageError as error:
        logger.warning("no thumbnail", extra={"source": event["source"], "why": error.message})
        return {"made": False, "why": error.message}
    count("ThumbnailMade")
    return {"made": True}
