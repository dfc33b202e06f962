"""The secret with Kie.ai's keys: made before the stack, never part of it, never written over."""

import json
import os
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import boto3
import httpx
from botocore.exceptions import ClientError

from kie_gateway.core.errors.provider_errors import ProviderAuthError, ProviderError
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.http import KieHttp
from scripts.ask import NobodyAnswersError, ask_hidden
from scripts.kie_keys import ENVIRONMENT, KeyFormatError, check
from scripts.stack import StackError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_DESCRIPTION = "Kie.ai's API key and webhook key. A new value takes effect within five minutes."
_ATTEMPTS = 3
# On a machine that does not reach Kie.ai.
SKIP = "SKIP_KIE_CHECK"


class KieSecret:
    """
    The secret of one stack.

    Args:
        name: Its name or ARN.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: SecretsManagerClient = boto3.client("secretsmanager")

    @staticmethod
    def usual_name(stack: str) -> str:
        """Return the secret that `make deploy` makes for a stack."""
        return f"{stack}/kie"

    def arn(self) -> str | None:
        """Find it, even while it waits to be deleted; None if there is none."""
        try:
            return self._client.describe_secret(SecretId=self._name)["ARN"]
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":
                return None
            raise

    def read(self) -> dict[str, str]:
        """Read the keys; empty if there is no secret, or one that is about to be deleted."""
        try:
            text = self._client.get_secret_value(SecretId=self._name)["SecretString"]
        except ClientError as error:
            # The second is for secrets that wait to be deleted.
            if _code(error) in {"ResourceNotFoundException", "InvalidRequestException"}:
                return {}
            raise
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StackError(f"the secret {self._name} contains something other than Kie.ai's keys")
        return {name: str(value) for name, value in found.items()}

    def write(self, keys: dict[str, str]) -> str:
        """Write the keys, whatever state the secret is in; returns its ARN."""
        if self.arn() is None:
            return self._client.create_secret(
                Name=self._name, Description=_DESCRIPTION, SecretString=_text(keys)
            )["ARN"]
        # Its name stays taken while it waits to be deleted, which takes a week or more.
        if self._client.describe_secret(SecretId=self._name).get("DeletedDate"):
            self._client.restore_secret(SecretId=self._name)
        return self.replace(keys)

    def replace(self, keys: dict[str, str]) -> str:
        """Replace the keys in the existing secret; returns its ARN."""
        put = self._client.put_secret_value(SecretId=self._name, SecretString=_text(keys))
        return put["ARN"]


def ask_for_keys(kie_url: str, known: dict[str, str]) -> dict[str, str]:
    """
    Get Kie.ai's keys from the environment or from whoever is there, and try the API key.

    Args:
        kie_url: Where Kie.ai's API answers.
        known: Keys that stay as they are if nothing else is said.

    Raises:
        StackError: There is no API key that Kie.ai takes.
    """
    keys = dict(known)
    keys["api_key"] = _api_key(kie_url, known.get("api_key", ""))
    keys["webhook_hmac_key"] = _webhook_key(known.get("webhook_hmac_key", ""))
    for name in ("history_token", "history_unique_id"):
        if value := os.environ.get(ENVIRONMENT[name]):
            keys[name] = _checked(ENVIRONMENT[name], value)
    return keys


def balance(kie_url: str, api_key: str) -> Decimal:
    """Ask Kie.ai for the balance of a key's account; raises ProviderError."""
    with httpx.Client(base_url=kie_url) as http:
        return KieBalance(KieHttp(http, lambda: api_key)).read()


def _api_key(kie_url: str, known: str) -> str:
    variable = ENVIRONMENT["api_key"]
    if given := os.environ.get(variable):
        return _tried(kie_url, _checked(variable, given))
    question = "API key of your Kie.ai account (kie.ai/api-key; it is not shown)"
    for _ in range(_ATTEMPTS):
        try:
            given = ask_hidden(f"{question}, Enter for the one in use" if known else question)
            if not given and known:
                return known
            return _tried(kie_url, check("the key", given))
        except NobodyAnswersError:
            if known:
                return known
            raise StackError(f"{variable} is not set, and there is no terminal to ask on") from None
        except (KeyFormatError, _RefusedError) as error:
            print(error, file=sys.stderr)
    raise StackError("nothing can be deployed without a Kie.ai API key; nothing was changed")


def _webhook_key(known: str) -> str:
    variable = ENVIRONMENT["webhook_hmac_key"]
    given = os.environ.get(variable)
    if given is None:
        way_on = "Enter for the one in use, - for none" if known else "Enter for none"
        try:
            given = ask_hidden(f"webhook key (kie.ai/settings; it is not shown), {way_on}") or known
        except NobodyAnswersError:
            given = known
    if given in {"", "-"}:
        return ""
    if given != known:
        print(
            "A webhook key cannot be tested: with a wrong one every webhook is refused, and results"
            " arrive later, by polling. `make webhooks` shows it, `make kie-keys` fixes it."
        )
    return _checked(variable, given)


class _RefusedError(Exception):
    """Kie.ai does not take a key."""


def _tried(kie_url: str, api_key: str) -> str:
    if os.environ.get(SKIP):
        return api_key
    try:
        credits_left = balance(kie_url, api_key)
    except ProviderAuthError as error:
        if os.environ.get(ENVIRONMENT["api_key"]):
            raise StackError(f"Kie.ai refuses this API key: {error.message}") from error
        raise _RefusedError(f"Kie.ai refuses this API key: {error.message}") from error
    except ProviderError as error:
        raise StackError(
            f"the API key could not be tested: {error.message}; {SKIP}=1 skips the test"
        ) from error
    print(f"Kie.ai accepts the API key; its account has {credits_left.normalize():f} credits.")
    return api_key


def _checked(variable: str, value: str) -> str:
    try:
        return check(variable, value)
    except KeyFormatError as error:
        raise StackError(str(error)) from error


def _text(keys: dict[str, str]) -> str:
    return json.dumps({**dict.fromkeys(ENVIRONMENT, ""), **keys})


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
