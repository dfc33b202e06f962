"""The keys of the Kie.ai account: the environment's names for them, and what they may look like."""

import re
from collections.abc import Mapping

# By the names that they have in the secret, which kie_gateway/aws/secrets.py reads.
ENVIRONMENT = {
    "api_key": "KIE_API_KEY",
    "webhook_hmac_key": "KIE_WEBHOOK_HMAC_KEY",
    "history_token": "KIE_HISTORY_TOKEN",
    "history_unique_id": "KIE_HISTORY_UNIQUE_ID",
}
# They travel in HTTP headers; quotes were never part of one, but of the file it was copied from.
_LOOKS_LIKE_A_KEY = re.compile(r"[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+")


class KeyFormatError(Exception):
    """A value that cannot be one of Kie.ai's keys; the message never repeats it."""


def read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Read the keys that the environment has, by their names in the secret.

    Raises:
        KeyFormatError: Naming the variable.
    """
    found = {name: environ.get(variable, "") for name, variable in ENVIRONMENT.items()}
    return {name: check(ENVIRONMENT[name], value) for name, value in found.items() if value}


def check(name: str, value: str) -> str:
    """
    Return a key if it looks like one; `name` is what the error calls it.

    Raises:
        KeyFormatError: It does not.
    """
    if _LOOKS_LIKE_A_KEY.fullmatch(value) is None:
        raise KeyFormatError(
            f"{name} must be one line of visible characters, without quotes or backslashes"
        )
    return value
