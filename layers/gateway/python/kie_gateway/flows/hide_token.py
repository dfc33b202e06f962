"""
Keep secrets out of the record and the archive: Kie.ai quotes whatever it was given.

Two kinds come back: the token of a task's callback URL, and the signatures of links that were made
for Kie.ai to fetch inputs by. Whoever reads a body of Kie's, or words of it, for anything but
fetching a result passes it through here first.

Links are told by the parameters of AWS's signed queries ("Authenticating Requests: Using Query
Parameters" of the S3 API reference, with the older `AWSAccessKeyId`; `Signature`, `Key-Pair-Id`
and `Policy` of "Creating a signed URL using a canned policy", CloudFront developer guide) and of
other stores, plain, percent-encoded any number of times, or escaped as JSON within JSON.
"""

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.report import Failed, Finished, NotUnderstood, NotVisible, Report, Running
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
_OURS = ("uploads", "inputs", "outputs", "previews", "thumbnails")


def hide_token(words: str, task: Task, callback_secret: str) -> str:
    """Take a task's token, and the signatures of any links, out of words that people read."""
    return _without_signatures(_without_token(words, task, callback_secret))


def hide_token_in_report[R: Report](report: R, task: Task, callback_secret: str) -> R:
    """Take secrets out of a report's words; links to results stay as they are."""

    def hidden(words: str) -> str:
        return hide_token(words, task, callback_secret)

    match report:
        case Running(state):
            return replace(report, state=hidden(state))
        case Finished(state=state, facts=facts):
            told = {
                name: hidden(value) if isinstance(value, str) else value
                for name, value in facts.items()
            }
            return replace(report, state=hidden(state), facts=told)
        case Failed(state=state, failure=failure):
            message = hidden(failure.message)
            return replace(report, state=hidden(state), failure=replace(failure, message=message))
        case NotVisible(message):
            return replace(report, message=hidden(message))
        case NotUnderstood(reason):
            return replace(report, reason=hidden(reason))
        case _:
            return report


def without_token(raw: bytes, task: Task, callback_secret: str) -> bytes:
    """Take a task's token out of a body that is still to be read."""
    return raw.replace(callback_token(task.task_id, callback_secret).encode(), b"[token]")


def without_secrets(raw: bytes, task: Task, callback_secret: str) -> bytes:
    """
    Take secrets out of a body that is kept.

    Only links to this deployment's own files lose their signatures: those of results are needed
    when the body is read again, and are Kie.ai's to give away.
    """
    # Any bytes at all are text in this encoding, and the same bytes again afterwards.
    text = _without_token(raw.decode("latin-1"), task, callback_secret)
    if _SECRET.search(text) is None:
        return text.encode("latin-1")
    own = _own_file(task.paying_owner)

    def hide(link: re.Match[str]) -> str:
        found = link.group()
        return _without_signatures(found) if own.search(found) else found

    return _LINK.sub(hide, text).encode("latin-1")


def _without_token(text: str, task: Task, callback_secret: str) -> str:
    return text.replace(callback_token(task.task_id, callback_secret), "[token]")


def _without_signatures(text: str) -> str:
    return _SECRET.sub(r"\1\2[hidden]", text)


@lru_cache(maxsize=64)
def _own_file(owner: str) -> re.Pattern[str]:
    """Match the path of a file of an owner's, however often it is percent-encoded."""
    once = quote(owner, safe="")
    spelled = "|".join(re.escape(one) for one in {owner, once, quote(once, safe="")})
    return re.compile(rf"{_SLASH}(?:{'|'.join(_OURS)}){_SLASH}(?:{spelled}){_SLASH}", re.IGNORECASE)
