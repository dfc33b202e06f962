"""
Every known wording of a refusal or a failure means what the tables in `tests/words/` say.

The wordings come from Kie.ai's pages, from recorded traffic, and from the tables, tests and logs of
public clients and of the makers of the models; some are made up to hold a trap. Each row says where
it comes from and why it is read as it is.
"""

import csv
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderError,
    ProviderInputError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    SubmissionUnknownError,
)
from kie_gateway.core.failure import Category
from kie_gateway.core.polling.report import Failed
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.families.registry import family
from kie_gateway.kie.http import KieHttp
from tests.flows import REDACTION
from tests.makers import make_task

FOLDER = Path(__file__).parents[1] / "words"
CLASSES: dict[str, type[ProviderError]] = {
    "busy": ProviderBusyError,
    "no_credits": ProviderNoCreditsError,
    "unknown": SubmissionUnknownError,
}
# What is raised for a refusal, by its category.
REFUSALS: dict[Category, type[ProviderError]] = {
    Category.INPUT: ProviderInputError,
    Category.CONTENT_POLICY: ProviderInputError,
    Category.INTERNAL: ProviderAuthError,
    Category.UPSTREAM: ProviderRejectedError,
}


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


CREATIONS = rows("creations.csv")
FAILURES = rows("failures.csv")


def named(row: dict[str, str]) -> str:
    return f"{row.get('status', '')} {row['code']} {row['text'][:60]}"


def answered(row: dict[str, str]) -> KieClient:
    """Answer the one creation as the row says: with an envelope, a page, or nothing."""
    content = row["text"].encode()
    if row["code"]:
        body = {"code": int(row["code"]), "msg": row["text"], "data": None}
        content = json.dumps(body).encode()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(int(row["status"]), content=content)

    http = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(answer))
    return KieClient(KieHttp(http, lambda: "secret-key", sleep=lambda _: None), REDACTION)


@pytest.mark.parametrize("row", CREATIONS, ids=named)
def test_a_refused_creation_is_read_as_what_its_answer_proves(row: dict[str, str]) -> None:
    with pytest.raises(ProviderError) as raised:
        answered(row).create(make_task(model="google/nano-banana"), {"prompt": "x"})
    error = raised.value
    if row["reading"] == "refused":
        category = Category(row["category"])
        assert isinstance(error, ProviderRejectedError)
        assert error.category == category, row["reason"]
        assert type(error) is REFUSALS[category], row["reason"]
    else:
        assert type(error) is CLASSES[row["reading"]], row["reason"]
        assert row["category"] == ""


@pytest.mark.parametrize("row", FAILURES, ids=named)
def test_a_failed_task_is_put_into_the_right_category(row: dict[str, str]) -> None:
    record: dict[str, Any] = {"taskId": "5be2c07a9d41463f8e70a1c2d3e4f506", "state": "fail"}
    if row["where"] == "status":
        record |= {"failCode": row["code"], "failMsg": row["text"], "resultJson": ""}
        body: dict[str, Any] = {"code": 200, "msg": "success", "data": record}
    else:
        body = {"code": int(row["code"]), "msg": row["text"], "data": record}
    report = family("market").interpret(body)
    assert isinstance(report, Failed)
    assert report.failure.category.value == row["category"], row["reason"]
    assert report.failure.retryable is (row["retryable"] == "yes"), row["reason"]
    assert report.failure.message == row["text"]


def test_the_tables_are_large_and_say_where_each_wording_comes_from() -> None:
    everything = [*CREATIONS, *FAILURES]
    assert len(everything) >= 120
    assert all(row["source"] and row["reason"] for row in everything)
    places = [(r.get("status"), r.get("where"), r["code"], r["text"]) for r in everything]
    assert len(set(places)) == len(places)
    assert {row["reading"] for row in CREATIONS} == {"busy", "no_credits", "refused", "unknown"}


@pytest.mark.parametrize("word", ["credit", "balance", "insufficient", "recharge", "top up"])
@pytest.mark.parametrize("code", [400, 422, 429, 430, 455, 500, 501, 503])
@pytest.mark.parametrize(
    "sentence",
    ["the {} of it", "{} service error, try again later", "not enough {} for the reference image"],
)
def test_a_word_in_a_sentence_never_speaks_of_the_account(
    word: str, code: int, sentence: str
) -> None:
    """A text that only holds such a word once stopped the creations of everybody for an hour."""
    row = {"status": "200", "code": str(code), "text": sentence.format(word)}
    with pytest.raises(ProviderError) as raised:
        answered(row).create(make_task(model="google/nano-banana"), {"prompt": "x"})
    assert not isinstance(raised.value, ProviderNoCreditsError)
    if code >= 500:
        assert type(raised.value) is SubmissionUnknownError


@pytest.mark.parametrize(
    "words", ["input was rejected ", "violat ", "aB", "a, ", "blocked by ", '"', "系统"]
)
def test_words_of_any_length_are_read_at_once(words: str) -> None:
    row = {"status": "200", "code": "500", "text": words * 50_000}
    started = time.monotonic()
    with pytest.raises(SubmissionUnknownError):
        answered(row).create(make_task(model="google/nano-banana"), {"prompt": "x"})
    assert time.monotonic() - started < 2
