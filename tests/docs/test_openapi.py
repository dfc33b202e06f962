"""The API's document is the one that the routes write, and says everything that clients need."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from kie_gateway.core.files.media import Media
from kie_gateway.core.inputs.upload import EXTENSIONS
from kie_gateway.kie.families.registry import FAMILIES
from kie_gateway.web.openapi_parts import REQUEST_HEADERS, RESPONSE_HEADERS
from kie_gateway.web.problem_types import TYPES
from kie_gateway.web.schemas import ModelFamily

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
OPEN = {
    *("getHealth", "getOpenApiDocument", "getDocumentation", "getProblemType"),
    "openPermalink",
}
OPERATIONS = {
    *("createTask", "getTask", "listTasks", "listTaskEvents", "refreshTask", "cancelTask"),
    *("retryTask", "deleteTask", "importTasks", "getOutputContent", "listOutputs"),
    *("createBatch", "listBatches", "getBatch", "cancelBatch"),
    *("createUpload", "listModels", "getModel", "listRecipes", "getRecipe"),
    *("getRealtime", "createRealtimeToken"),
    *("createWebhookEndpoint", "listWebhookEndpoints", "getWebhookEndpoint"),
    *("updateWebhookEndpoint", "deleteWebhookEndpoint", "rotateWebhookSecret"),
    *("testWebhookEndpoint", "listDeliveries", "retryDelivery", "recoverDeliveries"),
    *("getCredits", "listLedgerEntries", "grantCredits", "adjustCredits", "setCreditLimits"),
    *("createKey", "listKeys", "rotateKey", "revokeKey", "stopCreations", "resumeCreations"),
    *OPEN,
}
# CORS lets pages read these anyway, or they are of no use to them.
READABLE = {"Cache-Control", "Vary", "WWW-Authenticate"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].removeprefix("#/components/").split("/")
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def responses() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            yield operation["operationId"], status, resolved(response)


def test_it_is_up_to_date_and_needs_no_environment_to_be_written() -> None:
    written = subprocess.run(
        [
            sys.executable,
            "-c",
            "from scripts.write_openapi import openapi_json; print(openapi_json())",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"layers/gateway/python:{ROOT}"},
    ).stdout
    assert json.loads(written) == DOCUMENT, "run `make openapi`"


def test_every_call_has_a_name_that_clients_can_take_for_a_method() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert set(names) == OPERATIONS


def test_every_call_says_what_it_does_and_how_it_fails() -> None:
    for path, method, call in operations():
        assert call["summary"], (method, path)
        assert call["description"].startswith(call["summary"]), (method, path)
        is_open = call["operationId"] in OPEN
        assert (call.get("security") == []) is is_open, (method, path)
        assert ("401" in call["responses"]) is not is_open, (method, path)


def test_names_that_are_referred_to_are_defined() -> None:
    text = json.dumps(DOCUMENT)
    for kind, components in DOCUMENT["components"].items():
        names = {part.split('"')[0] for part in text.split(f'"#/components/{kind}/')[1:]}
        assert names <= components.keys()


# --- headers and links --------------------------------------------------------------------------


def test_every_response_names_the_headers_that_it_may_have() -> None:
    for operation, status, response in responses():
        names = response["headers"].keys()
        assert "X-Request-Id" in names, (operation, status)
        assert ("X-Error-Code" in names) is (int(status) >= 400), (operation, status)
        if operation not in OPEN and status != "401":
            assert {"RateLimit", "RateLimit-Policy", "RateLimit-Remaining"} <= names
        if status in ("429", "503"):
            assert "Retry-After" in names
        if status in ("202", "302"):
            assert "Location" in names
        if status == "304":
            assert {"ETag", "Cache-Control"} <= names


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("createTask", {"Idempotency-Key", "Prefer"}),
        ("createBatch", {"Idempotency-Key"}),
        ("retryTask", {"Idempotency-Key", "Prefer"}),
        ("refreshTask", {"Prefer"}),
        ("getTask", {"If-None-Match"}),
        ("getModel", {"If-None-Match"}),
        ("getRecipe", {"If-None-Match"}),
        ("grantCredits", {"Idempotency-Key"}),
        ("listLedgerEntries", {"Accept"}),
    ],
)
def test_the_headers_that_a_call_reads_are_parameters(operation: str, names: set[str]) -> None:
    [call] = [one for _, _, one in operations() if one["operationId"] == operation]
    parameters = [resolved(one) for one in call["parameters"]]
    assert {one["name"] for one in parameters if one["in"] == "header"} == names
    assert not any(one["required"] for one in parameters if one["in"] == "header")


def test_pages_in_browsers_may_send_and_read_what_is_described() -> None:
    api = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)["Resources"]["HttpApi"]
    cors = api["Properties"]["CorsConfiguration"]
    assert set(REQUEST_HEADERS) - {"Accept"} <= set(cors["AllowHeaders"])
    assert set(RESPONSE_HEADERS) - READABLE <= set(cors["ExposeHeaders"])


def test_links_lead_from_a_response_to_calls_that_there_are() -> None:
    parameters = {
        call["operationId"]: {resolved(one)["name"] for one in call.get("parameters", ())}
        for _, _, call in operations()
    }
    for name, link in DOCUMENT["components"]["links"].items():
        assert link["operationId"] == name
        assert link["parameters"].keys() <= parameters[name]
    linked = {(operation, status) for operation, status, one in responses() if "links" in one}
    assert {("createTask", "202"), ("createTask", "200"), ("getTask", "200")} <= linked


# --- schemas ------------------------------------------------------------------------------------


def test_no_field_has_a_default_that_generators_take_for_a_promise() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            assert "default" not in told, (name, field)


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        # A recipe takes the place of model and input.
        ("CreateTask", set()),
        ("CreateBatch", set()),
        ("CreateKey", {"owner", "name"}),
        ("SetLimits", {"owner"}),
        ("ImportUpstreamTask", {"model", "upstream_task_id"}),
        ("ImportUrl", {"model", "url"}),
    ],
)
def test_requests_require_only_what_they_must(schema: str, required: set[str]) -> None:
    assert set(DOCUMENT["components"]["schemas"][schema].get("required", ())) == required


@pytest.mark.parametrize(
    "schema", ["Task", "Child", "Batch", "Output", "ApiKey", "Account", "Problem", "TaskList"]
)
def test_answers_always_have_every_field(schema: str) -> None:
    told = DOCUMENT["components"]["schemas"][schema]
    assert set(told["required"]) == told["properties"].keys()


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ("ModelFamily", {family.name for family in FAMILIES}),
        ("Media", set(get_args(Media.__value__))),
        ("ProblemCode", set(TYPES)),
        ("UploadContentType", set(EXTENSIONS)),
    ],
)
def test_closed_lists_are_enumerations(schema: str, values: set[str]) -> None:
    assert set(DOCUMENT["components"]["schemas"][schema]["enum"]) == values


def test_our_words_for_families_are_those_of_the_code() -> None:
    assert set(ModelFamily) == {family.name for family in FAMILIES}


def test_items_of_an_import_are_one_of_two_things() -> None:
    items = DOCUMENT["components"]["schemas"]["ImportTasks"]["properties"]["items"]["items"]
    names = {one["$ref"].rpartition("/")[2] for one in items["oneOf"]}
    assert names == {"ImportUpstreamTask", "ImportUrl"}


# --- examples -----------------------------------------------------------------------------------


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    for _, _, operation in operations():
        described = [resolved(one) for one in operation["responses"].values()]
        if "requestBody" in operation:
            described.append(operation["requestBody"])
        for one in described:
            for media, content in one.get("content", {}).items():
                yield f"{operation['operationId']} {media}", content


@cache
def validator(schema: str) -> OAS31Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return OAS31Validator(whole, format_checker=oas31_format_checker)


def test_examples_are_as_their_schemas_say() -> None:
    count = 0
    for where, content in contents():
        if "example" in content:
            count += 1
            faults = list(validator(json.dumps(content["schema"])).iter_errors(content["example"]))
            assert faults == [], where
    assert count > 40


def test_every_request_body_and_every_answer_of_a_task_has_an_example() -> None:
    for path, method, operation in operations():
        if "requestBody" in operation:
            assert "example" in operation["requestBody"]["content"]["application/json"], path
        if operation["operationId"] in ("getTask", "listTasks", "listTaskEvents"):
            assert "example" in operation["responses"]["200"]["content"]["application/json"], method


def test_no_text_ends_in_the_middle() -> None:
    """Descriptions are sentences."""
    for _, _, operation in operations():
        assert re.search(r"[.`)]$", operation["description"]), operation["operationId"]
    for tag in DOCUMENT["tags"]:
        assert tag["description"].endswith(".")


class _Loader(yaml.SafeLoader):
    """Reads the template without what its tags stand for."""


_Loader.add_multi_constructor("!", lambda *_: None)
