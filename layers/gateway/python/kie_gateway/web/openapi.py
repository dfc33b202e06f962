"""
The API's document (OpenAPI 3.1): what Powertools writes of the routes, completed.

Powertools describes parameters, bodies and responses. Headers, links, open routes, names of
enumerations and examples are added here, and what makes generated clients clumsy is taken out.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, License, Server

from kie_gateway.version import VERSION
from kie_gateway.web.access import scope_of
from kie_gateway.web.events.openapi import event_webhooks
from kie_gateway.web.examples import examples
from kie_gateway.web.openapi_parts import (
    LINKS,
    OF_A_KNOWN_CALLER,
    OF_A_PROBLEM,
    OF_EVERY_PROBLEM,
    OF_EVERY_RESPONSE,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SCHEMA_DESCRIPTIONS,
    SCHEMA_NAMES,
    TAGS,
)
from kie_gateway.web.operations import REQUEST_HEADERS as TAKEN
from kie_gateway.web.operations import RESPONSES as TOLD

type Json = dict[str, Any]

DESCRIPTION: Json = {
    "title": "Kie Gateway",
    "version": VERSION,
    "summary": "Generation tasks at Kie.ai, with every result stored in your own bucket.",
    "description": "Create images, videos, music and speech at Kie.ai. The gateway follows each"
    " task to its result, checks the files and stores them in your own bucket.\n\n"
    "Send your API key as `Authorization: Bearer <key>`. Times are RFC 3339 in UTC. Errors are"
    " described by RFC 9457 problems (`application/problem+json`); the `type` of a problem is the"
    " address of a page that explains it.",
    "servers": [Server(url="/", description="This gateway.")],
    "tags": TAGS,
    "license_info": License(name="Apache-2.0", identifier="Apache-2.0"),
    "security_schemes": {
        "key": HTTPBearer(
            description="An API key, or a token of the OpenID Connect issuer that this gateway is"
            " configured for."
        )
    },
    "security": [{"key": []}],
}
_METHODS = ("get", "post", "put", "patch", "delete")


def document_json(app: APIGatewayHttpResolver, routes: Sequence[Route]) -> str:
    """Write the document of an application, as JSON."""
    for route in routes:
        _describe(route)
    document: Json = json.loads(app.get_openapi_json_schema())
    is_open = {
        (route.openapi_path, route.method.lower()): scope_of(route.func) is None for route in routes
    }
    for path, method, operation in _operations(document):
        _complete(operation, is_open=is_open[path, method])
    _order(document)
    _name_schemas(document)
    _tidy(document)
    components = document["components"]
    components["responses"] = _share_problems(document)
    components["headers"] = RESPONSE_HEADERS
    _add_examples(document)
    components["parameters"] = {
        name: {"name": name, "in": "header", "required": False, **header}
        for name, header in REQUEST_HEADERS.items()
    }
    components["links"] = {name: {"operationId": name, **link} for name, link in LINKS.items()}
    document["webhooks"] = event_webhooks()
    _prune(document)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _describe(route: Route) -> None:
    """Sum a route up by the first sentence about it, and describe it by the whole."""
    words = getdoc(route.func) or ""
    paragraphs = [" ".join(one.split()) for one in words.split("\n\n")]
    route.summary = paragraphs[0].partition(". ")[0].rstrip(".")
    route.description = "\n\n".join(paragraphs)


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(operation: Json, *, is_open: bool) -> None:
    """Add headers, links and security to a call."""
    if is_open:
        operation["security"] = []
    parameters = operation.setdefault("parameters", [])
    taken = operation.pop(TAKEN)
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in taken]
    if not parameters:
        del operation["parameters"]
    told = operation.pop(TOLD)
    responses = operation["responses"]
    for status, response in responses.items():
        own = told.get(status, {"headers": [], "links": []})
        names = [*OF_EVERY_RESPONSE, *own["headers"]]
        if status not in told:
            names += [*OF_EVERY_PROBLEM, *OF_A_PROBLEM.get(status, ())]
        if status != "401" and not (is_open and status in told):
            names += OF_A_KNOWN_CALLER
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)
        }
        if own["links"]:
            links = own["links"]
            response["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in links}


def _share_problems(document: Json) -> Json:
    """Take the problems out of the calls, and return them as components, named by status."""
    shared: Json = {}
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if int(status) < HTTPStatus.BAD_REQUEST:
                continue
            name = "".join(word.capitalize() for word in HTTPStatus(int(status)).phrase.split())
            shared[name] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _add_examples(document: Json) -> None:
    """Add what was sent and answered in a recorded run."""
    recorded = examples()
    for name, value in recorded["problems"].items():
        response = document["components"]["responses"][name]
        response["content"]["application/problem+json"]["example"] = value
    for _, _, operation in _operations(document):
        for name, value in recorded.get(operation["operationId"], {}).items():
            answers = operation["responses"]
            described = operation["requestBody"] if name == "request" else answers[name]
            described["content"]["application/json"]["example"] = value


def _prune(document: Json) -> None:
    """Take out schemas that nothing refers to, such as those of Powertools' own problems."""
    schemas: Json = document["components"].pop("schemas")
    reached: set[str] = set()

    def reach(node: Json) -> None:
        name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
        if name in schemas and name not in reached:
            reached.add(name)
            _walk(schemas[name], reach)

    _walk(document, reach)
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(reached)}


