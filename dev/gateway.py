"""
API Gateway itself: routes, limits, errors and CORS, without the HTTP server in front of it.

Limits: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html. It does
not name the answers; 413 and 503 with these bodies are what HTTP APIs send, 431 is the status that
RFC 6585 has for heads that are too large.
"""

from __future__ import annotations

import json
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from dev import events
from dev.events import Request, Response
from dev.routes import Router
from dev.service_rules import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dev.functions import Function
    from dev.routes import Match
    from sam_template.template import Cors, Route

MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_SECONDS = 30.0
# The request line and the values of all headers.
MAX_HEAD_BYTES = 10_240
_LOOK_AGAIN_SECONDS = 0.02


class HttpApi:
    """
    One HTTP API.

    Args:
        public_url: The address it is reached under, for the events.
        integration_seconds: How long a function may take; shorter in tests only.
        allowed: Tells whether the API may invoke a function for a route's method and path.

    """

    def __init__(
        self,
        routes: Iterable[Route],
        cors: Cors,
        functions: Mapping[str, Function],
        public_url: str,
        integration_seconds: float = INTEGRATION_SECONDS,
        *,
        allowed: Callable[[str, str, str], bool] = lambda *_: True,
    ) -> None:
        self._allowed = allowed
        self._router = Router(routes)
        self._cors = cors
        self._functions = functions
        self._public_url = public_url
        self._integration_seconds = integration_seconds

    def find(self, method: str, path: str) -> Match | None:
        return self._router.find(method, path)

    def answer(self, request: Request) -> Response:
        """Answer a request the way API Gateway would."""
        if self._is_preflight(request):
            return self._preflight(request)
        return self._with_cors(request, self._routed(request))

    def _routed(self, request: Request) -> Response:
        match = self.find(request.method, request.path)
        if match is None:
            return message(404, "Not Found", request)
        if _head_bytes(request) > MAX_HEAD_BYTES:
            return message(431, "Request Header Fields Too Large", request)
        payload = json.dumps(events.event(request, match, self._public_url)).encode()
        if not self._may_invoke(match.route, payload):
            # Lambda refuses the invocation; callers see no more than of one that fails.
            return message(500, "Internal Server Error", request)
        return self._invoked(match.route, payload, request)

    def _may_invoke(self, route: Route, payload: bytes) -> bool:
        if len(payload) > MAX_PAYLOAD_BYTES:
            return False
        return self._allowed(route.function, route.method, route.path)

    def _invoked(self, route: Route, payload: bytes, request: Request) -> Response:
        function = self._functions[route.function]
        pending = function.submit(payload, patient=_waits_for_news(request))
        while not (pending.running() or pending.done()):
            # Waiting for a process of this machine: AWS would have started another at once.
            wait([pending], _LOOK_AGAIN_SECONDS)
        try:
            outcome = pending.result(self._integration_seconds)
        except FutureTimeoutError:
            return message(503, "Service Unavailable", request)
        if outcome.failed:
            return message(500, "Internal Server Error", request)
        try:
            return _with_request_id(events.response(outcome.payload), request)
        except events.UnreadableAnswerError:
            return message(500, "Internal Server Error", request)

    def _is_preflight(self, request: Request) -> bool:
        return (
            request.method == "OPTIONS"
            and bool(self._cors.origins)
            and request.header("origin") is not None
            and request.header("access-control-request-method") is not None
        )

    def _preflight(self, request: Request) -> Response:
        headers = self._origin_headers(request)
        if headers:
            headers += _listed("access-control-allow-methods", self._cors.methods)
            headers += _listed("access-control-allow-headers", self._cors.headers)
            if self._cors.max_age is not None:
                headers.append(("access-control-max-age", str(self._cors.max_age)))
        return _with_request_id(Response(204, b"", tuple(headers)), request)

    def _with_cors(self, request: Request, answer: Response) -> Response:
        """Put the API's CORS headers in the place of the function's."""
        if not self._cors.origins:
            return answer
        kept = [h for h in answer.headers if not h[0].startswith("access-control-")]
        own = self._origin_headers(request)
        if own:
            own += _listed("access-control-expose-headers", self._cors.exposed)
        return Response(answer.status, answer.body, (*kept, *own))

    def _origin_headers(self, request: Request) -> list[tuple[str, str]]:
        origin = request.header("origin")
        if origin is None or not {"*", origin} & set(self._cors.origins):
            return []
        allowed = "*" if "*" in self._cors.origins else origin
        headers = [("access-control-allow-origin", allowed)]
        if self._cors.credentials:
            headers.append(("access-control-allow-credentials", "true"))
        return headers


def _head_bytes(request: Request) -> int:
    line = len(request.method) + len(quote(request.path)) + len(request.query) + len("? HTTP/1.1")
    return line + sum(len(value) for _, value in request.headers)


def _waits_for_news(request: Request) -> bool:
    """Whether a request holds a process for as long as nothing happens."""
    return request.method == "GET" and "wait" in parse_qs(request.query, keep_blank_values=True)


def message(status: int, text: str, request: Request) -> Response:
    """Build one of API Gateway's own answers."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    headers = (("content-type", "application/json"),)
    return _with_request_id(Response(status, body, headers), request)


def _with_request_id(answer: Response, request: Request) -> Response:
    kept = [header for header in answer.headers if header[0] != "apigw-requestid"]
    return Response(answer.status, answer.body, (*kept, ("apigw-requestid", request.request_id)))


def _listed(name: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, ",".join(values))] if values else []
