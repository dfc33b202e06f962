"""ThumbnailFunction, asked for a picture and waited for."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.errors.backend_errors import BackendUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class ThumbnailMaker:
    """Thumbnails, as the API needs them."""

    def __init__(self, client: Callable[[], "LambdaClient"], function_name: str) -> None:
        # Called when the first thumbnail is wanted: few processes ever see one.
        self._client = client
        self._function_name = function_name

    def make(self, source: str, target: str, width: int) -> str | None:
        """
        Make a thumbnail of an object.

        Returns:
            Why there is none, None if it is there now.

        Raises:
            BackendUnavailableError: The function did not answer; asking again is right.
        """
        try:
            answer = self._client().invoke(
                FunctionName=self._function_name,
                Payload=json.dumps({"source": source, "target": target, "width": width}),
            )
            told = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError) as error:
            raise BackendUnavailableError(f"Lambda: {error}") from error
        if "FunctionError" in answer:
            raise BackendUnavailableError("ThumbnailFunction failed")
        return None if told["made"] else str(told["why"])
