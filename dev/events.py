"""HTTP in Lambda's words: payload format 2.0 of API Gateway's HTTP APIs, both directions."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dev.routes import Match

API_ID = "local"
# Bodies of these types reach the function as text; API Gateway encodes all others.
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript", "text/")


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came in; `path` is decoded, `query` is not."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    request_id: str
    received: datetime
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default_factory=tuple)


class UnreadableAnswerError(Exception):
    """A function's answer that API Gateway would refuse."""


def event(request: Request, match: Match, public_url: str) -> dict[str, Any]:
    """
    Build the event of one request.

    The domain is the configured one: on AWS a request for another never arrives, so the sender's
    Host header must not choose what we put into links.
    """
    domain = urlsplit(public_url).netloc
    encoded = _is_binary(request)
    found: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": _headers(request, public_url),
        "requestContext": _context(request, match.route.key, domain),
        "isBase64Encoded": encoded,
    }
    if cookies := _cookies(request):
        found["cookies"] = cookies
    if query := _joined(parse_qsl(request.query, keep_blank_values=True)):
        found["queryStringParameters"] = query
    if match.parameters:
        found["pathParameters"] = match.parameters
    if request.body:
        found["body"] = (
            base64.b64encode(request.body).decode() if encoded else request.body.decode()
        )
    return found


def response(payload: bytes) -> Response:
    """
    Read a function's answer, as API Gateway infers it.

    Raises:
        UnreadableAnswerError: It names a status that is none, or a body that cannot be decoded.

    """
    answer = json.loads(payload or b"null")
    if not (isinstance(answer, dict) and "statusCode" in answer):
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, body.encode(), (("content-type", "application/json"),))
    try:
        return _described(answer)
    except (TypeError, ValueError, AttributeError) as exc:
        raise UnreadableAnswerError(str(exc)) from exc


def _described(answer: dict[str, Any]) -> Response:
    headers = {str(k).lower(): _plain(v) for k, v in (answer.get("headers") or {}).items()}
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    cookies = [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    body = answer.get("body") or ""
    raw = (
        base64.b64decode(body, validate=True)
        if answer.get("isBase64Encoded")
        else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    return Response(int(answer["statusCode"]), raw, (*headers.items(), *cookies))


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_binary(request: Request) -> bool:
    kind = (request.header("content-type") or "").lower()
    if kind and not kind.startswith(_TEXT_TYPES) and "+json" not in kind:
        return bool(request.body)
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return True
    return False


def _headers(request: Request, public_url: str) -> dict[str, str]:
    public = urlsplit(public_url)
    port = public.port or (443 if public.scheme == "https" else 80)
    kept = [(name.lower(), value.strip()) for name, value in request.headers]
    own = {
        "host",
        "cookie",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "expect",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-amzn-trace-id",
    }
    stamp = int(request.received.timestamp())
    return {
        **_joined((name, value) for name, value in kept if name not in own),
        "content-length": str(len(request.body)),
        "host": public.netloc,
        "x-amzn-trace-id": f"Root=1-{stamp:08x}-{request.request_id.replace('-', '')[:24]}",
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": str(port),
        "x-forwarded-proto": public.scheme,
    }


def _cookies(request: Request) -> list[str]:
    header = "; ".join(value for name, value in request.headers if name.lower() == "cookie")
    return [cookie.strip() for cookie in header.split(";") if cookie.strip()]


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(request: Request, route_key: str, domain: str) -> dict[str, Any]:
    moment = request.received.astimezone(UTC)
    return {
        "accountId": "123456789012",
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.split(".", maxsplit=1)[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": request.request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(moment.timestamp() * 1000),
    }
