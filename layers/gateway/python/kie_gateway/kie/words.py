"""
What Kie.ai's words mean.

Kie answers code 500 for wrong input, for missing credits, for paused models and for real outages
alike (seen by several public clients), so the text has to decide.
"""

from enum import Enum

from kie_gateway.core.task import Category


class Meaning(Enum):
    """What a word for a task's state means, whichever family uses it."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CALLBACK_FAILED = "callback_failed"


# `queuing` is documented and was never seen. TEXT_SUCCESS and FIRST_SUCCESS are stages of Suno's
# music, with more to come. Numbers are `successFlag`; 200 stands there on history pages, 4 is
# Luma's word for a callback that failed.
_MEANINGS = {
    **dict.fromkeys(
        (
            *("waiting", "wait", "queuing", "queueing", "queued", "pending", "generating"),
            *("running", "processing", "in_progress", "created", "submitted"),
            *("text_success", "first_success", "0"),
        ),
        Meaning.RUNNING,
    ),
    **dict.fromkeys(
        ("success", "succeeded", "complete", "completed", "finished", "done", "成功", "1", "200"),
        Meaning.SUCCESS,
    ),
    **dict.fromkeys(
        ("fail", "failed", "failure", "error", "sensitive_word_error", "2", "3"), Meaning.FAILURE
    ),
    **dict.fromkeys(("callback_exception", "4"), Meaning.CALLBACK_FAILED),
}


def meaning_of(word: str) -> Meaning | None:
    """Read a state in any case; None for a word nobody has seen."""
    word = word.strip().lower().replace(" ", "_").replace("-", "_").removesuffix(".0")
    if word.endswith("_failed"):
        # CREATE_TASK_FAILED, GENERATE_AUDIO_FAILED, wait_failed and their like.
        return Meaning.FAILURE
    return _MEANINGS.get(word)


_CREDITS = ("insufficient", "credit", "balance", "top up", "top-up", "recharge")
_REFUNDED = ("refund", "returned")
_CONTENT = (
    "sensitive",
    "violat",
    "moderat",
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
_STILL_WORKING = ("still processing", "is processing", "being processed", "in progress")


def _has(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def means_no_credits(text: str) -> bool:
    """Whether Kie.ai says that the account's balance is too low; refunds are another matter."""
    return _has(text, _CREDITS) and not _has(text, _REFUNDED)


def means_not_visible(text: str) -> bool:
    """Whether Kie.ai says that it knows no such task."""
    return _has(text, _NOT_VISIBLE)


def means_still_working(text: str) -> bool:
    """Whether words that come with an error's code only say that the work goes on (Veo)."""
    return _has(text, _STILL_WORKING)


def is_final_refusal(text: str) -> bool:
    """Whether a code 500 names something that trying again cannot change."""
    return means_no_credits(text) or _has(text, _CONTENT + _INPUT + _NOT_OFFERED)


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
