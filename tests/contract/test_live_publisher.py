"""Live updates are published to AppSync as it wants them, and trouble is told in our words."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from dev.cloud import LocalCloud
from dev.logs import Log
from kie_gateway.aws.live_updates import AppSyncPublisher
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.live.channels import (
    PERIOD_SECONDS,
    channel_name,
    owner_segment,
    period_of,
    subject_segment,
)
from kie_gateway.core.ports.live import LivePublisher
from kie_gateway.settings import LivePublisherSettings, load
from kie_gateway.wiring import clock
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.live import make_live_publisher
from sam_template.template import Template
from tests.dev.support import FIXTURES
from tests.live_client import LiveClient, live_client
from tests.makers import NOW, TASK_ID, event_text

OTHER_TASK = TASK_ID[:-1] + "0"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    template, log = Template(FIXTURES / "live.yaml"), Log(io.StringIO())
    handlers = {"AuthorizerFunction": lambda *_: {"isAuthorized": True}}
    with LocalCloud(template, functions=handlers, log=log) as running:
        yield running


@contextmanager
def wired(
    cloud: LocalCloud, function: str, patch: pytest.MonkeyPatch, **more: str
) -> Iterator[LivePublisher]:
    """Wire a publisher as a function of the local cloud would."""
    for name, value in {**cloud.environment(function), **more}.items():
        patch.setenv(name, value)
    made = make_live_publisher(load(LivePublisherSettings), Clients(), clock.utc_now)
    assert isinstance(made, AppSyncPublisher)
    with made._http:
        yield made


@pytest.fixture
def publisher(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePublisher]:
    with wired(cloud, "PublisherFunction", monkeypatch) as made:
        yield made


@pytest.fixture
def follower(cloud: LocalCloud) -> Iterator[LiveClient]:
    """Somebody who follows all that alice has, now and in a quarter of an hour."""
    hosts = cloud.stack.functions["HostsFunction"].environment
    url = f"ws://{hosts['REALTIME']}/event/realtime"
    with live_client(url, hosts["HTTP"], "token-1") as client:
        period = period_of(datetime.now().astimezone())
        alice = owner_segment("alice")
        client.follow([channel_name(alice, period + later, "*") for later in (0, 1)])
        yield client


def test_events_arrive_as_they_were_published(
    publisher: LivePublisher, follower: LiveClient
) -> None:
    """In their order, however many; a request takes five."""
    events = [event_text(number=number) for number in range(12)]
    publisher.publish("bob", TASK_ID, [event_text(number=99)])
    publisher.publish("alice", TASK_ID, events)
    publisher.publish("alice", OTHER_TASK, [event_text(number=12)])
    heard = follower.events(13)
    assert [one["data"]["number"] for one in heard] == list(range(13))
    assert heard[0] == json.loads(events[0])


def test_nothing_to_tell_is_no_request(publisher: LivePublisher, follower: LiveClient) -> None:
    publisher.publish("alice", TASK_ID, [])
    publisher.publish("alice", TASK_ID, [event_text(number=1)])
    assert [one["data"]["number"] for one in follower.events(1)] == [1]


def test_a_function_without_the_right_to_publish_cannot(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cloud.environment("PublisherFunction")["LIVE_PUBLISH_URL"]
    with wired(cloud, "BystanderFunction", monkeypatch, LIVE_PUBLISH_URL=url) as made:
        refused = pytest.raises(
            BackendUnavailableError, match=r"^AppSync: 403 AccessDeniedException$"
        )
        with refused:
            made.publish("alice", TASK_ID, [event_text()])


def test_a_deployment_without_live_updates_has_no_publisher() -> None:
    settings = load(LivePublisherSettings, {"LIVE_PUBLISH_URL": ""})
    assert make_live_publisher(settings, Clients(), clock.utc_now) is None


# --- what AppSync may answer ----------------------------------------------------------------------

SECRET = "a-secret-of-the-function"


def against(
    answer: Callable[[httpx.Request], httpx.Response], now: Callable[[], datetime] = lambda: NOW
) -> AppSyncPublisher:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    credentials = Credentials("ASIAX", SECRET, "token")
    url = "https://abc.appsync-api.eu-south-1.amazonaws.com/event"
    return AppSyncPublisher(http, url, "eu-south-1", lambda: credentials, now)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (429, {"errors": [{"errorType": "ThrottlingException"}]}, "AppSync: 429 Throttling"),
        (500, "no JSON", "AppSync: 500"),
        (403, {"errors": []}, "AppSync: 403"),
        (200, {"failed": [{"index": 1}], "successful": [{"index": 0}]}, "not every event"),
        (200, "no JSON", "not every event"),
    ],
)
def test_what_was_not_taken_is_an_error(status: int, body: Any, words: str) -> None:
    publisher = against(lambda _: httpx.Response(status, json=body))
    with pytest.raises(BackendUnavailableError, match=words) as failed:
        publisher.publish("alice", TASK_ID, [event_text(prompt="private")])
    assert "private" not in str(failed.value)
    assert SECRET not in str(failed.value)


def test_no_answer_is_an_error() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("https://user:password@elsewhere", request=request)

    with pytest.raises(BackendUnavailableError, match=r"^AppSync: ConnectError$"):
        against(broken).publish("alice", TASK_ID, [event_text()])


def test_each_publication_goes_to_the_channel_of_its_moment() -> None:
    """What comes after a token's last period is published where that token has no subscription."""
    sent: list[Any] = []
    moments = iter([NOW, NOW + timedelta(seconds=PERIOD_SECONDS)])

    def taken(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        assert "/eu-south-1/appsync/aws4_request" in request.headers["Authorization"]
        assert request.headers["X-Amz-Security-Token"] == "token"
        return httpx.Response(200, json={"failed": [], "successful": []})

    against(taken, lambda: next(moments)).publish("alice", TASK_ID, ["{}"] * 6)
    subject = subject_segment(TASK_ID)
    assert [(one["channel"], len(one["events"])) for one in sent] == [
        (channel_name(owner_segment("alice"), period_of(NOW), subject), 5),
        (channel_name(owner_segment("alice"), period_of(NOW) + 1, subject), 1),
    ]
