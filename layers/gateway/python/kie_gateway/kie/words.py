"""
What Kie.ai's words mean.

Kie answers code 500 for wrong input, for missing credits, for paused models and for real outages
alike (seen by several public clients), so the text has to decide.
"""

from kie_gateway.core.task import Category

_CREDITS = ("insufficient", "credit", "balance", "top up", "top-up", "recharge")
_CONTENT = (
    "sensitive",
    "moderation",
    "content policy",
    "policy violation",
    "prohibited",
    "flagged",
    "copyright",
    "intellectual property",
    "public figure",
    "celebrity",
    "nsfw",
    "inappropriate",
    "safety",
)
_INPUT = (
    "required",
    "allowed options",
    "cannot",
    "can not",
    "can't",
    "must ",
    "exceed",
    "not supported",
    "unsupported",
    "invalid",
    "please enter",
    "not within the range",
    "too long",
    "too large",
    "should be",
    "format",
)
_NOT_OFFERED = ("paused", "disabled", "offline", "retired", "no longer")
_NOT_VISIBLE = ("is null", "not exist", "not found", "no record")


def _has(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def means_no_credits(text: str) -> bool:
    """Whether Kie.ai says that the account's balance is too low."""
    return _has(text, _CREDITS)


def means_not_visible(text: str) -> bool:
    """Whether Kie.ai says that it knows no such task."""
    return _has(text, _NOT_VISIBLE)


def is_final_refusal(text: str) -> bool:
    """Whether a code 500 names something that trying again cannot change."""
    return _has(text, _CREDITS + _CONTENT + _INPUT + _NOT_OFFERED)


def category_of(code: str | None, text: str) -> Category:
    """Sort a failure by Kie's code and words; the words go first."""
    if code == "402" or means_no_credits(text):
        return Category.INSUFFICIENT_CREDITS
    if _has(text, _CONTENT):
        return Category.CONTENT_POLICY
    if code in ("401", "403"):
        return Category.INTERNAL
    if code == "408":
        return Category.UPSTREAM_TIMEOUT
    if code in ("400", "404", "413", "422", "451") or _has(text, _INPUT):
        return Category.INPUT
    return Category.UPSTREAM


def may_be_retried(category: Category) -> bool:
    """Whether a new task with the same input has a chance."""
    return category in (Category.UPSTREAM, Category.UPSTREAM_TIMEOUT, Category.INSUFFICIENT_CREDITS)
