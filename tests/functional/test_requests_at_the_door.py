"""Requests that mean something else than they say are refused by name, and not read otherwise."""

import httpx
import pytest

from tests.functional.world import MODEL, World


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: one["detail"] for one in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("path", "pointer", "detail"),
    [
        ("/v1/tasks?statuss=failed", "/statuss", "did you mean status?"),
        ("/v1/tasks?Status=failed", "/Status", "did you mean status?"),
        ("/v1/outputs?foo=1", "/foo", "cursor, limit, media, owner"),
        ("/v1/credits?x=", "/x", "this call has"),
        ("/v1/tasks/task_1/events?wait=5", "/wait", "this call has no query parameters"),
    ],
)
def test_an_unknown_query_parameter_is_refused_and_not_ignored(
    world: World, path: str, pointer: str, detail: str
) -> None:
    """A misspelt filter listed everything."""
    found = faults(world.http.get(path))
    assert list(found) == [pointer]
    assert detail in found[pointer]


@pytest.mark.parametrize(
    "value",
    [
        *("2026", "0.5", "1790000000", "-1", "2026-03", "yesterday"),
        # ISO 8601, but not RFC 3339.
        *("2026-03-01", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-03-01T12:00Z"),
        *("20260301T120000Z", "2026-W09-7T12:00:00Z", "\u0662026-03-01T12:00:00Z"),
    ],
)
@pytest.mark.parametrize("name", ["created_after", "created_before"])
def test_what_is_not_rfc_3339_is_no_moment(world: World, name: str, value: str) -> None:
    """`created_after=2026` was read as 34 minutes after the beginning of 1970."""
    found = faults(world.http.get("/v1/tasks", params={name: value}))
    assert list(found) == [f"/{name}"]
    assert "2026-03-01T12:00:00Z" in found[f"/{name}"]


@pytest.mark.parametrize(
    "value",
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123+02:00", "2026-03-01t12:00:00z"],
)
def test_moments_are_taken_as_rfc_3339_writes_them(world: World, value: str) -> None:
    assert world.http.get("/v1/tasks", params={"created_after": value}).status_code == 200


@pytest.mark.parametrize("path", ["/docs/", "/favicon.ico"])
def test_what_browsers_ask_for_by_themselves_needs_no_key(world: World, path: str) -> None:
    """People saw a JSON problem about keys in the place of the documentation."""
    answer = httpx.get(f"{world.cloud.url}{path}")
    if path == "/docs/":
        assert (answer.status_code, answer.headers["location"]) == (308, "/docs")
    else:
        assert answer.status_code == 204
        assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        # DELETE /v1/tasks/import went to a task called `import`.
        *((method, "/v1/tasks/import", "POST") for method in ("DELETE", "GET", "PUT", "HEAD")),
        *((method, "/v1/creations/stop", "DELETE, POST") for method in ("GET", "PUT")),
        ("DELETE", "/v1/credits/ledger", "GET, HEAD"),
        ("POST", "/v1/tasks/task_1", "DELETE, GET, HEAD"),
        ("GET", "/v1/tasks/task_1/cancel", "POST"),
        ("DELETE", "/v1/keys/key_1/rotate", "POST"),
        ("GET", "/v1/keys/key_1", "DELETE"),
        ("POST", "/v1/models/google/nano-banana", "GET, HEAD"),
        ("POST", "/problems/forbidden", "GET, HEAD"),
    ],
)
def test_a_path_that_only_looks_like_an_id_is_no_route_of_another_method(
    world: World, method: str, path: str, allowed: str
) -> None:
    answer = world.http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["x-error-code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("sent", "applied"),
    [
        ("wait", "wait=25"),
        ("wait=", "wait=25"),
        ('wait=""', "wait=25"),
        ('wait="10"', "wait=10"),
        ("WAIT=3", "wait=3"),
        ('respond-async, wait="7"; x=1', "wait=7"),
        ("wait=100", "wait=25"),
        ("wait=soon", None),
        ("wait=0", None),
    ],
)
def test_preferences_are_read_as_rfc_7240_writes_them(
    world: World, sent: str, applied: str | None
) -> None:
    body = {"model": MODEL, "input": {"prompt": "a kite"}}
    answer = world.http.post("/v1/tasks", json=body, headers={"Prefer": sent})
    assert answer.status_code in (200, 202)
    assert answer.headers.get("preference-applied") == applied


@pytest.mark.parametrize("wait", ["", '"3"', "3", "0"])
def test_a_wait_in_the_query_is_read_in_the_same_way(world: World, wait: str) -> None:
    task = world.create("a kite")
    world.run()
    answer = world.http.get(f"/v1/tasks/{task.task_id}", params={"wait": wait})
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
