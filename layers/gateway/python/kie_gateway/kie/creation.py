"""
What an answer to a creation proves: whether the task is there, surely is not, or may be.

Only two readings are ever followed by a second creation, BUSY and NO_CREDITS, so only what proves
beyond doubt that nothing was created may be read as one of them. Kie.ai uses code 500 for wrong
input, for missing credits and for real trouble alike (seen by several public clients), so under
code 500 nothing but whole, known wordings of its checks before a creation count as a refusal.
"""

from dataclasses import dataclass
from enum import StrEnum

from kie_gateway.core.failure import Category
from kie_gateway.kie import words
from kie_gateway.kie.content_words import judges_content

# 429 and 430: too often; 433: the key's hourly or daily cap; 455: maintenance. None is queued.
BUSY_CODES = frozenset({"429", "430", "433", "455"})
# Codes of an answer that says yes; 0 and absent mean that to some endpoints.
YES_CODES = frozenset({"200", "201", "202", "0", None})
_NO_CREDITS_CODE = "402"
# 408 says only that an answer took too long, 499 that somebody on the way hung up.
_REFUSALS = frozenset(str(code) for code in range(400, 500)) - {"408", "499"}
# The feature is off; failed and refunded.
_OFF_CODES = frozenset({"505", "531"})
_MAY_MEAN_CREDITS = BUSY_CODES | _REFUSALS | {"500"}
# Both are Kie's for a check that failed and for a generation that did.
_WORDS_DECIDE = frozenset({"500", "501"})


class Reading(StrEnum):
    """What an answer proves."""

    ACCEPTED = "accepted"
    BUSY = "busy"
    NO_CREDITS = "no_credits"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Proof:
    """
    A reading, and for a refusal its kind.

    Attributes:
        code: The one that was believed: the envelope's, or the status where that says more.
        category: None unless refused.
    """

    reading: Reading
    code: str
    category: Category | None = None


def read_creation(status: int, code: str | None, text: str, *, names_task: bool) -> Proof:
    """
    Read an answer that is a JSON object.

    Args:
        status: Of HTTP.
        code: The envelope's.
        text: The envelope's words.
        names_task: Whether it names the id of a task that the request did not name.
    """
    if names_task:
        return Proof(Reading.ACCEPTED, code or str(status))
    if code is None or code in YES_CODES:
        # A yes without an id proves nothing.
        code = str(status) if status >= 400 else (code or "200")
    elif status >= 500 and code != str(status):
        # Somebody on the way failed, whatever the body says.
        return Proof(Reading.UNKNOWN, str(status))
    reading, category = _reading(code, text)
    return Proof(reading, code, category)


def read_page(status: int, *, is_html: bool) -> Proof:
    """
    Read an answer that is no JSON object, so not from Kie's application, which always sends one.

    A 403 with a page is Cloudflare's, which stands before Kie and turned the request away (a rule
    of its firewall, a challenge for browsers, a blocked address): it never reached Kie, and may be
    let through later. Cloudflare's 5xx pages come also when Kie had the request and gave no answer.
    """
    code = str(status)
    if status == 429 or (status == 403 and is_html):
        return Proof(Reading.BUSY, code)
    if code in _REFUSALS:
        reading, category = _reading(code, "")
        return Proof(reading, code, category)
    return Proof(Reading.UNKNOWN, code)


def _reading(code: str, text: str) -> tuple[Reading, Category | None]:
    if code == _NO_CREDITS_CODE or (code in _MAY_MEAN_CREDITS and words.says_no_credits(text)):
        return Reading.NO_CREDITS, None
    category = _refused(code, text)
    if category is not None:
        return Reading.REFUSED, category
    return (Reading.BUSY if code in BUSY_CODES else Reading.UNKNOWN), None


def _refused(code: str, text: str) -> Category | None:
    """Return why a creation was surely refused for good; None if it was not, or perhaps not."""
    category = words.category_of(code, text)
    if code in BUSY_CODES:
        # Not created in any case, and sending refused content again is of no use.
        return Category.CONTENT_POLICY if judges_content(text) else None
    if code in _REFUSALS:
        return category
    if words.tells_of_trouble(text):
        return None
    if code in _OFF_CODES:
        return category
    if code in _WORDS_DECIDE and judges_content(text):
        return Category.CONTENT_POLICY
    known_check = code == "500" and words.is_failed_check(text)
    return category if known_check else None
