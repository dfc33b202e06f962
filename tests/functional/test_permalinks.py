"""Permalinks over HTTP: what they open, for whom, and for how long."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kie_gateway.core.callers.origins import AllowedOrigins
from tests.functional.story import Story
from tests.functional.world import MODEL, World

EDIT = "google/nano-banana-edit"
APP = "https://app.example.com"
STRANGER = "https://elsewhere.example"


@pytest.fixture
def nobody(world: World) -> Iterator[httpx.Client]:
    """Somebody without a key."""
    with httpx.Client(base_url=world.cloud.url, timeout=20) as client:
        yield client


@pytest.fixture
def named_origins(world: World) -> Iterator[None]:
    """Let only the pages of one origin call, as `AllowedOrigins` can say."""
    app = world.functions.app("ApiFunction").app
    before = app.use_cases
    app.use_cases = replace(before, allowed_origins=AllowedOrigins.parse(APP))
    yield
    app.use_cases = before


def done(world: World, prompt: str = "a red kite", **more: Any) -> Story:
    task = world.create(prompt, **more)
    world.run()
    assert task.end()[0] == "succeeded"
    return task


def permalink(task: Story) -> str:
    [output] = task.read()["outputs"]
    link: str = output["permalink"]
    return link


def assert_dead(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")
    assert answer.json()["detail"] == "There is no file behind this link."


# --- what it opens ------------------------------------------------------------------------------


def test_a_permalink_opens_the_file_without_a_key(world: World, nobody: httpx.Client) -> None:
    task = done(world)
    link = permalink(task)
    assert re.fullmatch(rf"{world.cloud.url}/files/{task.task_id}/0/[\w-]{{43}}", link)

    answer = nobody.get(link)

    assert answer.status_code == 302
    assert httpx.get(answer.headers["location"]).content == task.stored_files()[0]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ratelimit" not in answer.headers


def test_it_is_the_same_each_time_and_lives_on(world: World, nobody: httpx.Client) -> None:
    task = done(world)
    link = permalink(task)
    world.run_for(40 * 86_400)

    listed = world.http.get("/v1/outputs").json()["data"]

    assert permalink(task) == link
    assert link in [one["permalink"] for one in listed]
    assert httpx.get(nobody.get(link).headers["location"]).status_code == 200


def test_a_redirect_is_kept_for_far_less_than_its_link_lives(
    world: World, nobody: httpx.Client
) -> None:
    answer = nobody.get(permalink(done(world)))
    kind, age = answer.headers["cache-control"].split(", max-age=")
    [life] = parse_qs(urlsplit(answer.headers["location"]).query)["X-Amz-Expires"]
    assert kind == "private"
    assert 0 < int(age) * 10 < int(life)


def test_head_is_answered_and_so_is_what_it_leads_to(world: World, nobody: httpx.Client) -> None:
    """S3 signs the method, too, so whoever follows with HEAD needs a link for it."""
    task = done(world)
    answer = nobody.head(permalink(task))
    assert (answer.status_code, answer.content) == (302, b"")

    file = httpx.head(answer.headers["location"])

    assert file.status_code == 200
    assert int(file.headers["content-length"]) == task.read()["outputs"][0]["bytes"]
    kept = httpx.head(
        f"{world.cloud.url}/v1/tasks/{task.task_id}/outputs/0/content?download=1",
        headers=world.http.headers,
    )
    assert httpx.head(kept.headers["location"]).status_code == 200


def test_a_file_is_saved_under_its_name(world: World, nobody: httpx.Client) -> None:
    task = done(world)
    answer = nobody.get(permalink(task), params={"download": 1})
    saved = httpx.get(answer.headers["location"]).headers["content-disposition"]
    name = f"{MODEL.replace('/', '-')}-{task.task_id.removeprefix('task_')}-0.png"
    assert saved == f'attachment; filename="{name}"'


def test_a_thumbnail_is_made_when_it_is_first_opened(world: World, nobody: httpx.Client) -> None:
    task = done(world)
    assert world.objects("thumbnails/alice/" + task.task_id) == []
    for _ in range(2):
        answer = nobody.get(permalink(task), params={"w": 300})
        picture = httpx.get(answer.headers["location"])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")
        assert len(world.objects("thumbnails/alice/" + task.task_id)) == 1


@pytest.mark.parametrize("query", ["w=0", "w=x", "w=99999", "download=perhaps", "width=320"])
def test_a_query_that_says_nothing_is_refused_by_name(
    world: World, nobody: httpx.Client, query: str
) -> None:
    answer = nobody.get(f"{permalink(done(world))}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


def test_a_preview_has_a_permalink_of_its_own(world: World, nobody: httpx.Client) -> None:
    """A thumbnail that came first: it lies beside the result, under the result's index."""
    wide = {"prompt": "a kite [preview first]", "aspect_ratio": "16:9"}
    task = world.create("", input=wide)
    world.run()
    shown = task.read()
    [preview], [output] = shown["previews"], shown["outputs"]
    assert preview["permalink"] != output["permalink"]
    for file, query in [(preview, ""), (preview, "?w=320"), (output, "")]:
        found = nobody.get(file["permalink"] + query)
        assert len(httpx.get(found.headers["location"]).content) == file["bytes"]
    names = {
        parse_qs(urlsplit(nobody.get(f"{one['permalink']}?download=1").headers["location"]).query)[
            "response-content-disposition"
        ][0]
        for one in (preview, output)
    }
    assert len(names) == 2


