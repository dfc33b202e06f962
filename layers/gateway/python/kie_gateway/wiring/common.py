"""What several functions have."""

import time
from collections.abc import Callable
from datetime import datetime

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.secrets import KieKeys, Secrets
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.clock import utc_now


class Common:
    """What several functions have."""

    def __init__(self, table_name: str, bucket_name: str, kie_secret_arn: str) -> None:
        clients = self.clients = Clients()
        self.tasks = TaskTable(clients.dynamodb, table_name)
        self.bucket = OutputBucket(clients.s3, bucket_name)
        self.secrets = Secrets(clients.secretsmanager)
        self._kie_secret_arn = kie_secret_arn
        self.now: Callable[[], datetime] = utc_now
        self.sleep: Callable[[float], None] = time.sleep

    def kie_keys(self) -> KieKeys:
        """Read what Kie.ai knows us by. Raises ConfigurationError."""
        return self.secrets.kie_keys(self._kie_secret_arn)
