"""What every function has: time, AWS clients, the record, the bucket, secrets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.secrets import KieKeys, Secrets
from kie_gateway.wiring import clock
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.time_left import TimeLeft


@dataclass(frozen=True)
class Runtime:
    """
    What every function has.

    Attributes:
        time_left: Tells the seconds that are left of the invocation at hand.
    """

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    time_left: TimeLeft
    clients: Clients
    bucket: OutputBucket
    secrets: Secrets

    def secret(self, arn: str) -> Callable[[], str]:
        """Return a reader of a secret, which raises ConfigurationError."""
        return lambda: self.secrets.text(arn)

    def kie_keys(self, arn: str) -> Callable[[], KieKeys]:
        """Return a reader of Kie.ai's keys, which raises ConfigurationError."""
        return lambda: self.secrets.kie_keys(arn)


def make_runtime(bucket_name: str, *, copies_files: bool = False) -> Runtime:
    """
    Make what every function has.

    Args:
        copies_files: Whether it stores files of any size, which takes its time.
    """
    now = clock.utc_now
    time_left = TimeLeft(now)
    clients = Clients(time_left, copies=copies_files)
    return Runtime(
        now=now,
        sleep=clock.sleep,
        time_left=time_left,
        clients=clients,
        bucket=OutputBucket(clients.s3, bucket_name),
        secrets=Secrets(clients.secretsmanager),
    )
