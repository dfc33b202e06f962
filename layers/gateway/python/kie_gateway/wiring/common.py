"""What several functions have."""

import time
from collections.abc import Callable
from datetime import datetime

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.secrets import KieKeys, Secrets
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.clock import utc_now
from kie_gateway.wiring.time_left import TimeLeft


class Common:
    """
    What several functions have.

    Attributes:
        copies_files: Whether it stores files of any size.
    """

    copies_files = False

    def __init__(self, table_name: str, bucket_name: str, kie_secret_arn: str) -> None:
        self.now: Callable[[], datetime] = utc_now
        self.sleep: Callable[[float], None] = time.sleep
        self.time_left = TimeLeft(self._tell_time)
        clients = self.clients = Clients(self.time_left, copies=self.copies_files)
        self.tasks = TaskTable(clients.dynamodb, table_name)
        self.bucket = OutputBucket(clients.s3, bucket_name)
        self.secrets = Secrets(clients.secretsmanager)
        self._kie_secret_arn = kie_secret_arn

    def _tell_time(self) -> datetime:
        return self.now()

    def kie_keys(self) -> KieKeys:
        """Read what Kie.ai knows us by. Raises ConfigurationError."""
        return self.secrets.kie_keys(self._kie_secret_arn)