def _order(document: Json) -> None:
    """Put calls in the order of their tags, and responses in that of their statuses."""
    tags = [tag["name"] for tag in document["tags"]]

    def place(path: str) -> tuple[int, str]:
        first = next(iter(document["paths"][path].values()))
        return tags.index(first["tags"][0]), path

    paths = document["paths"]
    document["paths"] = {
        path: {method: paths[path][method] for method in _METHODS if method in paths[path]}
        for path in sorted(paths, key=place)
    }
    for _, _, operation in _operations(document):
        operation["responses"] = dict(sorted(operation["responses"].items()))


def _name_schemas(document: Json) -> None:
    """Rename enumerations so that they can be understood without our code."""
    schemas = document["components"]["schemas"]
    for name, new_name in SCHEMA_NAMES.items():
        schemas[new_name] = schemas.pop(name)
    for name, description in SCHEMA_DESCRIPTIONS.items():
        schemas[name]["description"] = description
    old = {f"#/components/schemas/{name}": new for name, new in SCHEMA_NAMES.items()}

    def rename(node: Json) -> None:
        if node.get("$ref") in old:
            node["$ref"] = f"#/components/schemas/{old[node['$ref']]}"

    _walk(document, rename)


def _tidy(document: Json) -> None:
    """Take out what makes generated clients clumsy."""
    for _, _, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            if "schema" in parameter:
                parameter["schema"] = _without_null(parameter["schema"])
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        schema.pop("title", None)
        for field in schema.get("properties", {}).values():
            # Generators take what has a default for something that is always there.
            field.pop("default", None)
            field.pop("title", None)
    _walk(document, _tidy_node)
    items = schemas["ImportTasks"]["properties"]["items"]["items"]
    items["oneOf"] = items.pop("anyOf")


def _tidy_node(node: Json) -> None:
    """Write limits of integers as integers, and paragraphs in one line each."""
    for limit in ("minimum", "maximum"):
        value = node.get(limit)
        if isinstance(value, float) and value.is_integer():
            node[limit] = int(value)
    words = node.get("description")
    if isinstance(words, str):
        node["description"] = "\n\n".join(" ".join(one.split()) for one in words.split("\n\n"))


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter, which is left out and never null."""
    told = {name: value for name, value in schema.items() if name not in ("title", "description")}
    others = [one for one in told.get("anyOf", ()) if one != {"type": "null"}]
    return {**others[0]} if len(others) == 1 else told


def _walk(node: Any, visit: Callable[[Json], None]) -> None:
    if isinstance(node, dict):
        visit(node)
        for inner in node.values():
            _walk(inner, visit)
    elif isinstance(node, list):
        for inner in node:
            _walk(inner, visit)
