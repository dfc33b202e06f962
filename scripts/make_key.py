"""Make a key for callers of a deployed gateway; it is shown once and kept as a hash only."""

import argparse
import re
import secrets
from datetime import UTC, datetime

import boto3

from kie_gateway.aws.key_table import KeyTable
from scripts.stack import stack_outputs

# The owner becomes part of file names in the bucket.
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def main() -> None:
    """Make a key and write its hash into the stack's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--owner", required=True, help="whose tasks the key creates and sees")
    parser.add_argument("--stack", default="kie-gateway", help="name of the deployed stack")
    parser.add_argument("--name", default="made by make key", help="what the key is for")
    options = parser.parse_args()
    if OWNER.fullmatch(options.owner) is None:
        parser.error("--owner: 1 to 64 letters, digits, dots, @, _ or -, such as OWNER=alice")
    outputs = stack_outputs(options.stack)
    key = f"kg_live_{secrets.token_urlsafe(32)}"
    KeyTable(boto3.client("dynamodb"), outputs["TableName"]).add(
        key, owner=options.owner, name=options.name, now=datetime.now(UTC)
    )
    print(f"key for {options.owner}, shown only now:\n{key}")


if __name__ == "__main__":
    main()
