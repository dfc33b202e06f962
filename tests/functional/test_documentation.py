"""What the API says of itself over HTTP: its document, its documentation, and pages of problems."""

import gzip
import json
from pathlib import Path

import httpx
import pytest

from kie_gateway.web.problem_types import TYPES
from tests.functional.world import MODEL, World

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
PAGES = ["/docs", "/v1/openapi.json", "/problems/task_not_found"]


def get(world: World, path: str, **headers: str) -> httpx.Response:
    """Ask without a key, and for a body that is not compressed unless the headers say so."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"accept-encoding": "identity", **named}
    return httpx.get(f"{world.cloud.url}{path}", headers=sent, timeout=20)


def raw(world: World, path: str, accept_encoding: str) -> tuple[httpx.Headers, bytes]:
    """Read a body as it is sent."""
    headers = {"accept-encoding": accept_encoding}
    with httpx.stream("GET", f"{world.cloud.url}{path}", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


def test_the_document_is_the_one_in_the_repository(world: World) -> None:
    answer = get(world, "/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(DOCUMENT.read_text())


def test_the_documentation_holds_the_document_and_loads_nothing(world: World) -> None:
    page = get(world, "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '"operationId":"createTask"' in page.text
    assert "<script src" not in page.text
    assert "<link" not in page.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0, gzip;q=0.5", "GZIP", "*"])
def test_what_is_the_same_for_everybody_is_sent_compressed(
    world: World, path: str, accepted: str
) -> None:
    headers, body = raw(world, path, accepted)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    plain_headers, plain = raw(world, path, "identity")
    assert "content-encoding" not in plain_headers
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain)


@pytest.mark.parametrize("refused", ["identity", "br", "gzip;q=0", "gzip; q=0.000, br", "*;q=0"])
def test_whoever_takes_no_gzip_gets_none(world: World, refused: str) -> None:
    headers, body = raw(world, "/v1/openapi.json", refused)
    assert "content-encoding" not in headers
    assert json.loads(body)["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", PAGES)
def test_a_copy_that_is_still_good_is_not_sent_again(world: World, path: str) -> None:
    first = get(world, path, accept_encoding="gzip")
    assert "max-age" in first.headers["cache-control"]
    for accepted in ("gzip", "identity"):
        again = get(world, path, accept_encoding=accepted, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert get(world, path, if_none_match='W/"another"').status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_their_heads_can_be_asked_for(world: World, path: str) -> None:
    answer = httpx.head(f"{world.cloud.url}{path}", timeout=20)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"]


# --- problems -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", TYPES)
def test_every_problem_has_a_page(world: World, code: str) -> None:
    page = get(world, f"/problems/{code}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{TYPES[code].title.replace("'", '&#x27;')}</h1>" in page.text
    assert f"HTTP status {TYPES[code].status}" in page.text
    assert "`" not in page.text


@pytest.mark.parametrize("code", ["unknown", "Task_not_found", "%3Cscript%3E"])
def test_there_is_no_page_of_a_problem_that_there_is_not(world: World, code: str) -> None:
    answer = get(world, f"/problems/{code}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "no_such_route"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/tasks/task_1", None),
        ("GET", "/v1/nothing", None),
        ("PATCH", "/v1/tasks", None),
        ("GET", "/v1/tasks?limit=0", None),
        ("POST", "/v1/tasks", "{"),
        ("POST", "/v1/tasks", json.dumps({"model": MODEL})),
        ("GET", "/v1/keys", None),
    ],
)
def test_the_type_of_a_problem_leads_to_its_page(
    world: World, method: str, path: str, body: str | None
) -> None:
    problem = world.http.request(method, path, content=body).json()
    assert problem["type"] == f"{world.cloud.url}/problems/{problem['code']}"
    page = httpx.get(problem["type"])
    assert page.status_code == 200
    assert problem["title"] in page.text


def test_the_type_of_a_problem_of_an_import_leads_to_its_page(world: World) -> None:
    items = [{"model": MODEL, "upstream_task_id": "x", "url": "https://tempfile.example"}, "x", {}]
    results = world.http.post("/v1/tasks/import", json={"items": items}).json()["data"]
    assert [one["status"] for one in results] == [422, 422, 422]
    for index, one in enumerate(results):
        assert httpx.get(one["problem"]["type"]).status_code == 200
        assert one["problem"]["errors"][0]["pointer"].startswith(f"/items/{index}")


# --- without a key ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/health", *PAGES])
def test_no_key_is_needed_and_a_wrong_one_does_no_harm(world: World, path: str) -> None:
    assert get(world, path).status_code == 200
    assert get(world, path, authorization="Bearer kg_unknown").status_code == 200


@pytest.mark.parametrize("path", ["/v1/health", *PAGES])
def test_unknown_query_parameters_are_refused_there_as_well(world: World, path: str) -> None:
    answer = get(world, f"{path}?x=1")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/x")
