"""Verdicts that stand beside a record and not in it, and answers that name an id whatever else."""

import json
from typing import Any

import httpx
import pytest

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.errors.provider_errors import (
    ProviderBusyError,
    ProviderInputError,
    ProviderRejectedError,
    SubmissionUnknownError,
)
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Report,
    Running,
)
from kie_gateway.core.ports.kie import Accepted
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.record_webhook import Delivery, RecordWebhook
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.webhook import KieWebhooks
from tests.fakes import FakeArchive, FakeExecutions, FakeQueue, FakeTaskStore
from tests.flows import REDACTION, SECRET
from tests.makers import NOW, UPSTREAM_ID, make_task, running_task

NEW = "5be2c07a9d41463f8e70a1c2d3e4f506"
FLAGGED = "Your prompt was flagged by Website as violating content policies"
RECORD = {"taskId": NEW, "state": "fail", "failCode": "500", "failMsg": "Internal Error"}
# Verdicts that stood in the envelope alone, of tasks that had been visible.
IN_ENVELOPE: list[tuple[int, str, str, bool]] = [
    (400, FLAGGED, "content_policy", False),
    (422, f"Your request was rejected by Flow({FLAGGED}).", "content_policy", False),
    (501, "Video generation task failed", "upstream", True),
    (531, "Generation failed, credits refunded", "upstream", True),
    (413, "Song description contained a sensitive word", "content_policy", False),
    (451, "Failed to fetch the image", "input", False),
    (400, "Only English prompts are supported at this time", "input", False),
]
NO_VERDICTS: list[tuple[int, str, type[Any]]] = [
    (422, "recordInfo is null", NotVisible),
    (422, "The record does not exist", NotVisible),
    (404, "Task not found", NotVisible),
    (400, "taskId parameter is required", NotUnderstood),
    (400, "", NotUnderstood),
    (402, "Insufficient credits", NotUnderstood),
    (409, "Conflict", NotUnderstood),
    (400, "1080P is processing", Running),
    (408, "No upstream result for over 10 minutes", Running),
]


def client(body: Any, status: int = 200) -> KieClient:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    http = httpx.Client(base_url="https://kie.test", transport=transport)
    return KieClient(KieHttp(http, lambda: "secret-key", sleep=lambda _: None), REDACTION)


def asked(task: Task, body: Any) -> Report:
    return client(body).ask(task).report


def created(body: Any, status: int = 200, task_input: dict[str, str] | None = None) -> Accepted:
    return client(body, status).create(make_task(model="google/nano-banana"), task_input or {})


SEEN = running_task(family="veo", model="veo3", upstream_state="generating")
UNSEEN = running_task(family="veo", model="veo3")


@pytest.mark.parametrize(("code", "words", "category", "retryable"), IN_ENVELOPE)
def test_a_refusal_without_a_record_is_the_verdict_on_a_task_that_was_visible(
    code: int, words: str, category: str, retryable: bool
) -> None:
    """A moderated clip was "generating" at Kie.ai, and then only its envelope told of the end."""
    report = asked(SEEN, {"code": code, "msg": words, "data": None})
    assert isinstance(report, Failed)
    assert (report.failure.code, report.failure.message) == (str(code), words)
    assert report.failure.category.value == category
    assert report.failure.retryable is retryable


@pytest.mark.parametrize(("code", "words"), [case[:2] for case in IN_ENVELOPE])
@pytest.mark.parametrize("data", [None, {"taskId": NEW}])
def test_before_a_task_was_ever_visible_it_is_none(
    code: int, words: str, data: dict[str, str] | None
) -> None:
    """Records appear with a delay, and until then an answer may be about the question."""
    report = asked(UNSEEN, {"code": code, "msg": words, "data": data})
    assert isinstance(report, NotUnderstood | NotVisible)


@pytest.mark.parametrize(("code", "words", "kind"), NO_VERDICTS)
@pytest.mark.parametrize("task", [SEEN, UNSEEN])
def test_what_is_no_verdict_is_none_for_any_task(
    task: Task, code: int, words: str, kind: type[Any]
) -> None:
    assert isinstance(asked(task, {"code": code, "msg": words, "data": None}), kind)


def test_a_webhook_that_tells_of_a_failure_makes_the_task_a_visible_one() -> None:
    """A clip that is refused within seconds has ended long before anybody asks about it."""
    answer = {"code": 400, "msg": FLAGGED, "data": None}
    assert not isinstance(asked(UNSEEN, answer), Failed)
    store = FakeTaskStore(UNSEEN)
    recorder = RecordWebhook(
        tasks=store,
        reader=KieWebhooks(REDACTION, lambda: None),
        store_queue=FakeQueue(),
        watches=Watches(store, FakeExecutions(), lambda: NOW),
        archive=FakeArchive(),
        is_usable=lambda _: True,
        now=lambda: NOW,
    )
    body = {"code": 400, "msg": FLAGGED, "data": {"taskId": UPSTREAM_ID, "fallbackFlag": False}}
    token = callback_token(UNSEEN.task_id, SECRET)
    recorder(Delivery(UNSEEN.task_id, token, "1", {}, json.dumps(body).encode()))
    told = store.get(UNSEEN.task_id)
    assert told is not None
    # A claim is no verdict: Kie.ai is asked, and now its answer is understood.
    assert told.status is Status.RUNNING
    assert isinstance(asked(told, answer), Failed)


