"""Secrets: read once in five minutes, taken up when they change, and never repeated in errors."""

import json
import traceback
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from kie_gateway.aws.secrets import MEMORY_SECONDS, KieKeys, Secrets
from kie_gateway.core.errors.base import ConfigurationError
from tests.fakes import Seconds

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

API_KEY = "api-key-of-the-account"
HMAC_KEY = "webhook-key-of-the-account"

_numbers = count()


@pytest.fixture(scope="module")
def client(aws: boto3.session.Session) -> "SecretsManagerClient":
    return aws.client("secretsmanager")


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def secrets(client: "SecretsManagerClient", clock: Seconds) -> Secrets:
    return Secrets(client, clock=clock)


@pytest.fixture
def arn(client: "SecretsManagerClient") -> str:
    name = f"secret-{next(_numbers)}"
    return client.create_secret(Name=name, SecretString=json.dumps({"api_key": "old"}))["ARN"]


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({"api_key": API_KEY, "webhook_hmac_key": HMAC_KEY}, KieKeys(API_KEY, HMAC_KEY)),
        ({"api_key": API_KEY, "webhook_hmac_key": ""}, KieKeys(API_KEY, None)),
        ({"api_key": API_KEY, "webhook_hmac_key": None}, KieKeys(API_KEY, None)),
        ({"api_key": API_KEY, "more": 1}, KieKeys(API_KEY, None)),
    ],
)
def test_keys_are_read_from_json(
    secrets: Secrets, client: "SecretsManagerClient", arn: str, values: Any, keys: KieKeys
) -> None:
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(values))
    assert secrets.kie_keys(arn) == keys


@pytest.mark.parametrize(
    "text",
    [
        API_KEY,
        f'"{API_KEY}"',
        f'["{API_KEY}"]',
        f'{{"apiKey": "{API_KEY}"}}',
        f'{{"api_key": ["{API_KEY}"]}}',
        f'{{"api_key": "", "webhook_hmac_key": "{API_KEY}"}}',
        f'{{"api_key": null, "webhook_hmac_key": "{API_KEY}"}}',
        f'{{"api_key": "x", "webhook_hmac_key": ["{API_KEY}"]}}',
        f'{{"api_key": "{API_KEY}"',
    ],
)
def test_a_secret_without_an_api_key_is_named_and_not_quoted(
    secrets: Secrets, client: "SecretsManagerClient", arn: str, text: str
) -> None:
    client.put_secret_value(SecretId=arn, SecretString=text)
    with pytest.raises(ConfigurationError, match="api_key") as failure:
        secrets.kie_keys(arn)
    told = "".join(traceback.format_exception(failure.value))
    assert API_KEY not in told


def test_a_secret_that_cannot_be_read_is_named(
    secrets: Secrets, client: "SecretsManagerClient"
) -> None:
    for read in (secrets.text, secrets.kie_keys):
        with pytest.raises(ConfigurationError, match="no-such-secret"):
            read("no-such-secret")
    client.create_secret(Name="binary", SecretBinary=b"x")
    with pytest.raises(ConfigurationError, match="binary"):
        secrets.text("binary")


def test_a_new_value_is_taken_up_after_five_minutes(
    secrets: Secrets, clock: Seconds, client: "SecretsManagerClient", arn: str
) -> None:
    assert secrets.kie_keys(arn).api_key == "old"
    client.put_secret_value(SecretId=arn, SecretString=json.dumps({"api_key": "new"}))
    clock.at = MEMORY_SECONDS - 0.1
    assert secrets.kie_keys(arn).api_key == "old"
    clock.at = MEMORY_SECONDS
    assert secrets.kie_keys(arn).api_key == "new"


def test_secrets_are_remembered_apart(
    secrets: Secrets, client: "SecretsManagerClient", arn: str
) -> None:
    other = client.create_secret(Name="other", SecretString="plain text")["ARN"]
    assert secrets.text(other) == "plain text"
    assert secrets.kie_keys(arn).api_key == "old"
    assert secrets.text(other) == "plain text"


def test_keys_do_not_show_in_logs() -> None:
    assert repr(KieKeys(API_KEY, HMAC_KEY)) == "KieKeys()"
