"""AWS clients: made once, while a function starts."""

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_AWS = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
# A picture takes seconds, and a second call would only draw it twice.
_FUNCTIONS = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
# Uploads wait for the slower of two links. By itself, botocore signs links and forms for S3's global
# host, which refuses them in every region opened since 2019-03-20 and redirects them in the others,
# to a host that was not signed (AmazonS3/latest/userguide/VirtualHosting.html). In us-east-1 it
# takes two settings for the regional host.
_S3 = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 4},
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)


class Clients:
    """AWS clients from one session; a session of its own for each would cost more than they do."""

    @cached_property
    def _session(self) -> boto3.session.Session:
        return boto3.session.Session()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The record and everything beside it."""
        return self._session.client("dynamodb", config=_AWS)

    @cached_property
    def s3(self) -> "S3Client":
        """Results, inputs and the raw archive."""
        return self._session.client("s3", config=_S3)

    @cached_property
    def sqs(self) -> "SQSClient":
        """The queue of tasks to copy."""
        return self._session.client("sqs", config=_AWS)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """The watch."""
        return self._session.client("stepfunctions", config=_AWS)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Other functions."""
        return self._session.client("lambda", config=_FUNCTIONS)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Kie.ai's keys and our own secrets."""
        return self._session.client("secretsmanager", config=_AWS)
