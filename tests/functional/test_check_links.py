"""Inputs whose links cannot work: they used to cost money at Kie.ai before anybody noticed."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch.input_links import PAGE, PRIVATE, HttpInputLinks
from kie_gateway.flows.inputs.check_links import CheckLinks
from tests.contract.hostile_host import FileHost, host, in_turn, ok, status
from tests.functional.parts import parts_of
from tests.functional.world import World

FILE = ok(b"x", Content_Type="image/png")
MODEL = "google/nano-banana-edit"
LOGIN = ok(b"<html>", Content_Type="text/html")


def list_hosts(world: World, monkeypatch: pytest.MonkeyPatch, listed: ResultHosts) -> None:
    """Let hosts on this machine be asked about links."""
    [check] = (p for p in parts_of(world.gateway("ApiFunction")) if isinstance(p, CheckLinks))
    monkeypatch.setitem(vars(check), "links", HttpInputLinks(listed))


@pytest.fixture
def hosts_of_files(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FileHost]]:
    """One with a file, and one with a page for whoever wants to log in; both may be asked."""
    with host(FILE) as good, host(LOGIN) as login:
        listed = ResultHosts.parse(f"127.0.0.1:{good.port},127.0.0.1:{login.port}")
        list_hosts(world, monkeypatch, listed)
        yield [good, login]


def create(world: World, links: list[str], key: str = "", **more: Any) -> httpx.Response:
    body = {"model": MODEL, "input": {"prompt": "a kite", "image_urls": links}, **more}
    headers = {"Idempotency-Key": key} if key else {}
    answer = world.http.post("/v1/tasks", json=body, headers=headers)
    world.settle_down()
    return answer


def ids(world: World) -> set[str]:
    return {one["id"] for one in world.http.get("/v1/tasks").json()["data"]}


def test_links_that_cannot_work_are_refused_before_anything_is_recorded_or_sent(
    world: World, hosts_of_files: list[FileHost]
) -> None:
    good, login = hosts_of_files
    before = ids(world)
    with host(FILE) as inside:
        answer = create(world, [good.url, login.url, inside.url], check_inputs=True)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"] == [
        {"pointer": "/input/image_urls/1", "detail": PAGE},
        {"pointer": "/input/image_urls/2", "detail": PRIVATE},
    ]
    assert "secret" not in answer.text
    assert (len(good.requests), inside.requests) == (1, [])
    assert (ids(world), world.creations()) == (before, [])


def test_links_are_asked_only_by_request(world: World, hosts_of_files: list[FileHost]) -> None:
    good, login = hosts_of_files
    bad = [login.url, "http://localhost/x"]
    assert create(world, bad).status_code == 202
    assert create(world, bad, check_inputs=False).status_code == 202

    assert (good.requests, login.requests) == ([], [])
    assert len(world.creations()) == 2


def test_a_refusal_leaves_the_key_unused_and_an_acceptance_is_repeated_unasked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = status(404)
    with host(in_turn(gone, gone, FILE, gone)) as file_host:
        listed = ResultHosts.parse(f"127.0.0.1:{file_host.port}")
        list_hosts(world, monkeypatch, listed)
        refused, accepted, again = (
            create(world, [file_host.url], "order-1", check_inputs=True) for _ in range(3)
        )
        asked = len(file_host.requests)

    assert [one.status_code for one in (refused, accepted, again)] == [422, 202, 202]
    assert "idempotent-replayed" not in accepted.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == accepted.json()["id"]
    # HEAD and GET at first, HEAD for the second time, nothing for the third.
    assert (asked, len(world.creations())) == (3, 1)
