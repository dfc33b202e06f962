"""The client of Kie.ai's HTTP API: what is sent, what is repeated, and what an outcome proves."""

import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest

from dev.ports import choose_port
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderContractError,
    ProviderError,
    ProviderInputError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.polling.report import Finished
from kie_gateway.kie.client import CREATE_TIMEOUT, KieClient
from kie_gateway.kie.families.registry import family_of
from kie_gateway.kie.http import ASK_TIMEOUT, KieHttp
from tests.flows import CALLBACK, REDACTION
from tests.makers import make_task, running_task

KEY = "kie-secret-key-4711"
TASK = {"code": 200, "msg": "success", "data": {"taskId": "t-1"}}
type Handler = Callable[[httpx.Request], httpx.Response]


class Wire:
    """Everything that was sent, and the pauses between."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self._handler = handler
        http = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(self._note))
        line = KieHttp(http, lambda: KEY, sleep=self.pauses.append, spread=lambda: 0.5)
        self.client = KieClient(line, REDACTION)

    def _note(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._handler(request)


def answer(body: Any = TASK, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    if isinstance(body, bytes):
        return lambda _: httpx.Response(status, content=body, headers=headers)
    return lambda _: httpx.Response(status, json=body, headers=headers)


def trouble(error: Exception) -> Handler:
    def raise_it(_: httpx.Request) -> httpx.Response:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("model", "task_input", "path", "body"),
    [
        (
            "google/nano-banana",
            {"prompt": "x"},
            "/api/v1/jobs/createTask",
            {"model": "google/nano-banana", "callBackUrl": CALLBACK, "input": {"prompt": "x"}},
        ),
        (
            "gpt4o-image",
            {"prompt": "x", "size": "1:1"},
            "/api/v1/gpt4o-image/generate",
            {"prompt": "x", "size": "1:1", "callBackUrl": CALLBACK},
        ),
        (
            "flux-kontext-max",
            {"prompt": "x"},
            "/api/v1/flux/kontext/generate",
            {"prompt": "x", "model": "flux-kontext-max", "callBackUrl": CALLBACK},
        ),
        (
            "veo3",
            {"prompt": "x"},
            "/api/v1/veo/generate",
            {"prompt": "x", "model": "veo3", "callBackUrl": CALLBACK},
        ),
        (
            "veo3/4k",
            {"taskId": "v"},
            "/api/v1/veo/get-4k-video",
            {"taskId": "v", "callBackUrl": CALLBACK},
        ),
        (
            "runway/extend",
            {"taskId": "r"},
            "/api/v1/runway/extend",
            {"taskId": "r", "callBackUrl": CALLBACK},
        ),
        (
            "runway/aleph",
            {"prompt": "x"},
            "/api/v1/aleph/generate",
            {"prompt": "x", "callBackUrl": CALLBACK},
        ),
        (
            "V5",
            {"prompt": "x"},
            "/api/v1/generate",
            {"prompt": "x", "model": "V5", "callBackUrl": CALLBACK},
        ),
        (
            "suno/vocal-removal",
            {"taskId": "s"},
            "/api/v1/vocal-removal/generate",
            {"taskId": "s", "callBackUrl": CALLBACK},
        ),
    ],
)
def test_creations_go_where_their_family_wants_them(
    model: str, task_input: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    wire = Wire(answer())
    assert wire.client.create(make_task(model=model), task_input).upstream_task_id == "t-1"
    [request] = wire.requests
    assert (request.method, request.url.path) == ("POST", path)
    assert httpx.Response(200, content=request.content).json() == body
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("model", "task_input", "path"),
    [
        ("google/nano-banana", {}, "/api/v1/jobs/recordInfo?taskId=t-1"),
        ("gpt4o-image", {}, "/api/v1/gpt4o-image/record-info?taskId=t-1"),
        ("veo3", {}, "/api/v1/veo/record-info?taskId=t-1"),
        ("veo3/1080p", {"index": 1}, "/api/v1/veo/get-1080p-video?taskId=t-1&index=1"),
        ("runway/generate", {}, "/api/v1/runway/record-detail?taskId=t-1"),
        ("suno/generate", {}, "/api/v1/generate/record-info?taskId=t-1"),
        ("suno/lyrics", {}, "/api/v1/lyrics/record-info?taskId=t-1"),
        ("suno/cover", {}, "/api/v1/suno/cover/record-info?taskId=t-1"),
    ],
)
def test_questions_go_where_their_family_wants_them(
    model: str, task_input: dict[str, Any], path: str
) -> None:
    wire = Wire(answer({"code": 200, "msg": "success", "data": None}))
    task = running_task(
        model=model, family=family_of(model).name, input=task_input, upstream_task_id="t-1"
    )
    wire.client.ask(task)
    assert str(wire.requests[0].url) == f"https://kie.test{path}"


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (trouble(httpx.ConnectError("x")), ProviderUnreachableError),
        (trouble(httpx.ConnectTimeout("x")), ProviderUnreachableError),
        (trouble(httpx.PoolTimeout("x")), ProviderUnreachableError),
        (trouble(httpx.ReadTimeout("x")), SubmissionUnknownError),
        (trouble(httpx.WriteTimeout("x")), SubmissionUnknownError),
        (trouble(httpx.ReadError("x")), SubmissionUnknownError),
        (trouble(httpx.RemoteProtocolError("x")), SubmissionUnknownError),
        (answer(b"<html>", 502), SubmissionUnknownError),
        (answer(b"<html>", 524), SubmissionUnknownError),
        (answer(b"", 200), SubmissionUnknownError),
        (answer(b'{"code":200,"da', 200), SubmissionUnknownError),
        (answer({"code": 200, "data": {}}), SubmissionUnknownError),
        (answer({"code": 200, "data": None}), SubmissionUnknownError),
        (answer({"code": 408, "msg": "timeout"}), SubmissionUnknownError),
        (answer(b"busy", 429), ProviderBusyError),
        (answer(b"no", 403), ProviderAuthError),
        (answer(b"no", 422), ProviderInputError),
        (answer({"code": 422, "msg": "prompt cannot be empty"}), ProviderInputError),
    ],
)
def test_a_creation_is_sent_once_and_its_outcome_is_exact(
    handler: Handler, error: type[ProviderError]
) -> None:
    wire = Wire(handler)
    with pytest.raises(error) as raised:
        wire.client.create(make_task(model="google/nano-banana"), {})
    assert type(raised.value) is error
    assert len(wire.requests) == 1
    assert wire.pauses == []


@pytest.mark.parametrize(
    ("handler", "seconds"),
    [
        (answer({"code": 429, "msg": "Rate limit"}), None),
        (answer({"code": 429, "msg": "Rate limit"}, 429, {"Retry-After": "7"}), 7.0),
        (answer(b"", 429, {"Retry-After": "7"}), 7.0),
        (answer({"code": 429, "msg": "x"}, 200, {"Retry-After": "999999"}), 3600.0),
        (answer({"code": 429, "msg": "x"}, 200, {"Retry-After": "soon"}), None),
        (answer({"code": 433, "msg": "cap"}), 600.0),
        (answer({"code": 455, "msg": "maintenance"}), 60.0),
    ],
)
def test_a_busy_kie_says_when_to_come_back(handler: Handler, seconds: float | None) -> None:
    with pytest.raises(ProviderBusyError) as busy:
        Wire(handler).client.create(make_task(model="google/nano-banana"), {})
    assert busy.value.retry_after_seconds == seconds


def test_a_creation_may_hold_its_result() -> None:
    data = {"taskId": "t-1", "state": "success", "resultJson": '{"resultUrls":["https://a.b/c"]}'}
    accepted = Wire(answer({"code": 200, "data": data})).client.create(make_task(model="x/y"), {})
    assert accepted.upstream_task_id == "t-1"
    assert isinstance(accepted.at_once, Finished)


def test_an_upgrade_that_runs_is_accepted_under_the_id_of_its_clip() -> None:
    processing = answer({"code": 500, "msg": "1080P is still processing", "data": None})
    accepted = Wire(processing).client.create(make_task(model="veo3/1080p"), {"taskId": "clip"})
    assert (accepted.upstream_task_id, accepted.at_once) == ("clip", None)


@pytest.mark.parametrize(
    "handler",
    [
        trouble(httpx.ConnectError("x")),
        trouble(httpx.ReadTimeout("x")),
        answer(b"<html>", 502),
        answer(b"<html>", 520),
    ],
)
def test_a_question_is_repeated_with_growing_pauses(handler: Handler) -> None:
    wire = Wire(handler)
    with pytest.raises((ProviderUnreachableError, ProviderBusyError)):
        wire.client.ask(running_task())
    assert len(wire.requests) == 3
    assert wire.pauses == pytest.approx([0.2, 0.4])


def test_a_question_is_answered_when_the_way_is_free_again() -> None:
    answers = iter([httpx.Response(503), httpx.Response(200, json={"code": 200, "data": None})])
    wire = Wire(lambda _: next(answers))
    wire.client.ask(running_task())
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (answer({"code": 401, "msg": "no"}), ProviderAuthError),
        (answer({"code": 500, "msg": "Server exception"}), ProviderBusyError),
        (answer(b"<html>", 500), ProviderBusyError),
        (answer(b"<html>", 200), ProviderContractError),
        (answer([1]), ProviderContractError),
    ],
)
def test_an_answer_that_tells_nothing_is_not_repeated(
    handler: Handler, error: type[ProviderError]
) -> None:
    wire = Wire(handler)
    with pytest.raises(error):
        wire.client.ask(running_task())
    assert len(wire.requests) == 1


def test_each_phase_has_its_own_patience() -> None:
    wire = Wire(answer())
    wire.client.create(make_task(model="x/y"), {})
    wire.client.ask(running_task())
    given = [request.extensions["timeout"] for request in wire.requests]
    assert given == [CREATE_TIMEOUT.as_dict(), ASK_TIMEOUT.as_dict()]
    assert given[0]["connect"] < given[0]["read"]


@pytest.mark.parametrize(
    "handler",
    [
        answer({"code": 401, "msg": f"key {KEY} is unknown"}),
        answer({"code": 422, "msg": f"prompt cannot hold {KEY}"}),
        answer({"code": 500, "msg": f"exception {KEY}"}),
        trouble(httpx.ReadError(f"Authorization: Bearer {KEY}")),
        trouble(httpx.ConnectError(f"Authorization: Bearer {KEY}")),
    ],
)
def test_the_key_is_written_nowhere(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wire = Wire(handler)
    for call in (
        lambda: wire.client.create(make_task(model="x/y"), {}),
        lambda: wire.client.ask(running_task()),
    ):
        told = _told_of(call)
        assert KEY not in told
    assert KEY not in caplog.text


def _told_of(call: Callable[[], object]) -> str:
    try:
        return repr(call())
    except ProviderError as error:
        hidden = error.__suppress_context__ or error.__context__ is None
        return f"{error!r} {error} {vars(error)} {error.__cause__!r} {'' if hidden else KEY}"


class _Kie(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[tuple[str, int]]] = set()

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        body = b'{"code":200,"msg":"success","data":null}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def kie_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Kie)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_connection_serves_many_questions(kie_url: str) -> None:
    _Kie.connections.clear()
    with httpx.Client(base_url=kie_url) as http:
        client = KieClient(KieHttp(http, lambda: KEY), REDACTION)
        for _ in range(5):
            client.ask(running_task())
    assert len(_Kie.connections) == 1


def test_nobody_listening_is_surely_not_created() -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{choose_port()}") as http:
        client = KieClient(KieHttp(http, lambda: KEY), REDACTION)
        with pytest.raises(ProviderUnreachableError):
            client.create(make_task(model="x/y"), {})


@pytest.mark.parametrize("named", ["x" * 3000, "a\nb", "\u4efb\u52a1", "  "])
def test_what_can_be_no_id_is_not_taken_for_one(named: str) -> None:
    """Ids are keys of an index, which takes 2,048 bytes; a creation under another is in doubt."""
    wire = Wire(answer({"code": 200, "msg": "success", "data": {"taskId": named}}))
    with pytest.raises(SubmissionUnknownError):
        wire.client.create(make_task(model="google/nano-banana"), {"prompt": "x"})
    assert len(wire.requests) == 1
