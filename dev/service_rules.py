"""
What SQS, Step Functions and Lambda refuse whatever they hold, checked before moto sees a call.

SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
Step Functions: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_DELAY_SECONDS = 900
MAX_VISIBILITY_SECONDS = 43_200
MAX_EXECUTION_INPUT_BYTES = 262_144
MAX_EXECUTION_NAME = 80
MAX_PAYLOAD_BYTES = 6_291_456
MAX_EVENT_BYTES = 1024 * 1024
# Spaces, brackets, wildcards, other special and control characters.
_FORBIDDEN = re.compile(r'[\s?*<>{}\[\]"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
_ID = re.compile("[!-~]{1,128}")
_MESSAGE = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@dataclass(frozen=True)
class Refusal:
    """An error as AWS sends it; `raw` takes the place of the body that is built from the rest."""

    status: int
    code: str
    message: str
    xml: bool = False
    raw: bytes | None = None

    def answer(self, environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
        """Send it as a WSGI application does."""
        body = self.raw if self.raw is not None else self._body(environ)
        headers = [
            ("Content-Type", "application/xml" if self.xml else "application/x-amz-json-1.0"),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        if self.code:
            headers.append(("x-amzn-ErrorType", self.code))
        start_response(f"{self.status} Refused", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _body(self, environ: Mapping[str, Any]) -> bytes:
        if not self.xml:
            words = {"__type": self.code, "message": self.message, "Message": self.message}
            return json.dumps(words).encode()
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{self.code}</Code>'
            f"<Message>{escape(self.message)}</Message>"
            f"<Resource>{escape(str(environ.get('PATH_INFO', '')))}</Resource></Error>"
        ).encode()


def refuse(service: str, action: str, body: Mapping[str, Any]) -> Refusal | None:
    """Refuse a call of SQS or Step Functions, or let it pass."""
    if service == "AmazonSQS":
        return _refuse_message(action, body)
    if service == "AWSStepFunctions" and action == "StartExecution":
        return _refuse_start(body)
    return None


def refuse_payload(payload: bytes, environ: Mapping[str, Any]) -> Refusal | None:
    """Refuse an invocation whose payload Lambda would not take."""
    waits = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse") != "Event"
    limit = MAX_PAYLOAD_BYTES if waits else MAX_EVENT_BYTES
    if len(payload) <= limit:
        return None
    return Refusal(
        413,
        "RequestTooLargeException",
        f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
    )


def _refuse_message(action: str, body: Mapping[str, Any]) -> Refusal | None:
    entries = body.get("Entries", [body]) if action.startswith("SendMessage") else []
    sizes = [_message_bytes(entry) for entry in entries]
    if sizes and max(sizes) > MAX_MESSAGE_BYTES:
        limit = f"Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
        return _sqs("InvalidParameterValue", f"One or more parameters are invalid. {limit}")
    if sum(sizes) > MAX_MESSAGE_BYTES:
        return _sqs(
            "AWS.SimpleQueueService.BatchRequestTooLong",
            f"Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes.",
        )
    for entry in entries:
        if not _MESSAGE.fullmatch(entry.get("MessageBody", "")):
            return _sqs("InvalidMessageContents", "Invalid characters found. Valid unicode only.")
        refused = _out_of_range(entry, "DelaySeconds", MAX_DELAY_SECONDS) or _bad_id(entry)
        if refused is not None:
            return refused
    return _out_of_range(body, "VisibilityTimeout", MAX_VISIBILITY_SECONDS)


def _bad_id(entry: Mapping[str, Any]) -> Refusal | None:
    """Refuse ids that API_SendMessage.html does not allow."""
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if name in entry and not _ID.fullmatch(str(entry[name])):
            words = "can only include alphanumeric and punctuation characters. 1 to 128 in length."
            return _sqs(
                "InvalidParameterValue",
                f"Value {entry[name]} for parameter {name} is invalid. Reason: {name} {words}",
            )
    return None


def _out_of_range(body: Mapping[str, Any], name: str, most: int) -> Refusal | None:
    value = body.get(name)
    if value is None or 0 <= value <= most:
        return None
    return _sqs(
        "InvalidParameterValue",
        f"Value {value} for parameter {name} is invalid. Reason: Must be between 0 and {most}.",
    )


def _message_bytes(entry: Mapping[str, Any]) -> int:
    """Count a message as SQS does: the body, and names, types and values of attributes."""
    size = len(str(entry.get("MessageBody", "")).encode("utf-8", "surrogatepass"))
    for name, value in (entry.get("MessageAttributes") or {}).items():
        texts = (name, value.get("DataType", ""), value.get("StringValue", ""))
        size += sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        size += len(value.get("BinaryValue", "")) * 3 // 4
    return size


def _sqs(code: str, message: str) -> Refusal:
    return Refusal(400, code, message)


def _refuse_start(body: Mapping[str, Any]) -> Refusal | None:
    name = body.get("name")
    if name is not None and (not 0 < len(name) <= MAX_EXECUTION_NAME or _FORBIDDEN.search(name)):
        return Refusal(400, "InvalidName", f"Invalid Name: '{name}'")
    if len(body.get("input", "{}").encode("utf-8", "surrogatepass")) > MAX_EXECUTION_INPUT_BYTES:
        return Refusal(
            400,
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_EXECUTION_INPUT_BYTES}",
        )
    return None