def test_a_record_is_believed_from_the_first_question_on() -> None:
    record = {"taskId": NEW, "successFlag": 3, "errorCode": 500, "errorMessage": "Internal Error"}
    assert isinstance(asked(UNSEEN, {"code": 200, "msg": "success", "data": record}), Failed)


@pytest.mark.parametrize(
    "key",
    [
        *("failMsg", "failMessage", "errorMessage", "error_message", "failedReason"),
        *("failed_reason", "failReason", "failureReason", "reason", "error"),
    ],
)
def test_a_reason_is_found_under_any_of_its_names(key: str) -> None:
    record = {"taskId": NEW, "state": "fail", key: FLAGGED}
    report = asked(running_task(), {"code": 200, "msg": "success", "data": record})
    assert isinstance(report, Failed)
    assert (report.failure.message, report.failure.category) == (FLAGGED, "content_policy")


def test_a_reason_may_be_an_object() -> None:
    error = {"code": "moderation_blocked", "message": "Rejected."}
    record = {"taskId": NEW, "state": "fail", "error": error}
    report = asked(running_task(), {"code": 200, "msg": "success", "data": record})
    assert isinstance(report, Failed)
    assert report.failure.message == "moderation_blocked: Rejected."
    assert report.failure.category == "content_policy"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"code": 201, "msg": "created", "data": {"taskId": NEW}}),
        (201, {"code": 201, "msg": "created", "data": {"taskId": NEW}}),
        (202, {"data": {"task_id": NEW}}),
        (200, {"code": "200", "data": {"recordId": NEW}}),
        (200, {"code": 200, "data": NEW}),
        (200, {"code": 200, "data": [{"taskId": NEW}]}),
        (200, {"code": 200, "data": json.dumps({"taskId": NEW})}),
        (200, {"taskId": NEW}),
        (200, {"code": 500, "msg": "Internal Error", "data": {"taskId": NEW}}),
        (200, {"code": 500, "msg": "Credits insufficient", "data": {"taskId": NEW}}),
        (200, {"code": 429, "msg": "Rate limit exceeded", "data": {"taskId": NEW}}),
        (200, {"code": 400, "msg": FLAGGED, "data": {"taskId": NEW}}),
        (200, {"code": 501, "msg": "Generation failed", "data": {"taskId": NEW}}),
        (500, {"code": 500, "msg": "Internal Error", "data": {"taskId": NEW}}),
        (502, {"code": 200, "msg": "success", "data": {"taskId": NEW}}),
        (200, f'{{"code":200,"msg":"success","data":{{"taskId":"{NEW}","rec'.encode()),
        (504, f'{{"code":200,"msg":"success","data":{{"taskId":"{NEW}"'.encode()),
    ],
)
def test_an_answer_that_names_a_new_task_is_kept_whatever_else_it_says(
    status: int, body: Any
) -> None:
    """The id is all that is needed to ask; without it a paid task would be lost or made twice."""
    accepted = created(body, status)
    assert (accepted.upstream_task_id, accepted.at_once) == (NEW, None)


def test_a_record_that_says_failed_is_the_verdict_at_once() -> None:
    accepted = created({"code": 501, "msg": "Playground task failed.", "data": RECORD})
    assert accepted.upstream_task_id == NEW
    assert isinstance(accepted.at_once, Failed)


@pytest.mark.parametrize(
    ("code", "words", "error"),
    [
        (422, "Record does not exist", ProviderInputError),
        (429, "Rate limit exceeded", ProviderBusyError),
        (505, "The requested feature is currently disabled", ProviderRejectedError),
        (500, "Internal Error", SubmissionUnknownError),
    ],
)
@pytest.mark.parametrize("key", ["taskId", "task_id"])
def test_an_id_that_the_request_named_is_no_new_task(
    code: int, words: str, error: type[Exception], key: str
) -> None:
    body = {"code": code, "msg": words, "data": {"taskId": "the-earlier-one"}}
    with pytest.raises(error):
        created(body, task_input={key: "the-earlier-one"})


@pytest.mark.parametrize(
    "body", [b'{"code":422,"data":{"taskId":"the-earlier-one"', b'{"error":"x"}', b"[]"]
)
def test_a_broken_answer_about_an_earlier_task_proves_nothing(body: bytes) -> None:
    with pytest.raises(SubmissionUnknownError):
        created(body, task_input={"taskId": "the-earlier-one"})


@pytest.mark.parametrize("data", ["ok", "success", "", "no task id here", 200, True, [], ["x"]])
def test_not_everything_in_the_place_of_an_id_is_one(data: Any) -> None:
    with pytest.raises(SubmissionUnknownError):
        created({"code": 200, "msg": "success", "data": data})


def test_a_page_that_keeps_us_out_is_no_word_about_the_key() -> None:
    """Cloudflare's firewall stands before Kie.ai; the key never got there."""
    page = b"<!DOCTYPE html><html><title>Just a moment...</title></html>"
    with pytest.raises(ProviderBusyError) as busy:
        client(page, 403).ask(SEEN)
    assert busy.value.retry_after_seconds == 60
    with pytest.raises(ProviderBusyError) as kept_out:
        created(page, 403)
    assert (kept_out.value.provider_code, kept_out.value.retry_after_seconds) == ("403", 60)


def test_a_result_in_the_answer_to_a_creation_is_still_taken() -> None:
    record = {"taskId": NEW, "state": "success", "resultJson": '{"resultUrls":["https://a.b/c"]}'}
    assert isinstance(created({"code": 201, "data": record}).at_once, Finished)
