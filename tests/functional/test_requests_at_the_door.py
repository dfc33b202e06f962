"""Requests that mean something else than they say are refused by name, and not read otherwise."""

import httpx
import pytest

from tests.functional.world import World


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


def test_a_path_of_its_own_is_no_tasks_id(world: World) -> None:
    """DELETE /v1/tasks/import went to a task called `import`."""
    for method in ("DELETE", "GET", "PUT"):
        answer = world.http.request(method, "/v1/tasks/import")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
