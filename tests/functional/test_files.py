"""Files on their way through the bucket: in from Kie.ai, and out to a browser's page."""

import hashlib

import httpx
import pytest

from tests.functional.world import World


@pytest.mark.parametrize(
    ("dials", "operations"),
    [
        ("[file large 6]", {"PutObject"}),
        (
            "[file large 6] [file no length]",
            {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"},
        ),
    ],
)
def test_a_large_file_is_stored_whole_on_the_road_that_aws_gets(
    world: World, dials: str, operations: set[str]
) -> None:
    """In one streamed request where its length is told, and in parts where nobody tells it."""
    task = world.create(f"a red kite {dials}")
    world.run()

    assert task.end() == ("succeeded", "webhook", None)
    [output], [body] = task.read()["outputs"], task.stored_files()
    assert len(body) == output["bytes"] > 6_000_000
    assert hashlib.sha256(body).hexdigest() == output["sha256"]
    used = {operation for _, operation in world.functions.calls.aws}
    # Raw webhooks and answers are small objects of their own.
    assert operations == {name for name in used if "Upload" in name or name == "PutObject"}


def test_a_page_reads_the_file_behind_the_redirect(world: World) -> None:
    """The browser follows to another origin, and says "null" there in place of the page's own."""
    task = world.create("a red kite")
    world.run()
    page = {"Origin": "https://app.example.com"}

    first = world.http.get(f"/v1/tasks/{task.task_id}/outputs/0/content", headers=page)
    second = httpx.get(first.headers["location"], headers={"Origin": "null"})

    assert first.status_code == 302
    assert second.status_code == 200
    assert second.headers["access-control-allow-origin"] == "*"
    assert second.content == task.stored_files()[0]


def test_a_form_takes_the_very_file_it_was_made_for(world: World) -> None:
    """Another size or type, and the bucket refuses it by the form's own policy."""
    asked = {"content_type": "image/png", "bytes": 5}
    form = world.http.post("/v1/uploads", json=asked).json()["upload"]

    def send(file: bytes, **changed: str) -> int:
        fields = {**form["fields"], **changed}
        return httpx.post(form["url"], data=fields, files={"file": file}).status_code

    assert send(b"123456") == 400
    assert send(b"12345", **{"Content-Type": "text/html"}) == 403
    assert send(b"12345") == 204
