"""
AWS clients: made once, while a function starts.

Time-outs hold for each attempt, and there are up to four with pauses between them (botocore's
`standard` mode). So that no call goes on when its function ends, an attempt is only begun while
there is time for it: botocore takes whatever is raised before an attempt is sent for the call's
error (`before-send`, https://docs.aws.amazon.com/botocore/latest/topics/events.html).
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from kie_gateway.core.deadline import AWS_CALL_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_RETRIES: Any = {"mode": "standard", "total_max_attempts": 4}
# Together less than AWS_CALL_SECONDS.
_AWS = Config(connect_timeout=1, read_timeout=4, retries=_RETRIES)
# A picture takes seconds, and a second call would only draw it twice.
_FUNCTIONS = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
_FUNCTION_CALL_SECONDS = 27.25
# By itself, botocore signs links and forms for S3's global host, which refuses them in every region
# opened since 2019-03-20 and redirects them in the others, to a host that was not signed
# (AmazonS3/latest/userguide/VirtualHosting.html). In us-east-1 it takes two settings for the
# regional host.
_BUCKET = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)
# Small bodies, for callers who wait.
_S3 = _AWS.merge(_BUCKET)
# Uploads wait for the slower of two links.
_UPLOADS = _BUCKET.merge(Config(connect_timeout=5, read_timeout=60, retries=_RETRIES))


class NoTimeLeftError(BotoCoreError):
    """A call of AWS was not sent, since the function would have ended before the answer."""

    fmt = "too little time was left for a call"


class Clients:
    """
    AWS clients from one session; a session of its own for each would cost more than they do.

    Args:
        time_left: Tells how many seconds are left of the invocation at hand.
        copies: Whether files of any size are stored, which takes its time.
    """

    def __init__(
        self, time_left: Callable[[], float] = lambda: math.inf, *, copies: bool = False
    ) -> None:
        self._time_left = time_left
        self._copies = copies

    @cached_property
    def session(self) -> boto3.session.Session:
        """Region and credentials, for whoever signs by itself."""
        return boto3.session.Session()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The record and everything beside it."""
        return self._timed(self.session.client("dynamodb", config=_AWS))

    @cached_property
    def s3(self) -> "S3Client":
        """Results, inputs and the raw archive."""
        config = _UPLOADS if self._copies else _S3
        return self._timed(self.session.client("s3", config=config))

    @cached_property
    def sqs(self) -> "SQSClient":
        """The queue of tasks to copy."""
        return self._timed(self.session.client("sqs", config=_AWS))

    @cached_property
    def events(self) -> "EventBridgeClient":
        """The event bus."""
        return self._timed(self.session.client("events", config=_AWS))

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """The watch."""
        return self._timed(self.session.client("stepfunctions", config=_AWS))

    @cached_property
    def functions(self) -> "LambdaClient":
        """Other functions."""
        client = self.session.client("lambda", config=_FUNCTIONS)
        return self._timed(client, _FUNCTION_CALL_SECONDS)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Kie.ai's keys and our own secrets."""
        return self._timed(self.session.client("secretsmanager", config=_AWS))

    def _timed[Client: BaseClient](self, client: Client, least: float = AWS_CALL_SECONDS) -> Client:
        """Have a client send nothing once less than so many seconds are left."""

        def check_time(**_: object) -> None:
            if self._time_left() < least:
                raise NoTimeLeftError

        client.meta.events.register("before-send", check_time)
        return client
