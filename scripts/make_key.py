"""Create, list, rotate and revoke keys for callers of a deployed gateway."""

import argparse
from datetime import UTC, datetime, timedelta

import boto3

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import OWNER, USUAL, ApiKey, Scope
from kie_gateway.core.errors.caller_errors import KeyNotFoundError
from kie_gateway.flows.manage_keys import Issued, IssueKey, NewKey, RevokeKey, RotateKey
from kie_gateway.wiring.ids import new_key_id
from scripts.stack import run, stack_outputs, usual_stack


def main() -> None:
    """Do what is asked for in the stack's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    parser.add_argument("--owner", default="", help="whose tasks the key creates and sees")
    parser.add_argument("--name", default="made by make key", help="what the key is for")
    parser.add_argument("--days", type=int, help="how long the key is valid; without it, forever")
    scopes = [scope.value for scope in Scope]
    parser.add_argument("--scope", action="append", choices=scopes, help="more than one: repeat")
    parser.add_argument(
        "--requests-per-minute", type=int, help="instead of the gateway's limit; 0: no limit"
    )
    parser.add_argument("--tasks-at-once", type=int, help="open tasks of its owner; 0: no limit")
    parser.add_argument("--list", action="store_true", help="list keys, of one owner or of all")
    parser.add_argument("--rotate", metavar="KEY_ID", help="the old key stays valid for 24 hours")
    parser.add_argument(
        "--revoke", metavar="KEY_ID", help="takes effect everywhere within 30 seconds"
    )
    options = parser.parse_args()
    keys = KeyTable(boto3.client("dynamodb"), stack_outputs(options.stack)["TableName"])
    now = datetime.now(UTC)
    try:
        if options.list:
            found, _ = keys.list_keys(options.owner or None, limit=1000, after=None)
            for key in found:
                print(_line(key, now))
        elif options.rotate:
            _show(RotateKey(keys, new_key_id, lambda: now)(options.rotate))
        elif options.revoke:
            print(_line(RevokeKey(keys, lambda: now)(options.revoke), now))
        else:
            if OWNER.fullmatch(options.owner) is None:
                parser.error("--owner: 1 to 64 letters, digits, dots, @, _ or -, as OWNER=alice")
            chosen = options.scope
            new = NewKey(
                options.owner,
                options.name,
                scopes=frozenset(map(Scope, chosen)) if chosen else USUAL,
                expires_at=now + timedelta(days=options.days) if options.days else None,
                requests_per_minute=options.requests_per_minute,
                tasks_at_once=options.tasks_at_once,
            )
            _show(IssueKey(keys, new_key_id, lambda: now)(new))
    except KeyNotFoundError as error:
        parser.error(str(error))


def _show(issued: Issued) -> None:
    print(f"{issued.key.key_id} for {issued.key.owner}, shown only now:\n{issued.secret}")


def _line(key: ApiKey, now: datetime) -> str:
    state = "valid" if key.is_valid(now) else "no longer valid"
    scopes = ",".join(sorted(key.scopes))
    return f"{key.key_id}  {key.owner}  {state}  {scopes}  {key.name}"


if __name__ == "__main__":
    run(main)
