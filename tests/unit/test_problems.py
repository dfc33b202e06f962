"""Problems: every error that callers may see has a kind, and every kind says what it means."""

import re
from collections.abc import Iterator
from string import ascii_lowercase

import pytest

from kie_gateway.core.callers.allowance import Allowance
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, TaskStalledError
from kie_gateway.core.errors.base import ConfigurationError, GatewayError
from kie_gateway.core.errors.caller_errors import (
    CreationsStoppedError,
    IdempotencyMismatchError,
    OutputDeletedError,
    TaskNotFoundError,
    TaskSettledError,
    TooManyRequestsError,
    TooManyTasksError,
    WebhookRefusedError,
)
from kie_gateway.core.errors.provider_errors import (
    OutOfTimeError,
    ProviderBusyError,
    ProviderContractError,
    ProviderUnreachableError,
)
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.web.problem_types import TYPES, ProblemCode
from kie_gateway.web.problems import INTERNAL, Problem, problem_of

BASE = "https://gateway.test"
# Errors that no route lets out: those of other functions, and bases that are never raised.
NEVER_SEEN = {
    *("invalid_request", "webhook_refused", "task_stalled", "configuration_error"),
}


def kinds(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def test_every_error_has_a_kind_of_problem() -> None:
    codes = {kind.code for kind in kinds(GatewayError)}
    assert codes - NEVER_SEEN <= TYPES.keys()
    assert NEVER_SEEN.isdisjoint(TYPES)


def test_the_codes_are_a_closed_list() -> None:
    assert [code.value for code in ProblemCode] == list(TYPES)


@pytest.mark.parametrize("code", TYPES)
def test_every_kind_says_what_it_means_and_what_to_do(code: str) -> None:
    kind = TYPES[code]
    assert set(code) <= set(ascii_lowercase) | {"_"}
    assert 400 <= kind.status <= 503
    assert not kind.title.endswith(".")
    for words in (kind.meaning, kind.action):
        assert words.endswith(".")
        assert words.count("`") % 2 == 0


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (TaskNotFoundError("x"), 404, None),
        (TaskSettledError("x"), 409, None),
        (OutputDeletedError("x"), 410, None),
        (IdempotencyMismatchError("x"), 422, None),
        (TooManyRequestsError(Allowance(3, 4, 17)), 429, 17),
        (TooManyTasksError(3, 3), 429, 10),
        (ProviderContractError("x"), 502, None),
        (ProviderUnreachableError("x"), 502, None),
        (OutOfTimeError("x"), 503, 5),
        (ProviderBusyError("x"), 503, 5),
        (CreationsStoppedError("x"), 503, 60),
        (BackendUnavailableError("x"), 503, 5),
        (StorageError("x"), 503, 5),
    ],
)
def test_an_error_is_told_with_its_status(
    error: GatewayError, status: int, retry_after: int | None
) -> None:
    problem = problem_of(error)
    body = problem.body("request-1", BASE)
    assert (body["status"], body["code"]) == (status, error.code)
    assert body["type"] == f"{BASE}/problems/{error.code}"
    assert problem.retry_after_seconds == retry_after
    assert problem.headers()["X-Error-Code"] == error.code


@pytest.mark.parametrize(
    "error",
    [
        GatewayError("a secret"),
        ConfigurationError("a secret"),
        TaskStalledError("a secret"),
        WebhookRefusedError("a secret"),
    ],
)
def test_an_error_that_is_not_for_callers_keeps_its_words(error: GatewayError) -> None:
    assert problem_of(error) is INTERNAL


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("there is no such task", "There is no such task."),
        ("did you mean veo3?", "Did you mean veo3?"),
        ("Kie.ai is busy.", "Kie.ai is busy."),
    ],
)
def test_details_are_sentences(words: str, told: str) -> None:
    assert problem_of(TaskNotFoundError(words)).detail == told


def test_titles_are_the_same_for_every_occurrence_and_tell_kinds_apart() -> None:
    titles = [kind.title for kind in TYPES.values()]
    assert len(set(titles)) == len(titles)
    assert Problem("forbidden", "one").body("", BASE)["title"] == TYPES["forbidden"].title


def test_pages_name_only_calls_and_headers_that_there_are() -> None:
    words = " ".join(f"{kind.meaning} {kind.action}" for kind in TYPES.values())
    calls = set(re.findall(r"`(?:GET|POST) (/[^`]+)`", words))
    lists = ("batches", "credits", "keys", "models", "recipes", "tasks", "uploads")
    endpoints = "/v1/webhook-endpoints"
    of_endpoints = {endpoints, f"{endpoints}/{{endpoint_id}}/deliveries"}
    assert calls == {f"/v1/{name}" for name in lists} | of_endpoints
