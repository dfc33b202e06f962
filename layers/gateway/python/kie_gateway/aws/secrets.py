"""Secrets, read when needed and remembered for five minutes, so that a new value is taken up."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.short_memory import ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MEMORY_SECONDS = 300.0
_OTHER_KEYS = ("webhook_hmac_key", "history_token", "history_unique_id")


@dataclass(frozen=True)
class KieKeys:
    """
    The keys of the Kie.ai account.

    Attributes:
        webhook_hmac_key: None if webhooks are not signed for this account.
        history_token: Of a session of Kie's dashboard; None switches its history pages off.
        history_unique_id: What the dashboard sends beside the token.
    """

    api_key: str = field(repr=False)
    webhook_hmac_key: str | None = field(repr=False)
    history_token: str | None = field(repr=False, default=None)
    history_unique_id: str | None = field(repr=False, default=None)


class Secrets:
    """Values of Secrets Manager by ARN."""

    def __init__(
        self, client: "SecretsManagerClient", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._memory = ShortMemory[str, str](MEMORY_SECONDS, clock)

    def kie_keys(self, arn: str) -> KieKeys:
        """
        Read Kie's keys.

        Raises:
            ConfigurationError: The secret cannot be read, or holds no API key.
        """
        try:
            values = json.loads(self.text(arn))
        except ValueError:
            values = None
        match values:
            case {"api_key": str(api_key)} if api_key:
                others = {name: values.get(name) or None for name in _OTHER_KEYS}
                if all(value is None or isinstance(value, str) for value in others.values()):
                    return KieKeys(api_key=api_key, **others)
        raise ConfigurationError(
            'KieSecret must be JSON such as {"api_key": "...", "webhook_hmac_key": "..."}'
        )

    def text(self, arn: str) -> str:
        """
        Read a secret as text.

        Raises:
            ConfigurationError: The secret cannot be read.
        """
        if (remembered := self._memory.get(arn)) is not None:
            return remembered.value
        try:
            text = self._client.get_secret_value(SecretId=arn)["SecretString"]
        except (ClientError, BotoCoreError) as error:
            raise ConfigurationError(f"the secret {arn} cannot be read: {error}") from error
        except KeyError:
            raise ConfigurationError(f"the secret {arn} contains bytes instead of text") from None
        return self._memory.keep(arn, text)
