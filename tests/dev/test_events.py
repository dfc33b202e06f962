"""Events and answers at the front are API Gateway's, byte for byte where it matters."""

from __future__ import annotations

import base64
import json
import re
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dev.events import Request
from dev.gateway import HttpApi
from sam_template.template import Cors, Route
from tests.dev.support import call

if TYPE_CHECKING:
    import io

    from dev.cloud import LocalCloud
    from dev.functions import Outcome


def test_event_is_a_payload_2_0_event(cloud: LocalCloud) -> None:
    """Everything that API Gateway sends is there, and nothing else."""
    headers = {"X-One": "1", "Cookie": "a=1; b=2", "User-Agent": "t", "Host": "evil.example.com"}
    answer = call(cloud.url, "/v1/a%20b/c?x=1&x=2&y=%C3%A9&z=", headers=headers)
    event = answer.json()
    context = event.pop("requestContext")
    trace = event["headers"].pop("x-amzn-trace-id")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
    assert event == {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": "/v1/a b/c",
        "rawQueryString": "x=1&x=2&y=%C3%A9&z=",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "x-one": "1",
            "user-agent": "t",
            "accept-encoding": "identity",
            "content-length": "0",
            "host": "api.example.com",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"x": "1,2", "y": "é", "z": ""},
        "pathParameters": {"proxy": "v1/a b/c"},
        "isBase64Encoded": False,
    }
    moment, epoch, request_id = (context.pop(n) for n in ("time", "timeEpoch", "requestId"))
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", moment)
    assert isinstance(epoch, int)
    assert answer.header("apigw-requestid") == request_id
    assert context == {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": "api.example.com",
        "domainPrefix": "api",
        "http": {
            "method": "GET",
            "path": "/v1/a b/c",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "t",
        },
        "routeKey": "ANY /{proxy+}",
        "stage": "$default",
    }


def test_text_body_stays_text_and_binary_is_encoded(cloud: LocalCloud) -> None:
    """Only what is no text is base64."""
    text = call(cloud.url, "/x", "POST", '{"é":1}'.encode(), {"Content-Type": "application/json"})
    assert (text.json()["body"], text.json()["isBase64Encoded"]) == ('{"é":1}', False)
    binary = call(cloud.url, "/x", "POST", b"\xff\x00", {"Content-Type": "image/png"}).json()
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b"\xff\x00", True)


def test_chunked_body_arrives_whole(cloud: LocalCloud) -> None:
    """A sender need not know the length."""
    parts = iter([b"one,", b"two"])
    assert call(cloud.url, "/x", "POST", parts).json()["body"] == "one,two"


def test_most_specific_route_wins(cloud: LocalCloud) -> None:
    """A route with a method goes before ANY, plain variables before a greedy one."""
    posted = call(cloud.url, "/callbacks/task_9/secret", "POST", b"{}").json()
    assert posted["routeKey"] == "POST /callbacks/{task_id}/{token}"
    assert posted["pathParameters"] == {"task_id": "task_9", "token": "secret"}
    assert call(cloud.url, "/callbacks/a/b").json()["routeKey"] == "ANY /{proxy+}"


def test_no_route_is_api_gateways_own_answer(cloud: LocalCloud) -> None:
    """The small stack has no route for the root."""
    for method in ("GET", "TRACE", "BREW"):
        answer = call(cloud.url, "/", method)
        assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


def test_answers_are_inferred_as_api_gateway_does(cloud: LocalCloud) -> None:
    """A bare object becomes 200 JSON; cookies, bytes and statuses arrive as named."""
    bare = call(cloud.url, "/bare")
    assert (bare.status, bare.header("content-type")) == (200, "application/json")
    assert bare.json() == {"made": "of", "no": "status"}
    binary = call(cloud.url, "/binary")
    assert (binary.body, binary.header("content-type")) == (bytes(range(256)), "image/png")
    cookies = call(cloud.url, "/cookies")
    assert cookies.status == 201
    assert [v for k, v in cookies.headers if k == "set-cookie"] == ["a=1; Path=/", "b=2"]
    assert cookies.header("content-type") == "text/plain;charset=UTF-8"