# --- whom it opens for --------------------------------------------------------------------------


def test_it_opens_nothing_but_this_file(world: World, nobody: httpx.Client) -> None:
    task, another = done(world), done(world, "a blue kite")
    link, other = permalink(task), permalink(another)
    signature = link.rpartition("/")[2]
    for wrong in (
        link[:-1],
        link + "A",
        link.replace("/0/", "/1/"),
        link.replace("/0/", "/00/"),
        link.replace(task.task_id, another.task_id),
        other.rpartition("/")[0] + "/" + signature,
        link.rpartition("/")[0] + "/%C3%A4",
        f"{world.cloud.url}/files/task_unknown/0/{signature}",
    ):
        assert_dead(nobody.get(wrong))
    for path in ("", "/events", "/outputs/0/content"):
        assert nobody.get(f"/v1/tasks/{task.task_id}{path}").status_code == 401
    assert nobody.delete(link).status_code == 401


@pytest.mark.usefixtures("named_origins")
def test_a_page_of_any_origin_reads_it_whoever_may_call_the_api(
    world: World, nobody: httpx.Client
) -> None:
    link = permalink(done(world))
    answer = nobody.get(link, headers={"Origin": STRANGER})
    assert answer.status_code == 302
    assert answer.headers["access-control-allow-origin"] == "*"
    # What a browser says where it has been sent on to another origin.
    file = httpx.get(answer.headers["location"], headers={"Origin": "null", "Range": "bytes=1-3"})
    assert (file.status_code, file.headers["access-control-allow-origin"]) == (206, "*")
    dead = nobody.get(link[:-1], headers={"Origin": STRANGER})
    assert (dead.status_code, dead.headers["access-control-allow-origin"]) == (404, "*")


@pytest.mark.usefixtures("named_origins")
def test_pages_of_other_origins_than_the_named_ones_may_not_call(world: World) -> None:
    wish = {"model": MODEL, "input": {"prompt": "of a stranger's page"}}
    refused = world.http.post("/v1/tasks", json=wish, headers={"Origin": STRANGER})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    # It may read why.
    assert refused.headers["access-control-allow-origin"] == "*"
    for origin in (APP, world.cloud.url):
        assert world.http.get("/v1/tasks", headers={"Origin": origin}).status_code == 200
    assert world.http.get("/v1/tasks").status_code == 200
    # Nothing of it is anybody's.
    assert httpx.get(f"{world.cloud.url}/v1/health", headers={"Origin": STRANGER}).is_success


# --- how long -----------------------------------------------------------------------------------


def test_it_is_dead_as_soon_as_the_task_is_deleted(world: World, nobody: httpx.Client) -> None:
    task = done(world)
    link = permalink(task)
    fresh = nobody.get(link).headers["location"]
    world.http.delete(f"/v1/tasks/{task.task_id}")
    assert_dead(nobody.get(link))
    assert_dead(nobody.get(link, params={"w": 320}))
    world.settle_down()
    assert httpx.get(fresh).status_code in (403, 404)


def test_it_is_dead_when_the_file_was_kept_long_enough(world: World, nobody: httpx.Client) -> None:
    task = done(world, retention_days=1)
    link = permalink(task)
    assert nobody.get(link).status_code == 302
    world.run_for(timedelta(days=1).total_seconds() + 60)
    [output] = task.read()["outputs"]
    assert (output["url"], output["permalink"]) == (None, None)
    assert_dead(nobody.get(link))


# --- in the inputs of other tasks ---------------------------------------------------------------


def test_a_permalink_in_a_text_is_the_real_one(world: World, nobody: httpx.Client) -> None:
    """What stands alone is fetched by Kie.ai, as ever; what stands in a text is read by people."""
    places = "{{outputs[0].permalink}} and {{outputs[0].url}}"
    follow = {"prompt": f"like {places}", "image_urls": ["{{outputs[0].permalink}}"]}
    task = done(world, then=[{"model": EDIT, "input": follow}])
    link = permalink(task)
    child = task.read()["children"][0]["id"]
    shown = world.http.get(f"/v1/tasks/{child}").json()["input"]
    assert shown == {
        "prompt": f"like {link} and {link}",
        "image_urls": [f"kg-output://{task.task_id}/0"],
    }
    listed = httpx.get(f"{world.kie.base_url}/sim/tasks").json()
    sent = next(one["input"] for one in listed if child in one["callBackUrl"])
    assert sent["prompt"] == shown["prompt"]
    assert httpx.get(sent["image_urls"][0]).content == task.stored_files()[0]
    assert nobody.get(link).status_code == 302


def test_nobody_gets_a_permalink_of_what_is_not_theirs(world: World) -> None:
    """A reference in metadata or a prompt is a text like any other."""
    secret = done(world, "of another owner")
    reference = f"kg-output://{secret.task_id}/0"
    wish = {"prompt": "see {{metadata.x}} {{input.prompt}}"}
    task = done(world, reference, metadata={"x": reference}, then=[{"model": MODEL, "input": wish}])
    child = task.read()["children"][0]["id"]
    shown = world.http.get(f"/v1/tasks/{child}").json()["input"]["prompt"]
    assert shown == f"see {reference} {reference}"
