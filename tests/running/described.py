"""Whether answers are as the API's own OpenAPI document says."""

import json
import re
from functools import cache
from typing import Any

import httpx
from openapi_schema_validator import OAS31Validator, oas31_format_checker

# Headers of HTTP itself, of browsers' rules and of API Gateway, which an API's document leaves out.
UNDESCRIBED_HEADERS = {
    *("connection", "content-encoding", "content-length", "content-type", "date", "server"),
    *("access-control-allow-origin", "access-control-expose-headers", "apigw-requestid"),
}


class Described:
    """
    Checks every answer of a client it is hung on, and keeps them for later searches.

    Attributes:
        answers: Head and body of every answer, as text.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.answers: list[str] = []
        self._components = document["components"]
        self._validator = cache(self._make_validator)
        # Words go before variables, as in routing.
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
            for path, operations in sorted(
                document["paths"].items(), key=lambda item: item[0].count("{")
            )
        ]

    def client(self, url: str, key: str) -> httpx.Client:
        """Make a client whose every answer is checked."""
        return httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=40,
            event_hooks={"response": [self.check]},
        )

    def check(self, answer: httpx.Response) -> None:
        """Refuse an answer that the document does not describe."""
        answer.read()
        self.answers.append(f"{answer.headers}\n{answer.text}")
        assert answer.headers["x-request-id"]
        responses = self._responses(answer.request)
        if responses is None:
            return
        where = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        assert str(answer.status_code) in responses, f"{where} is not described"
        described = self._resolved(responses[str(answer.status_code)])
        self._check_headers(answer, described["headers"], where)
        content = described.get("content", {})
        if not answer.content:
            return
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, f"{where} is not described as {kind}"
        validator = self._validator(json.dumps(content[kind]["schema"]))
        body = answer.json() if kind.endswith("json") else answer.text
        faults = [fault.message for fault in validator.iter_errors(body)]
        assert faults == [], where

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference, if it is one."""
        if "$ref" not in node:
            return node
        kind, name = node["$ref"].removeprefix("#/components/").split("/")
        found: dict[str, Any] = self._components[kind][name]
        return found

    def _check_headers(self, answer: httpx.Response, described: dict[str, Any], where: str) -> None:
        names = {name.lower() for name in described}
        strangers = set(answer.headers) - names - UNDESCRIBED_HEADERS
        assert strangers == set(), f"{where}: headers that are not described"
        for name, header in described.items():
            if name in answer.headers:
                schema = self._resolved(header)["schema"]
                sent = answer.headers[name]
                value = int(sent) if schema.get("type") == "integer" else sent
                validator = self._validator(json.dumps(schema))
                assert list(validator.iter_errors(value)) == [], f"{where}: {name}"

    def _responses(self, request: httpx.Request) -> dict[str, Any] | None:
        method = {"HEAD": "GET"}.get(request.method, request.method).lower()
        for pattern, operations in self._paths:
            if pattern.fullmatch(request.url.path) and method in operations:
                responses: dict[str, Any] = operations[method]["responses"]
                return responses
        return None

    def _make_validator(self, schema: str) -> Any:
        whole = {**json.loads(schema), "components": self._components}
        return OAS31Validator(whole, format_checker=oas31_format_checker)
