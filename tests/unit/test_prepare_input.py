"""Inputs that Kie.ai would not fetch from where they are."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.provider_errors import ProviderUnreachableError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.inputs.prepare_input import PrepareInput
from kie_gateway.flows.inputs.use_uploads import link_uploads
from tests.fakes import Clock, FakeTaskStore
from tests.makers import NOW, make_task, seconds

PNG = "data:image/png;base64,iVBORw0KGgo="


class Host:
    """Kie's own place for files."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def take_url(self, url: str, extension: str) -> str:
        self.meanwhile()
        self.taken.append((url, extension))
        return f"https://tempfile.redpandaai.co/{len(self.taken)}.{extension}"

    def take_base64(self, content: str, extension: str) -> str:
        return self.take_url(content, extension)


def prepared(
    given: Mapping[str, Any],
    host: Host,
    *,
    all_links: bool = False,
    store: FakeTaskStore | None = None,
    whole: Callable[[Task], Task] = lambda task: task,
    clock: Clock | None = None,
) -> Mapping[str, Any]:
    task = make_task(input=given, sending_at=NOW)
    prepare = PrepareInput(
        tasks=store or FakeTaskStore(task),
        whole=whole,
        link_file=lambda key: f"https://s3/{key}",
        find_output=lambda _reference, _owner: None,
        host=host,
        hosts_all_links=lambda _: all_links,
        now=(clock or Clock()).now,
    )
    return prepare(task)


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
    sent = prepared({"image_url": value, "n": 1}, host)
    assert sent == {"image_url": f"https://tempfile.redpandaai.co/1.{extension}", "n": 1}
    assert host.taken == [(value, extension)]


def test_links_stay_where_they_are_unless_the_family_wants_them() -> None:
    given = {"image_urls": ["https://e.org/a.webp?x=1", "https://e.org/noname"], "prompt": "x"}
    host = Host()
    assert prepared(given, host) == given
    prepared(given, host, all_links=True)
    assert [extension for _, extension in host.taken] == ["webp", "bin"]


def test_words_that_only_speak_of_data_stay_words() -> None:
    given: dict[str, Any] = {"prompt": "data: science, base64, and a kite"}
    assert prepared(given, Host()) == given


def test_nested_inputs_are_reached() -> None:
    given = {"elements": [{"name": "x", "urls": [PNG]}]}
    sent = prepared(given, Host())
    assert sent["elements"][0]["urls"][0].startswith("https://tempfile.redpandaai.co/")


def test_uploads_become_links_of_their_own_owner() -> None:
    reference = "kg-upload://upload_01kjd3x7h8000000000000000a.png"
    given = {"image_urls": [reference, "https://e.org/a.png"], "deep": {"er": reference}}
    linked = link_uploads(given, "alice", lambda key: f"https://s3/{key}")
    link = "https://s3/uploads/alice/upload_01kjd3x7h8000000000000000a.png"
    assert linked == {"image_urls": [link, "https://e.org/a.png"], "deep": {"er": link}}


def test_the_right_to_send_is_renewed_with_each_upload() -> None:
    given = {"image_urls": [PNG, PNG], "mask": PNG, "prompt": "x"}
    task, host, clock = make_task(input=given, sending_at=NOW), Host(), Clock()
    store, renewed = FakeTaskStore(task), list[Any]()

    def take_fifty_seconds() -> None:
        renewed.append(store.the(task).sending_at)
        clock.advance(50)

    host.meanwhile = take_fifty_seconds
    prepared(given, host, store=store, clock=clock)
    assert renewed == [NOW, NOW + seconds(50), NOW + seconds(100)]
    assert store.the(task).sending_at == NOW + seconds(150)
    assert store.happened(task) == []


def test_a_task_that_is_canceled_while_its_inputs_are_brought_is_not_sent() -> None:
    task, host = make_task(input={"mask": PNG}, sending_at=NOW), Host()
    store = FakeTaskStore(task)
    host.meanwhile = lambda: store.move(task, lambda current: ending_moves.cancel(current, NOW))
    with pytest.raises(ProviderUnreachableError, match="must no longer be sent"):
        prepared({"mask": PNG}, host, store=store)
    assert store.the(task).status is Status.CANCELED


@pytest.mark.parametrize("error", [StorageError("S3: SlowDown"), ConfigurationError("no secret")])
def test_without_its_input_or_the_keys_a_task_is_surely_not_sent(error: Exception) -> None:
    def fail(_: Task) -> Task:
        raise error

    with pytest.raises(ProviderUnreachableError, match=str(error)):
        prepared({}, Host(), whole=fail)
