"""Stacks that AWS would not create, or whose parts would not reach each other, are refused here."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dev import policies, stack
from dev.cloud import LocalCloud
from dev.events import Request
from dev.gateway import HttpApi
from dev.logs import Log
from dev.template_rules import Permissions, StackError, check
from sam_template import parameters
from sam_template.template import Cors, Route, Template
from tests.dev.support import SMALL_STACK

type Document = dict[str, Any]

SMALL = Template(SMALL_STACK)
REAL = Template()
VALUES = parameters.resolve(SMALL.parameters, {})


@pytest.fixture(scope="module", autouse=True)
def region() -> Iterator[None]:
    """Let SAM's translator know where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(scope="module")
def small() -> Document:
    return stack.translate(SMALL, VALUES)


@pytest.fixture(scope="module")
def real() -> Document:
    return stack.translate(REAL, real_values())


def real_values(**given: str) -> dict[str, str]:
    return parameters.resolve_all(REAL, given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"AlarmEmail": "a@example.com", "AssetRetentionDays": "30"},
        {"PublicBaseUrl": "https://api.example.com"},
    ],
)
def test_every_reference_of_our_template_leads_somewhere(given: dict[str, str]) -> None:
    """intrinsic-function-reference.html of CloudFormation's guide."""
    values = real_values(**{k: v for k, v in given.items() if k in REAL.parameters})
    check(stack.translate(REAL, values), values)


def test_every_route_and_schedule_of_our_template_may_invoke(real: Document) -> None:
    """http-api-develop-integrations-lambda.html, eb-use-resource-based.html."""
    permissions = Permissions(real, real_values())
    for route in REAL.routes():
        assert permissions.api_allows(route.function, route.method, route.path), route
    for schedule in REAL.schedules():
        assert permissions.schedule_allows(schedule.function, schedule.name), schedule


def properties(document: Document, name: str) -> Document:
    found: Document = document["Resources"][name]["Properties"]
    return found


def refers_to_nobody(document: Document) -> None:
    variables = properties(document, "EchoFunction")["Environment"]["Variables"]
    variables["TABLE_NAME"] = {"Ref": "Tabel"}


def names_an_attribute_of_nobody(document: Document) -> None:
    properties(document, "QueueFunctionMessages")["EventSourceArn"] = {"Fn::GetAtt": ["Q", "Arn"]}


def substitutes_nobody(document: Document) -> None:
    properties(document, "Given")["SecretString"] = {"Fn::Sub": "${Nobody.Arn} ${!Literal}"}


def refers_to_what_is_not_created(document: Document) -> None:
    variables = properties(document, "EchoFunction")["Environment"]["Variables"]
    variables["ALARM"] = {"Ref": "Alarm"}


def depends_on_nobody(document: Document) -> None:
    document["Resources"]["EchoFunction"]["DependsOn"] = "Nobody"


def has_much_to_say(document: Document) -> None:
    variables = properties(document, "EchoFunction")["Environment"]["Variables"]
    variables["LONG"] = "ä" * 2048


def hides_too_short(document: Document) -> None:
    properties(document, "Queue")["VisibilityTimeout"] = 4


def wears_too_much(document: Document) -> None:
    echo = properties(document, "EchoFunction")
    echo["Layers"] = echo["Layers"] * 6


def wears_a_function(document: Document) -> None:
    properties(document, "EchoFunction")["Layers"] = [{"Ref": "StepsFunction"}]


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (refers_to_nobody, "EchoFunction: refers to Tabel, which is not there"),
        (names_an_attribute_of_nobody, "refers to Q.Arn"),
        (substitutes_nobody, "Given: refers to Nobody.Arn"),
        (refers_to_what_is_not_created, "refers to Alarm, which is not there"),
        (depends_on_nobody, "depends on Nobody"),
        (has_much_to_say, "the environment takes"),
        (hides_too_short, "hides messages for 4 s, less than QueueFunction's timeout of 5 s"),
        (wears_too_much, "6 layers"),
        (wears_a_function, "StepsFunction is no version of a layer"),
    ],
)
def test_mistakes_are_named(
    small: Document, mistake: Callable[[Document], None], words: str
) -> None:
    """gettingstarted-limits.html, services-sqs-configure.html, packaging-layers.html."""
    check(small, VALUES)
    document = copy.deepcopy(small)
    mistake(document)
    with pytest.raises(StackError, match=words):
        check(document, VALUES)


def test_routes_need_a_permission_for_their_own_path(small: Document) -> None:
    """The ARN of the source names API, stage, method and path."""
    document = copy.deepcopy(small)
    assert Permissions(document, VALUES).api_allows("EchoFunction", "POST", "/callbacks/{a}/{b}")
    del document["Resources"]["EchoFunctionAllPermission"]
    permissions = Permissions(document, VALUES)
    assert permissions.api_allows("EchoFunction", "POST", "/callbacks/{a}/{b}")
    assert not permissions.api_allows("EchoFunction", "GET", "/callbacks/{a}/{b}")
    assert not permissions.api_allows("EchoFunction", "ANY", "/{proxy+}")
    assert not permissions.api_allows("StepsFunction", "POST", "/callbacks/{a}/{b}")


def test_schedules_need_a_permission(real: Document) -> None:
    document = copy.deepcopy(real)
    [schedule, *_] = REAL.schedules()
    del document["Resources"][f"{schedule.function}{schedule.name}Permission"]
    permissions = Permissions(document, real_values())
    assert not permissions.schedule_allows(schedule.function, schedule.name)


def test_a_role_that_cannot_read_its_queue_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """services-sqs-configure.html: Lambda does not create such a mapping."""
    granted: Any = policies.MANAGED
    name = "AWSLambdaSQSQueueExecutionRole"
    monkeypatch.setitem(granted, name, {**granted[name], "Action": ["sqs:ReceiveMessage"]})
    with (
        pytest.raises(StackError, match="QueueFunction's role may not sqs:DeleteMessage"),
        LocalCloud(SMALL, log=Log(io.StringIO())),
    ):
        pass


def test_a_route_without_a_permission_is_a_500() -> None:
    """http-api-develop-integrations-lambda.html: callers see no more."""
    route = Route("GET", "/a", "EchoFunction")
    request = Request(
        method="GET",
        path="/a",
        query="",
        headers=(),
        body=b"",
        source_ip="127.0.0.1",
        request_id="1",
        received=datetime.now(UTC),
    )
    api = HttpApi([route], Cors(), {}, "https://api.example.com", allowed=lambda *_: False)
    answer = api.answer(request)
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
