"""
Event APIs of AppSync on this machine: the protocol, and every refusal.

https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html,
publish-http.html, channel-namespaces.html and configure-event-api-auth.html beside it.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from dev.appsync_api import EventApi, EventApiError
from dev.cloud import LocalCloud
from dev.functions import Outcome
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import FIXTURES
from tests.live_client import PROTOCOL, LiveClient, header, live_client

if TYPE_CHECKING:
    from collections.abc import Iterator

UNAUTHORIZED = [
    {
        "errorType": "UnauthorizedException",
        "message": "You are not authorized to make this call.",
    }
]


@dataclass
class Authorizer:
    """The function that AppSync asks; a test says what it answers, and reads what it was asked."""

    answer: Any = None
    asked: list[Any] = field(default_factory=list)

    def __call__(self, event: Any, _: Any) -> Any:
        self.asked.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Clock:
    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


AUTHORIZER, CLOCK = Authorizer(), Clock()


@dataclass(frozen=True)
class Publisher:
    """
    Signs publications as botocore does, but for what a test changes.

    Attributes:
        ahead: Seconds by which its clock is.
        headers: Put in the place of those that were signed; None leaves one out.
        sent: Sent in the place of what was signed.
    """

    host: str
    access_key: str = "local"
    secret_key: str = "local"
    token: str | None = "local"
    service: str = "appsync"
    region: str = "us-east-1"
    path: str = "/event"
    ahead: float = 0.0
    headers: dict[str, str | None] = field(default_factory=dict)
    sent: bytes | None = None

    def changed(self, **changes: Any) -> Publisher:
        return replace(self, **changes)

    def by(self, environment: dict[str, str]) -> Publisher:
        """Publish with the credentials of a function."""
        return self.changed(
            access_key=environment["AWS_ACCESS_KEY_ID"],
            secret_key=environment["AWS_SECRET_ACCESS_KEY"],
            token=environment["AWS_SESSION_TOKEN"],
        )

    def publish(self, channel: str, *events: str) -> httpx.Response:
        return self.send(json.dumps({"channel": channel, "events": events}).encode())

    def send(self, body: bytes) -> httpx.Response:
        url = f"http://{self.host}{self.path}"
        request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
        credentials = Credentials(self.access_key, self.secret_key, self.token)
        signer: Any = SigV4Auth(credentials, self.service, self.region)
        moment = datetime.now(UTC) + timedelta(seconds=self.ahead)
        request.context["timestamp"] = f"{moment:%Y%m%dT%H%M%SZ}"
        signer._modify_request_before_signing(request)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(text, request))
        headers = {**dict(request.headers.items()), **self.headers}
        kept = {name: value for name, value in headers.items() if value is not None}
        return httpx.post(url, content=self.sent or body, headers=kept)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    template, log = Template(FIXTURES / "live.yaml"), Log(io.StringIO())
    handlers = {"AuthorizerFunction": AUTHORIZER}
    with LocalCloud(template, functions=handlers, log=log, clock=CLOCK) as running:
        yield running


@pytest.fixture
def authorizer() -> Authorizer:
    AUTHORIZER.answer = {"isAuthorized": True}
    AUTHORIZER.asked.clear()
    return AUTHORIZER


@pytest.fixture
def hosts(cloud: LocalCloud) -> dict[str, str]:
    return dict(cloud.stack.functions["HostsFunction"].environment)


@pytest.fixture
def url(hosts: dict[str, str]) -> str:
    return f"ws://{hosts['REALTIME']}/event/realtime"


@pytest.fixture
def publisher(hosts: dict[str, str]) -> Publisher:
    return Publisher(hosts["HTTP"])


@pytest.fixture
def client(url: str, hosts: dict[str, str], authorizer: Authorizer) -> Iterator[LiveClient]:
    with live_client(url, hosts["HTTP"], "token-1") as one:
        yield one


@pytest.fixture
def started(client: LiveClient) -> LiveClient:
    client.start()
    return client


# --- connecting ---------------------------------------------------------------------------------


def test_a_connection_is_acknowledged_and_kept_alive(client: LiveClient) -> None:
    assert client.start() == {"type": "connection_ack", "connectionTimeoutMs": 300_000}
    assert client.websocket.subprotocol == PROTOCOL
    assert client.subscribe("/tasks/a")["type"] == "subscribe_success"
    assert client.keep_alives == 1


def test_the_authorizer_is_asked_as_documented(
    started: LiveClient, authorizer: Authorizer, cloud: LocalCloud, hosts: dict[str, str]
) -> None:
    started.subscribe("/tasks/a/*")
    connecting, subscribing = authorizer.asked
    ids = [asked["requestContext"].pop("requestId") for asked in authorizer.asked]
    assert len(set(ids)) == 2
    api_id = cloud.resources["Live"].rpartition("/")[2]
    shared = {"apiId": api_id, "accountId": "123456789012"}
    assert connecting == {
        "authorizationToken": "token-1",
        "requestContext": {**shared, "operation": "EVENT_CONNECT"},
        "requestHeaders": {"host": hosts["HTTP"]},
    }
    assert subscribing["requestContext"] == {
        **shared,
        "operation": "EVENT_SUBSCRIBE",
        "channelNamespaceName": "tasks",
        "channel": "/tasks/a/*",
    }


def test_without_the_protocol_or_elsewhere_there_is_no_connection(
    url: str, hosts: dict[str, str]
) -> None:
    carrier = Subprotocol(header({"host": hosts["HTTP"], "Authorization": "token-1"}))
    for address, offered, status in (
        (url, [carrier], 400),
        (url.replace("realtime", "elsewhere"), [Subprotocol(PROTOCOL), carrier], 404),
    ):
        with pytest.raises(InvalidStatus) as refused, connect(address, subprotocols=offered):
            pass
        assert refused.value.response.status_code == status


@pytest.mark.parametrize("carrier", [None, "header-AAAA", header([]), header("token-1")])
def test_whoever_carries_no_authorization_is_not_let_in(
    url: str, authorizer: Authorizer, carrier: str | None
) -> None:
    offered = [Subprotocol(one) for one in (PROTOCOL, carrier) if one is not None]
    with connect(url, subprotocols=offered) as websocket:
        client = LiveClient(websocket, {})
        assert client.hear() == {"type": "connection_error", "errors": UNAUTHORIZED}
        assert client.is_closed()
    assert authorizer.asked == []


@pytest.mark.parametrize(
    "authorization",
    [
        {"Authorization": "token-1", "host": "elsewhere"},
        {"Authorization": "no-token"},
        {"Authorization": ""},
        {"Authorization": 1},
        {"x-api-key": "token-1"},
        {},
    ],
    ids=str,
)
def test_whoever_shows_no_token_is_not_let_in_and_nobody_is_asked(
    url: str, hosts: dict[str, str], authorizer: Authorizer, authorization: dict[str, Any]
) -> None:
    carrier = header({"host": hosts["HTTP"], **authorization})
    with connect(url, subprotocols=[Subprotocol(PROTOCOL), Subprotocol(carrier)]) as websocket:
        client = LiveClient(websocket, {})
        assert client.hear() == {"type": "connection_error", "errors": UNAUTHORIZED}
        assert client.is_closed()
    assert authorizer.asked == []


@pytest.mark.parametrize(
    "answer",
    [{"isAuthorized": False}, {"isAuthorized": "true"}, {}, None, [], ValueError("broken")],
)
def test_whoever_the_authorizer_does_not_let_in_stays_out(
    url: str, hosts: dict[str, str], authorizer: Authorizer, answer: Any
) -> None:
    authorizer.answer = answer
    with live_client(url, hosts["HTTP"], "token-1") as client:
        assert client.hear() == {"type": "connection_error", "errors": UNAUTHORIZED}
        assert client.is_closed()
    assert len(authorizer.asked) == 1


def test_an_authorizer_is_asked_only_with_a_permission(
    hosts: dict[str, str], authorizer: Authorizer
) -> None:
    url = f"ws://{hosts['UNHEARD_REALTIME']}/event/realtime"
    with live_client(url, hosts["UNHEARD_HTTP"], "token-1") as client:
        assert client.hear()["type"] == "connection_error"
    assert authorizer.asked == []


def test_nothing_is_answered_before_the_connection_is_initialised(client: LiveClient) -> None:
    told = client.subscribe("/tasks/a")
    assert (told["type"], told["errors"][0]["errorType"]) == ("error", "UnsupportedOperation")


@pytest.mark.parametrize("text", ["{", "[]", "1", "null", "{}", '{"type": "start"}'])
def test_what_is_no_message_is_an_error_and_the_connection_goes_on(
    started: LiveClient, text: str
) -> None:
    started.websocket.send(text)
    told = started.hear()
    assert (told["type"], told["errors"][0]["errorType"]) == ("error", "UnsupportedOperation")
    assert started.subscribe("/tasks/a")["type"] == "subscribe_success"


def test_a_connection_lasts_a_day(started: LiveClient) -> None:
    CLOCK.ahead += 24 * 3600
    try:
        assert started.is_closed()
    finally:
        CLOCK.ahead = 0.0


# --- subscribing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "channel",
    [
        None,
        1,
        "",
        "/",
        "*",
        "/*",
        "/tasks/",
        "/tasks//a",
        "/tasks/a/",
        "/tasks/a_b",
        "/tasks/ü",
        "/tasks/-a",
        "/tasks/a-",
        "/tasks/*/a",
        "/tasks/a*",
        "/tasks/a/*/*",
        "/tasks/1/2/3/4/5",
        "/tasks/1/2/3/4/*",
        f"/tasks/{'x' * 51}",
        "/other/a",
        "/Tasks/a",
    ],
)
def test_what_is_no_channel_is_refused_and_nobody_is_asked(
    started: LiveClient, authorizer: Authorizer, channel: Any
) -> None:
    told = started.subscribe(channel, "7")
    assert (told["type"], told["id"]) == ("subscribe_error", "7")
    assert told["errors"][0]["errorType"] == "BadRequestException"
    assert [one["requestContext"]["operation"] for one in authorizer.asked] == ["EVENT_CONNECT"]


@pytest.mark.parametrize(
    "channel", ["/tasks", "tasks/a", "/tasks/*", "/tasks/1/2/3/4", "/tasks/1/2/3/*", "/tasks/a--b"]
)
def test_what_is_a_channel_is_subscribed_to(started: LiveClient, channel: str) -> None:
    assert started.subscribe(channel) == {"type": "subscribe_success", "id": "1"}


@pytest.mark.parametrize("own_id", [None, 1, "", "a b", "a.b", "x" * 129])
def test_an_id_is_1_to_128_characters(started: LiveClient, own_id: Any) -> None:
    told = started.subscribe("/tasks/a", own_id)
    assert told["errors"][0]["errorType"] == "BadRequestException"


def test_an_id_stands_for_one_subscription(started: LiveClient) -> None:
    started.subscribe("/tasks/a", "+_-")
    told = started.subscribe("/tasks/b", "+_-")
    assert told["errors"][0]["errorType"] == "DuplicatedOperationError"


def test_a_connection_has_a_hundred_subscriptions(started: LiveClient) -> None:
    for number in range(100):
        started.subscribe(f"/tasks/{number}", str(number))
    told = started.subscribe("/tasks/100", "100")
    assert told["errors"][0]["errorType"] == "MaxSubscriptionsReachedError"


@pytest.mark.parametrize("authorization", [1, {}, {"Authorization": "token-1"}])
def test_each_subscription_is_authorised(started: LiveClient, authorization: Any) -> None:
    told = started.subscribe("/tasks/a", authorization=authorization)
    assert told == {"type": "subscribe_error", "id": "1", "errors": UNAUTHORIZED}


def test_a_namespace_may_be_closed_to_browsers(started: LiveClient) -> None:
    assert started.subscribe("/internal/a")["errors"] == UNAUTHORIZED


def test_nobody_publishes_by_websocket(started: LiveClient) -> None:
    for channel, kind in (
        ("/tasks/a", "UnauthorizedException"),
        ("/internal/a", "UnsupportedOperation"),
        ("/none/a", "BadRequestException"),
    ):
        told = started.ask(
            type="publish",
            id="9",
            channel=channel,
            events=["{}"],
            authorization=started.authorization,
        )
        assert (told["type"], told["errors"][0]["errorType"]) == ("publish_error", kind)


def test_who_unsubscribes_hears_no_more(started: LiveClient, publisher: Publisher) -> None:
    started.subscribe("/tasks/a")
    assert started.ask(type="unsubscribe", id="1") == {"type": "unsubscribe_success", "id": "1"}
    told = started.ask(type="unsubscribe", id="1")
    assert (told["type"], told["errors"][0]["errorType"]) == (
        ("unsubscribe_error", "UnknownOperationError")
    )
    started.subscribe("/tasks/last")
    publisher.publish("/tasks/a", '"unheard"')
    publisher.publish("/tasks/last", '"last"')
    assert started.events(1) == ["last"]


# --- publishing ---------------------------------------------------------------------------------


def test_events_come_in_their_order_to_whoever_subscribed(
    started: LiveClient, publisher: Publisher
) -> None:
    started.subscribe("/tasks/a/*", "all")
    started.subscribe("/tasks/a/1", "one")
    started.subscribe("/tasks/last", "last")
    for channel in ("/tasks/a/1", "/tasks/a/2/3", "/tasks/a", "/tasks/ab/1", "/tasks/b/1"):
        answer = publisher.publish(channel, json.dumps([channel, 1]), json.dumps([channel, 2]))
        assert answer.status_code == 200
        told = answer.json()
        assert told["failed"] == []
        assert [one["index"] for one in told["successful"]] == [0, 1]
    publisher.publish("/tasks/last", "1")
    heard = [started.hear() for _ in range(7)]
    assert {message["type"] for message in heard} == {"data"}
    assert heard.pop()["id"] == "last"
    by_id = {
        own_id: [json.loads(one["event"]) for one in heard if one["id"] == own_id]
        for own_id in ("all", "one")
    }
    first = [["/tasks/a/1", 1], ["/tasks/a/1", 2]]
    assert by_id == {"all": [*first, ["/tasks/a/2/3", 1], ["/tasks/a/2/3", 2]], "one": first}


def test_nobody_is_asked_again_while_a_connection_lasts(
    started: LiveClient, authorizer: Authorizer, publisher: Publisher
) -> None:
    """Authorisation is of connecting and of subscribing; no page of AWS knows another moment."""
    started.subscribe("/tasks/a")
    authorizer.answer = {"isAuthorized": False}
    publisher.publish("/tasks/a", "1")
    assert started.events(1) == [1]
    assert started.subscribe("/tasks/b", "2")["errors"] == UNAUTHORIZED


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"channel": "/tasks/a"}',
        '{"channel": "/tasks/a", "events": []}',
        '{"channel": "/tasks/a", "events": "{}"}',
        '{"channel": "/tasks/a", "events": [{}]}',
        '{"channel": "/tasks/a", "events": ["{"]}',
        '{"channel": "/tasks/a", "events": ["1", "2", "3", "4", "5", "6"]}',
        json.dumps({"channel": "/tasks/a", "events": [json.dumps("x" * 239_999)]}),
        '{"channel": "/tasks/*", "events": ["{}"]}',
        '{"channel": "/none/a", "events": ["{}"]}',
        '{"events": ["{}"]}',
    ],
    ids=lambda body: body[:60],
)
def test_what_cannot_be_published_is_refused(publisher: Publisher, body: str) -> None:
    answer = publisher.send(body.encode())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["errorType"] == "BadRequestException"


def test_an_event_may_have_240_kb(started: LiveClient, publisher: Publisher) -> None:
    started.subscribe("/tasks/a")
    largest = json.dumps("x" * 239_998)
    assert publisher.publish("/tasks/a", largest).status_code == 200
    assert started.events(1) == ["x" * 239_998]


def test_a_namespace_may_be_closed_to_functions(publisher: Publisher) -> None:
    assert publisher.publish("/internal/a", "1").status_code == 401


def test_a_role_publishes_what_its_policies_allow(
    cloud: LocalCloud, hosts: dict[str, str], publisher: Publisher
) -> None:
    for function, status in (("PublisherFunction", 200), ("BystanderFunction", 403)):
        own = publisher.by(cloud.environment(function))
        answer = own.publish("/tasks/a", "1")
        assert answer.status_code == status, function
    told = answer.json()["errors"][0]
    assert told["errorType"] == "AccessDeniedException"
    resource = f"{hosts['ARN']}/channelNamespace/tasks"
    assert (
        f"is not authorized to perform: appsync:EventPublish on resource: {resource}"
        in (told["message"])
    )


@pytest.mark.parametrize(
    "change",
    [
        {"access_key": "ASIAUNKNOWN000000000"},
        {"secret_key": "wrong"},
        {"token": "wrong"},
        {"token": None},
        {"service": "execute-api"},
        {"region": "eu-central-1"},
        {"headers": {"Authorization": None}},
        {"headers": {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}},
        {"headers": {"X-Amz-Date": "20260101T000000Z"}},
        {"headers": {"X-Amz-Date": "today"}},
        {"headers": {"X-Amz-Date": None}},
        {"sent": b'{"channel": "/tasks/a", "events": ["2"]}'},
        {"headers": {"Authorization": "token-1"}},
    ],
    ids=str,
)
def test_who_does_not_sign_as_they_should_is_refused(
    publisher: Publisher, change: dict[str, Any]
) -> None:
    answer = publisher.changed(**change).publish("/tasks/a", "1")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["errorType"] == "UnauthorizedException"


def test_a_signature_is_good_for_minutes(publisher: Publisher) -> None:
    assert publisher.changed(ahead=-290.0).publish("/tasks/a", "1").status_code == 200
    for seconds in (-310.0, 310.0):
        assert publisher.changed(ahead=seconds).publish("/tasks/a", "1").status_code == 401


def test_there_is_one_path(publisher: Publisher) -> None:
    assert publisher.changed(path="/elsewhere").publish("/tasks/a", "1").status_code == 404


# --- what AppSync would not create ---------------------------------------------------------------

IAM: dict[str, Any] = {"AuthType": "AWS_IAM"}
BY_LAMBDA: dict[str, Any] = {
    "AuthType": "AWS_LAMBDA",
    "LambdaAuthorizerConfig": {"AuthorizerUri": "arn:x", "AuthorizerResultTtlInSeconds": 300},
}


@pytest.mark.parametrize(
    ("providers", "modes"),
    [([{"AuthType": "API_KEY"}], "API_KEY"), ([IAM], "AWS_LAMBDA"), ([IAM, BY_LAMBDA], "AWS_IAM")],
    ids=["a provider that is not played", "a mode without its provider", "answers remembered"],
)
def test_what_this_machine_does_not_play_is_not_created(
    providers: list[dict[str, Any]], modes: str
) -> None:
    names = ("ConnectionAuthModes", "DefaultSubscribeAuthModes", "DefaultPublishAuthModes")
    config = {"AuthProviders": providers, **{name: [{"AuthType": modes}] for name in names}}
    with pytest.raises(EventApiError):
        EventApi("id", "arn", "live", config, "123456789012", lambda _: Outcome(b""))


@pytest.mark.parametrize(
    "properties",
    [
        {"Name": "a_b"},
        {"Name": "x" * 51},
        {"Name": "twice"},
        {"Name": "b", "SubscribeAuthModes": [{"AuthType": "AWS_LAMBDA"}]},
    ],
)
def test_a_namespace_that_appsync_refuses_is_not_created(properties: dict[str, Any]) -> None:
    names = ("ConnectionAuthModes", "DefaultSubscribeAuthModes", "DefaultPublishAuthModes")
    config = {"AuthProviders": [IAM], **{name: [IAM] for name in names}}
    api = EventApi("id", "arn", "live", config, "123456789012", lambda _: Outcome(b""))
    api.add_namespace({"Name": "twice"})
    with pytest.raises(EventApiError):
        api.add_namespace(properties)
