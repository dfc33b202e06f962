"""
What stands before moto: who calls, whether they may, and whether the service would take it.

The administrator (`credentials.ADMINISTRATOR`: tests, operators' commands) may do everything. Every
other key belongs to a role of the stack.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from dev import service_rules
from dev.authorised import needs
from dev.authorised_s3 import deleted_keys, s3_call, s3_needs
from dev.credentials import ADMINISTRATOR, caller
from dev.dynamodb_rules import read_keys
from dev.policies import allowed
from dev.records import MUTATING, touched_keys
from dev.service_rules import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from moto.dynamodb.models.table import Table

    from dev.authorised import Need
    from dev.dynamodb_rules import Law
    from dev.policies import Principal


@dataclass
class Gate:
    """
    The gate of one cloud; it stands open until the stack has been created.

    Attributes:
        place: Region and account.
        principals: The roles, by access key id.
        bucket_policies: Statements of the buckets' own policies, by bucket.

    """

    place: str
    law: Law
    tables: Callable[[], Mapping[str, Table]]
    principals: Mapping[str, Principal] | None = None
    bucket_policies: Mapping[str, list[Mapping[str, Any]]] | None = None

    def refuse_json(
        self, service: str, action: str, body: bytes, environ: dict[str, Any]
    ) -> Refusal | None:
        """Refuse a call of a JSON service, or let it pass."""
        parameters = json.loads(body or b"{}")
        refused = self._unknown(environ, b"")
        if refused is not None:
            return refused
        denied = self._denied(environ, needs(service, action, parameters, self.place))
        if denied is not None:
            return Refusal(400, "AccessDeniedException", denied)
        return service_rules.refuse(service, action, parameters)

    def refuse_invocation(self, name: str, body: bytes, environ: dict[str, Any]) -> Refusal | None:
        """Refuse a call of Lambda's Invoke."""
        refused = self._unknown(environ, b"")
        if refused is not None:
            return refused
        arn = f"arn:aws:lambda:{self.place}:function:{name}"
        denied = self._denied(environ, [("lambda:InvokeFunction", arn)])
        if denied is not None:
            return Refusal(403, "AccessDeniedException", denied)
        return service_rules.refuse_payload(body, environ)

    def refuse_rest(self, environ: dict[str, Any], body: bytes) -> Refusal | None:
        """Refuse a call of S3; the administrator's calls of other services pass."""
        key, service = caller(environ, body)
        preflight = environ["REQUEST_METHOD"] == "OPTIONS"
        if self.principals is None or preflight or key == ADMINISTRATOR:
            return None
        if service not in {"s3", ""}:
            return Refusal(403, "AccessDenied", f"no role may call {service} on this machine")
        refused = self._unknown(environ, body)
        if refused is not None:
            return refused
        call = s3_call(environ, frozenset(self.bucket_policies or ()), body)
        missing = [need for need in s3_needs(call) if not self._may(key, need, call.bucket)]
        if missing and deleted_keys(call):
            return _refused_deletions(missing, call.resource)
        words = self._principal(key).refusal(*missing[0]) if missing else ""
        return Refusal(403, "AccessDenied", words, xml=True) if missing else None

    def hides_absence(self, environ: dict[str, Any]) -> bool:
        """
        Return whether a missing object must be refused, not reported as missing.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: without s3:ListBucket
        the answer is 403.
        """
        key, service = caller(environ)
        if self.principals is None or key == ADMINISTRATOR or service != "s3":
            return False
        call = s3_call(environ, frozenset(self.bucket_policies or ()), b"")
        listing = ("s3:ListBucket", f"arn:aws:s3:::{call.bucket}")
        return call.is_read and bool(call.key) and not self._may(key, listing, call.bucket)

    def arrival(self, service: str, action: str, body: bytes) -> AbstractContextManager[None]:
        """Count a DynamoDB call as being worked on; see dynamodb_conflicts.py."""
        if service != "DynamoDB" or not (action in MUTATING or action == "TransactGetItems"):
            return nullcontext()
        return self._counted(action, json.loads(body))

    @contextmanager
    def _counted(self, action: str, parameters: dict[str, Any]) -> Iterator[None]:
        tables: Any = self.tables()
        if action == "TransactGetItems":
            keys = read_keys(parameters, tables)
        else:
            keys = touched_keys(action, parameters, tables)
        with self.law.in_flight.arrival(action, keys, parameters.get("ClientRequestToken")):
            yield

    def _unknown(self, environ: dict[str, Any], body: bytes) -> Refusal | None:
        """Refuse whoever has no key, or one that nobody was given."""
        if self.principals is None:
            return None
        key, service = caller(environ, body)
        if key == ADMINISTRATOR or key in self.principals:
            return None
        if service in {"s3", ""}:
            if key is None:
                return Refusal(403, "AccessDenied", "Access Denied", xml=True)
            words = "The AWS Access Key Id you provided does not exist in our records."
            return Refusal(403, "InvalidAccessKeyId", words, xml=True)
        words = "The security token included in the request is invalid."
        return Refusal(400, "UnrecognizedClientException", words)

    def _denied(self, environ: dict[str, Any], wanted: list[Need]) -> str | None:
        key, _ = caller(environ)
        if self.principals is None or key == ADMINISTRATOR:
            return None
        principal = self._principal(key)
        for need in wanted:
            if not principal.may(*need):
                return principal.refusal(*need)
        return None

    def _principal(self, key: str | None) -> Principal:
        return (self.principals or {})[key or ""]

    def _may(self, key: str | None, need: Need, bucket: str) -> bool:
        own = (self.bucket_policies or {}).get(bucket, [])
        denies = [{**one, "Effect": "Allow"} for one in own if one["Effect"] == "Deny"]
        return self._principal(key).may(*need) and not allowed(denies, *need)


def _refused_deletions(missing: list[Need], bucket: str) -> Refusal:
    """Answer as S3 does, which refuses keys one by one; here the others are kept as well."""
    keys = (resource.removeprefix(f"{bucket}/") for _, resource in missing)
    errors = "".join(
        f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code>"
        "<Message>Access Denied</Message></Error>"
        for key in keys
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?><DeleteResult>{errors}</DeleteResult>'
    return Refusal(200, "", "", xml=True, raw=body.encode())
