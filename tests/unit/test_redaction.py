"""Secrets that Kie.ai quotes: taken out of what is kept and told, however they are written."""

import json
from urllib.parse import quote

import pytest

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Report,
    Running,
)
from kie_gateway.core.results import Source
from tests.flows import REDACTION, SECRET
from tests.makers import TASK_ID, make_task

TOKEN = callback_token(TASK_ID, SECRET)
TASK = make_task()
SIGNATURE = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
SESSION = "IQoJb3JpZ2luX2VjEJr//+a/b=="
KEY_ID = "ASIAQEXAMPLE"
S3_LINK = (
    "https://kie-assets.s3.eu-south-1.amazonaws.com/uploads/alice/upload_01.png"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    f"&X-Amz-Credential={KEY_ID}%2F20260301%2Feu-south-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20260301T120000Z&X-Amz-Expires=21600&X-Amz-SignedHeaders=host"
    f"&X-Amz-Security-Token={quote(SESSION, safe='')}&X-Amz-Signature={SIGNATURE}"
)
PATH_LINK = S3_LINK.replace("https://kie-assets.s3", "https://s3").replace(
    ".com/", ".com/kie-assets/"
)
CLOUDFRONT_LINK = (
    "https://d111111abcdef8.cloudfront.net/outputs/alice/task_1/0.png?Expires=1357034400"
    f"&Signature={SIGNATURE}~a-b_c__&Key-Pair-Id={KEY_ID}"
)
RESULT_LINK = f"https://tempfile.aiquickdraw.com/r/1.png?Expires=1&Signature={SIGNATURE}&sig=a"
SECRETS = (SIGNATURE, SIGNATURE[:20], SESSION, SESSION[:12], KEY_ID, TOKEN)


def nested(value: object, levels: int) -> str:
    """Write JSON within JSON within JSON."""
    text = json.dumps(value)
    for _ in range(levels):
        text = json.dumps({"param": text})
    return text


LINKS = {"S3": S3_LINK, "S3 by path": PATH_LINK, "CloudFront": CLOUDFRONT_LINK}
WRITTEN = {
    "plain": lambda link: json.dumps({"input": {"image_urls": [link]}}),
    "in JSON": lambda link: nested({"image_urls": [link, link]}, 1),
    "in JSON in JSON": lambda link: nested({"image_urls": [link]}, 2),
    "slashes escaped": lambda link: json.dumps({"url": link}).replace("/", "\\/"),
    "slashes escaped in JSON": lambda link: nested(json.dumps([link]).replace("/", "\\/"), 1),
    "ampersands escaped": lambda link: json.dumps([link]).replace("&", "\\u0026"),
    "equals escaped": lambda link: json.dumps([link]).replace("=", "\\u003d"),
    "all escaped in JSON": lambda link: nested(
        json.dumps([link]).replace("&", "\\u0026").replace("=", "\\u003D"), 1
    ),
    "in a query": lambda link: f"https://proxy.test/?url={quote(link, safe='')}&w=200",
    "in a query of a query": lambda link: f"/?u={quote(quote(link, safe=''), safe='')}&w=200",
    "as HTML": lambda link: f"<img src='{link.replace('&', '&amp;')}'>",
    "one after the other": lambda link: f"{RESULT_LINK},{link},{RESULT_LINK}",
    "without its scheme": lambda link: link.removeprefix("https://"),
    "in words": lambda link: f"Could not fetch {link}. Try again.",
    "beside other bytes": lambda link: f"\xff\xfe{link}\x00",
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_links_that_were_signed_for_kie_are_kept_without_what_signs_them(
    link: str, written: object
) -> None:
    """They open an owner's file for hours, with the session of a function."""
    assert callable(written)
    text = f"{written(link)} /callbacks/kie/{TASK_ID}/{TOKEN}"
    kept = REDACTION.kept_body(text.encode("latin-1"), TASK).decode("latin-1")
    ours = kept.replace(RESULT_LINK, "")
    assert [secret for secret in SECRETS if secret in ours] == []
    assert kept.count(RESULT_LINK) == text.count(RESULT_LINK)
    told = REDACTION.words(text, TASK)
    assert [secret for secret in SECRETS if secret in told] == []


def test_everything_else_is_kept_word_for_word() -> None:
    body = nested({"urls": [S3_LINK, RESULT_LINK], "prompt": "a Policy=none \u00e9 https://x"}, 1)
    kept = REDACTION.kept_body(body.encode(), TASK).decode()
    param = json.loads(json.loads(kept)["param"])
    assert param["prompt"] == "a Policy=none \u00e9 https://x"
    without = (
        "https://kie-assets.s3.eu-south-1.amazonaws.com/uploads/alice/upload_01.png"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[hidden]"
        "&X-Amz-Date=20260301T120000Z&X-Amz-Expires=21600&X-Amz-SignedHeaders=host"
        "&X-Amz-Security-Token=[hidden]&X-Amz-Signature=[hidden]"
    )
    assert param["urls"] == [without, RESULT_LINK]


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff\x00 no text", b'{"Signature": "none"}'])
def test_a_body_without_secrets_is_kept_as_it_came(raw: bytes) -> None:
    assert REDACTION.kept_body(raw, TASK) == raw


def test_a_large_body_is_read_in_no_time() -> None:
    """A body that is made to be slow must not keep Kie.ai waiting."""
    raw = (b"https://" * 40_000) + b"Signature=" + (b"%25" * 40_000) + S3_LINK.encode()
    assert SIGNATURE.encode() not in REDACTION.kept_body(raw, TASK)


WORDS = f"no {S3_LINK} by {RESULT_LINK} for {TOKEN}"
REPORTS: list[Report] = [
    Running(WORDS),
    Finished(WORDS, (Source(RESULT_LINK),), facts={"seed": 7, "note": WORDS}),
    Failed(WORDS, Failure("500", Category.UPSTREAM, WORDS, retryable=True)),
    NotVisible(WORDS),
    NotUnderstood(WORDS),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_no_word_of_a_report_tells_a_secret_and_its_results_can_be_fetched(report: Report) -> None:
    hidden = REDACTION.report(report, TASK)
    told = repr(hidden).replace(RESULT_LINK, "") if isinstance(report, Finished) else repr(hidden)
    assert [secret for secret in SECRETS if secret in told] == []
    if isinstance(hidden, Finished):
        assert hidden.sources == (Source(RESULT_LINK),)
        assert hidden.facts["seed"] == 7
