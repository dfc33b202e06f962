"""
What Kie.ai's words mean.

Kie answers code 500 for wrong input, for missing credits, for paused models and for real outages
alike (seen by several public clients), so the text has to decide what to tell the caller. What may
be done about it is decided in `creation.py`. All known wordings stand in `tests/words/`.
"""

import re
from enum import Enum

from kie_gateway.core.failure import Category
from kie_gateway.kie.content_words import plain, refuses_content


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


# Whole texts alone speak of the account: many others hold "credit", "balance" or "insufficient".
# The long one came in production with codes 402 and 500 (several clients, September 2026), the
# second with 402 and, from Suno, with 429 (Kie's pages, many clients).
_NO_CREDITS = tuple(
    re.compile(whole)
    for whole in (
        (
            r"credits? insufficient(?: ?: ?your current balance (?:isn't|is not) enough to run this"
            r" request(?:\. please top up(?: to continue)?)?)?"
        ),
        (
            r"(?:the |your )?(?:current |account )?credits? (?:are|is) insufficient"
            r"(?:[.,] please (?:top up|recharge))?"
        ),
        r"insufficient (?:account )?(?:credits?|balance)(?:[.,] please (?:top up|recharge))?",
        r"(?:账户|账号)?(?:积分|余额)不足(?:[,，]请(?:先)?充值)?",  # noqa: RUF001
    )
)
# Whole texts of Kie's own checks, which come before a task is made: recorded with code 500 by
# clients that sent wrong input on purpose, and paid nothing.
_FIELD = r"(?:this |the )?[\w.\[\]` -]{1,60}?"
# Whole texts of the same kind about the model, whatever the input.
_OFF_MODELS = tuple(
    re.compile(whole)
    for whole in (
        r"the model name you specified is not supported(?:\. .{0,120})?",
        (
            r"(?:this|the) (?:interface|model|feature) (?:is|has been) (?:temporarily |currently )?"
            r"(?:paused|disabled|offline|retired)"
        ),
    )
)
_FAILED_CHECKS = tuple(
    re.compile(whole)
    for whole in (
        rf"{_FIELD} is required(?: for [\w -]{{1,40}})?",
        rf"{_FIELD} is not within the range of allowed options",
        rf"{_FIELD} can ?not be (?:empty|null|blank)(?: or [\w ]{{1,30}})?",
        rf"{_FIELD} length (?:can ?not|must not) exceed [\w ]{{1,40}}",
        (
            rf"{_FIELD} (?:must|should) be"
            r" (?:<=|>=|less than|greater than|between|one of|at most|at least) [\w., -]{1,60}"
        ),
        r"please enter [\w .-]{1,40}",
    )
)
_INPUT = re.compile(
    r"\b(?:is|are) required\b|\bcan ?not be (?:empty|null|blank)|\ballowed options\b"
    r"|\b(?:must|should) (?:be|have|contain|not)\b|\b(?:can ?not|can't|must not) exceed"
    r"|\bexceeds? (?:the )?(?:max|limit|allowed|\d)|\btoo (?:long|large|short|small|big|many)\b"
    r"|\bnot supported\b|\bunsupported\b|\bnot valid\b|\bplease enter\b"
    r"|\bonly (?:supports?|english)\b"
    r"|\b(?:failed|unable|can ?not|could not) (?:to )?(?:fetch|download|load|read|decode|open)\b"
    r"|\bget (?:image|video|audio) info failed\b|\b(?:size|ratio|format|type) error\b"
    r"|\binvalid (?:param|argument|value|url|image|video|audio|file|format|voice|model|size|input"
    r"|aspect|ratio|resolution|duration|prompt|base64)|\bno valid characters\b"
    r"|\b(?:image|video|audio|file) (?:format|type)\b|\bfield\b[^.]{0,40}\brequired\b"
)
_TROUBLE = re.compile(
    r"\binternal (?:server )?error|\bserver (?:exception|error|is busy|busy)"
    r"|\bsystem (?:busy|error)"
    r"|\bexception\b|\btime[ds]?[ -]?out|\boverload|\bunavailable\b|\bupstream\b|\bgateway\b"
    r"|\bconnect(?:ion|ing)?\b|\bnetwork\b|\bload balanc|\bservice (?:error|busy|must|is busy)"
    r"|\brestart|\brate limit|\btoo many requests|\bcall frequency|\bhigh (?:traffic|demand)\b"
    r"|\btry again later\b|\binvalid response\b|\bunknown error\b|系统(?:异常|繁忙)|服务器"
)
_ACCOUNT = re.compile(
    r"\baccount (?:has been |is |was )?(?:suspended|frozen|banned|locked|disabled|overdue)"
    r"|\bwhite ?list|\bip (?:address )?(?:is )?not (?:in|on|allowed)"
)
_NOT_VISIBLE = ("is null", "not exist", "not found", "no record")
_STILL_WORKING = ("still processing", "is processing", "being processed", "in progress")
_INPUT_CODES = ("400", "409", "413", "422", "451")


def _has(text: str, words: tuple[str, ...]) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def _is_whole(text: str, known: tuple[re.Pattern[str], ...]) -> bool:
    said = plain(text).rstrip(".!。 ")
    return any(one.fullmatch(said) for one in known)


def says_no_credits(text: str) -> bool:
    """Whether the whole text says that the account's balance is too low."""
    return _is_whole(text, _NO_CREDITS)


def is_failed_check(text: str) -> bool:
    """Whether the whole text is one of Kie's checks before a creation."""
    return _is_whole(text, _FAILED_CHECKS) or blames_model(text)


def blames_model(text: str) -> bool:
    """Whether the whole text says that the model is not offered, now or any more."""
    return _is_whole(text, _OFF_MODELS)


def tells_of_trouble(text: str) -> bool:
    """Whether the words tell of somebody's machines, whatever else they say."""
    return _TROUBLE.search(plain(text)) is not None


def means_not_visible(text: str) -> bool:
    """Whether Kie.ai says that it knows no such task."""
    return _has(text, _NOT_VISIBLE)


def means_still_working(text: str) -> bool:
    """Whether words that come with an error's code only say that the work goes on (Veo)."""
    return _has(text, _STILL_WORKING)


def category_of(code: str | None, text: str, state: str = "") -> Category:
    """
    Sort a failure by Kie's code and words; the words go first.

    404 is no fault of the caller's: it is Kie that has no such place, model or file.

    Args:
        state: A word for the task's state, which may say why as well.
    """
    if code == "402" or says_no_credits(text):
        return Category.INSUFFICIENT_CREDITS
    text = f"{text} {state}"
    if refuses_content(text):
        return Category.CONTENT_POLICY
    said = plain(text)
    if code in ("401", "403") or _ACCOUNT.search(said):
        return Category.INTERNAL
    if code == "408":
        return Category.UPSTREAM_TIMEOUT
    blames_input = code in _INPUT_CODES or _INPUT.search(said) is not None
    is_kies = code == "404" or tells_of_trouble(text)
    return Category.INPUT if blames_input and not is_kies else Category.UPSTREAM


def may_be_retried(category: Category) -> bool:
    """Whether a new task with the same input has a chance."""
    return category in (Category.UPSTREAM, Category.UPSTREAM_TIMEOUT, Category.INSUFFICIENT_CREDITS)
