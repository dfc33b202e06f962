"""
Keep secrets out of the record and the archive: Kie.ai quotes whatever it was given.

Two kinds come back: the token of a task's callback URL, and the signatures of links that were made
for Kie.ai to fetch inputs by. Every adapter that reads Kie.ai passes what it read through here, so
nothing behind the adapters can tell a secret: it never sees one.

Links are told by the parameters of AWS's signed queries ("Authenticating Requests: Using Query
Parameters" of the S3 API reference, with the older `AWSAccessKeyId`; `Signature`, `Key-Pair-Id`
and `Policy` of "Creating a signed URL using a canned policy", CloudFront developer guide) and of
other stores, plain, percent-encoded any number of times, or escaped as JSON within JSON.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.files.bucket_keys import OF_OWNERS
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Report,
    Running,
)
from kie_gateway.core.task import Task

_NAMES = (
    *("X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential"),
    *("X-Goog-Signature", "X-Goog-Credential", "AWSAccessKeyId", "OSSAccessKeyId"),
    *("Security-Token", "Signature", "Key-Pair-Id", "Policy", "sig"),
)
_EQUALS = r"(?:=|%(?:25)*3D|\\+u003d)"
# Up to the next parameter, however its `&` is written.
_VALUE = r"(?:[\w.~+/=*|!-]|\\+/|\\+u00(?:3d|2b|2f)|%(?!(?:25)*26)(?:25)*[0-9a-f]{2})+"
_SECRET = re.compile(
    rf"(?<![a-z-])({'|'.join(_NAMES)})({_EQUALS}){_VALUE}", re.IGNORECASE | re.ASCII
)
_SCHEME = r"https?(?::|%(?:25)*3A)"
# What may be one link: it ends where a text does, or where another link begins.
_LINK = re.compile(
    rf"(?:{_SCHEME})?(?:(?!{_SCHEME})[^\s\"'<>])+",
    re.IGNORECASE,
)
_SLASH = r"(?:\\*/|%(?:25)*2F)"


@dataclass(frozen=True)
class Redaction:
    """
    Takes secrets out of what Kie.ai says about a task.

    Attributes:
        callback_secret: Returns what callback tokens are made with; raises ConfigurationError.
    """

    callback_secret: Callable[[], str]

    def words(self, words: str, task: Task) -> str:
        """Return words for people without the task's token and the signatures of any links."""
        return _without_signatures(self._without_token(words, task))

    def error(self, error: ProviderError, task: Task) -> None:
        """Take secrets out of an error: its message, and what a log line prints of it."""
        error.message = self.words(error.message, task)
        error.args = (error.message,)

    def report[R: Report](self, report: R, task: Task) -> R:
        """Return a report with redacted words; links to results stay as they are."""

        def redacted(words: str) -> str:
            return self.words(words, task)

        match report:
            case Running(state):
                return replace(report, state=redacted(state))
            case Finished(state=state, facts=facts):
                told = {
                    name: redacted(value) if isinstance(value, str) else value
                    for name, value in facts.items()
                }
                return replace(report, state=redacted(state), facts=told)
            case Failed(state=state, failure=failure):
                failure = replace(failure, message=redacted(failure.message))
                return replace(report, state=redacted(state), failure=failure)
            case NotVisible(message):
                return replace(report, message=redacted(message))
            case NotUnderstood(reason):
                return replace(report, reason=redacted(reason))
            case _:
                return report

    def unread_body(self, raw: bytes, task: Task) -> bytes:
        """Return a body that is still to be read, without the task's token."""
        token = callback_token(task.task_id, self.callback_secret())
        return raw.replace(token.encode(), b"[token]")

    def kept_body(self, raw: bytes, task: Task) -> bytes:
        """
        Return a body as it may be kept.

        Only links to this deployment's own files lose their signatures: those of results are needed
        when the body is read again, and are Kie.ai's to give away.
        """
        # Any bytes at all are text in this encoding, and the same bytes again afterwards.
        text = self._without_token(raw.decode("latin-1"), task)
        if _SECRET.search(text) is None:
            return text.encode("latin-1")
        own = _own_file(task.paying_owner)

        def redact(link: re.Match[str]) -> str:
            found = link.group()
            return _without_signatures(found) if own.search(found) else found

        return _LINK.sub(redact, text).encode("latin-1")

    def _without_token(self, text: str, task: Task) -> str:
        return text.replace(callback_token(task.task_id, self.callback_secret()), "[token]")


def _without_signatures(text: str) -> str:
    return _SECRET.sub(r"\1\2[hidden]", text)


@lru_cache(maxsize=64)
def _own_file(owner: str) -> re.Pattern[str]:
    """Match the path of a file of an owner's, however often it is percent-encoded."""
    once = quote(owner, safe="")
    spelled = "|".join(re.escape(one) for one in {owner, once, quote(once, safe="")})
    return re.compile(
        rf"{_SLASH}(?:{'|'.join(OF_OWNERS)}){_SLASH}(?:{spelled}){_SLASH}", re.IGNORECASE
    )
