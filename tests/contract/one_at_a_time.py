"""A client of DynamoDB on moto, for tests with threads."""

import inspect
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OneAtATime:
    """
    A client whose calls each happen as a whole, as they do at DynamoDB.

    moto lets threads see half of each other's transactions.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not inspect.ismethod(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return found(*args, **kwargs)

        return call
