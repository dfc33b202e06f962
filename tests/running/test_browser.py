"""A web page and its server, made of the examples in docs/browser.md, on the running gateway."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.running.driver import new_key
from tests.running.gateway import Gateway

PAGE = Path(__file__).parents[2] / "docs" / "browser.md"
EXAMPLES = {
    re.split(r"[ /]", block.splitlines()[0])[-1]: block
    for block in re.findall(r"^```js\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
}
# What the page leaves to its readers: whose key a request is served with.
SESSION = """
export async function keyOf(request) {
  return request.headers.get("cookie") === "session=alice" ? process.env.KIE_KEY : null;
}
"""


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None and os.environ.get("CI"):
        pytest.fail("node is missing, and the examples in docs/browser.md were not run")
    if found is None:
        pytest.skip("there is no node to run the examples in docs/browser.md with")
    return found


@pytest.fixture(scope="module")
def facts(node: str, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run every example, and give what came of them."""
    folder = tmp_path_factory.mktemp("page")
    files = {"package.json": '{"type": "module"}', "session.js": SESSION, **EXAMPLES}
    for name, text in files.items():
        (folder / name).write_text(text)
    shutil.copy(Path(__file__).with_name("page.js"), folder)
    run = subprocess.run(
        [node, "page.js"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "KIE_GATEWAY_URL": gateway.url,
            "KIE_KEY": new_key(gateway.http, "page"),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_every_example_of_the_page_is_run() -> None:
    assert sorted(EXAMPLES) == [
        *("create.js", "gallery.js", "route.js", "settled.js", "show.js", "upload.js")
    ]
    assert PAGE.read_text().count("```js\n") == len(EXAMPLES)


def test_a_creation_whose_answers_are_lost_is_made_once(
    facts: dict[str, Any], gateway: Gateway
) -> None:
    keys = facts["lost"]["keys"]
    assert (len(keys), len(set(keys))) == (3, 1)
    tasks = gateway.http.get("/v1/tasks", params={"owner": "page"}).json()["data"]
    prompts = [one["input"]["prompt"] for one in tasks]
    # The task itself is deleted at the end.
    assert prompts == ["add a kite"]
    assert facts["removed"] == 204


def test_a_page_waits_for_the_end(facts: dict[str, Any]) -> None:
    assert (facts["done"]["id"], facts["done"]["status"]) == (
        (facts["lost"]["task"]["id"], "succeeded")
    )


def test_a_result_is_shown(facts: dict[str, Any]) -> None:
    [output] = facts["done"]["outputs"]
    assert facts["shown"] == [
        {
            "element": "img",
            "status": 200,
            "type": output["content_type"],
            "bytes": output["bytes"],
        }
    ]


def test_thumbnails_are_shown(facts: dict[str, Any]) -> None:
    thumbnails = facts["thumbnails"]
    assert [(one["element"], one["status"], one["type"]) for one in thumbnails] == (
        [("img", 200, "image/webp")] * 2
    )


def test_an_uploaded_file_is_an_input(facts: dict[str, Any]) -> None:
    edited = facts["edited"]
    assert edited["task"]["status"] == "succeeded"
    assert edited["task"]["input"]["image_urls"] == [edited["reference"]]


def test_what_cannot_be_done_is_told(facts: dict[str, Any]) -> None:
    refusals = facts["refusals"]
    assert [one["pointer"] for one in refusals["wrong"]["errors"]] == ["/input/prompt"]
    assert (refusals["missing"], refusals["keys"], refusals["stranger"]) == ("status 404", 404, 401)
    assert refusals["noFile"]


def test_the_key_stays_on_the_server(facts: dict[str, Any]) -> None:
    assert facts["leaked"] is False