def test_head_has_no_body_and_keeps_the_connection_in_step(cloud: LocalCloud) -> None:
    """The length is told, the body is not sent."""
    answer = call(cloud.url, "/bare", "HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_function_errors_are_500_and_tell_nothing(cloud: LocalCloud) -> None:
    """An exception, an unreadable answer and a dead process look alike from outside."""
    for path in ("/raise", "/nonsense", "/exit/3"):
        answer = call(cloud.url, path)
        assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}'), path


class Endless:
    """A function that never ends."""

    spec: Any = None

    def __init__(self) -> None:
        self.outcome: Future[Outcome] = Future()
        self.outcome.set_running_or_notify_cancel()

    def submit(self, payload: bytes, *, patient: bool = False) -> Future[Outcome]:
        del payload, patient
        return self.outcome

    def processes(self) -> list[dict[str, Any]]:
        return []

    def stop(self) -> None:
        """Leave it as it is: what is under way cannot be taken back."""


def test_slow_function_is_503() -> None:
    """API Gateway gives up, the function goes on."""
    function = Endless()
    routes = [Route("ANY", "/{proxy+}", "Endless")]
    api = HttpApi(routes, Cors(), {"Endless": function}, "https://api.example.com", 0.1)
    now = datetime.now(UTC)
    answer = api.answer(Request("GET", "/x", "", (), b"", "127.0.0.1", "1", now))
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    assert not function.outcome.done()


def test_large_body_is_413(cloud: LocalCloud) -> None:
    """Ten megabytes pass, one byte more does not."""
    answer = call(cloud.url, "/x", "POST", b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_preflight_is_answered_without_the_function(cloud: LocalCloud) -> None:
    """Only an origin of the template gets headers."""
    asks = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = call(cloud.url, "/x", "OPTIONS", headers=asks)
    assert answer.status == 204
    assert {k: v for k, v in answer.headers if k.startswith("access-control")} == {
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "Authorization",
        "access-control-max-age": "600",
    }
    stranger = call(cloud.url, "/x", "OPTIONS", headers={**asks, "Origin": "https://evil"})
    assert stranger.status == 204
    assert stranger.header("access-control-allow-origin") is None


def test_cors_headers_replace_the_functions(cloud: LocalCloud) -> None:
    """What the function says of CORS is dropped, origin or not."""
    answer = call(cloud.url, "/binary", headers={"Origin": "https://other.example.com"})
    assert answer.header("access-control-allow-origin") == "https://other.example.com"
    assert answer.header("access-control-expose-headers") == "ETag"
    assert call(cloud.url, "/binary").header("access-control-allow-origin") is None


def test_header_values_cannot_start_a_new_header(cloud: LocalCloud) -> None:
    """A line break in a function's header is taken out."""
    assert call(cloud.url, "/inject").header("x-evil") is None


def test_log_has_a_line_per_request_and_masks_tokens(cloud: LocalCloud, lines: io.StringIO) -> None:
    """What a function prints stands there too, without powertools' boilerplate."""
    call(cloud.url, "/callbacks/task_9/very-secret", "POST", b"{}")
    call(cloud.url, "/print")
    until = time.monotonic() + 5
    # What is printed comes through a pipe of its own.
    while "plain words\n" not in (shown := lines.getvalue()) and time.monotonic() < until:
        time.sleep(0.01)
    assert re.search(r"http +task_9  POST /callbacks/task_9/\*\*\* 200 \d+ ms\n", shown)
    assert "very-secret" not in shown
    assert re.search(r"echo +task_1  printed n=1\n", shown)
    assert re.search(r"echo +-  plain words\n", shown)


def test_processes_are_shown_to_this_machine_only(cloud: LocalCloud) -> None:
    """A tunnel's visitors see API Gateway's routes and nothing of ours."""
    found = json.loads(call(cloud.url, "/_dev/processes").body)
    assert found["EchoFunction"]
    outside = call(cloud.url, "/_dev/processes", headers={"Host": "tunnel.example.com"})
    assert outside.json()["rawPath"] == "/_dev/processes"
