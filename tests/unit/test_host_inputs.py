"""Inputs that Kie.ai would not fetch from where they are."""

from typing import Any

import pytest

from kie_gateway.flows.host_inputs import host_inputs
from kie_gateway.flows.use_uploads import link_uploads

PNG = "data:image/png;base64,iVBORw0KGgo="


class Host:
    """Kie's own place for files."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    def take_url(self, url: str, extension: str) -> str:
        self.taken.append((url, extension))
        return f"https://tempfile.redpandaai.co/{len(self.taken)}.{extension}"

    def take_base64(self, content: str, extension: str) -> str:
        return self.take_url(content, extension)


@pytest.mark.parametrize(
    ("value", "extension"),
    [
        (PNG, "png"),
        ("data:image/jpeg;base64,/9j/", "jpg"),
        ("data:audio/mpeg;base64,SUQz", "mp3"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "svg"),
    ],
)
def test_data_is_sent_to_kie(value: str, extension: str) -> None:
    host = Host()
    sent = host_inputs({"image_url": value, "n": 1}, host=host, all_links=False)
    assert sent == {"image_url": f"https://tempfile.redpandaai.co/1.{extension}", "n": 1}
    assert host.taken == [(value, extension)]


def test_links_stay_where_they_are_unless_the_family_wants_them() -> None:
    given = {"image_urls": ["https://e.org/a.webp?x=1", "https://e.org/noname"], "prompt": "x"}
    host = Host()
    assert host_inputs(given, host=host, all_links=False) == given
    host_inputs(given, host=host, all_links=True)
    assert [extension for _, extension in host.taken] == ["webp", "bin"]


def test_words_that_only_speak_of_data_stay_words() -> None:
    given: dict[str, Any] = {"prompt": "data: science, base64, and a kite"}
    assert host_inputs(given, host=Host(), all_links=False) == given


def test_nested_inputs_are_reached() -> None:
    given = {"elements": [{"name": "x", "urls": [PNG]}]}
    sent = host_inputs(given, host=Host(), all_links=False)
    assert sent["elements"][0]["urls"][0].startswith("https://tempfile.redpandaai.co/")


def test_uploads_become_links_of_their_own_owner() -> None:
    reference = "kg-upload://upload_01kjd3x7h8000000000000000a.png"
    given = {"image_urls": [reference, "https://e.org/a.png"], "deep": {"er": reference}}
    linked = link_uploads(given, "alice", lambda key: f"https://s3/{key}")
    link = "https://s3/uploads/alice/upload_01kjd3x7h8000000000000000a.png"
    assert linked == {"image_urls": [link, "https://e.org/a.png"], "deep": {"er": link}}


def test_the_right_to_send_is_renewed_with_each_upload() -> None:
    kept = list[int]()
    host = Host()
    given = {"image_urls": [PNG, PNG], "mask": PNG, "prompt": "x"}
    host_inputs(given, host=host, all_links=False, keep=lambda: kept.append(len(host.taken)))
    assert kept == [1, 2, 3]
