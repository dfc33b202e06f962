"""
AppSync Events: the Event APIs of a stack, each with a WebSocket and an HTTP endpoint on loopback.

moto keeps Event APIs, but its CloudFormation creates none, and nobody can connect to them.
"""

from __future__ import annotations

import secrets as randomness
from typing import TYPE_CHECKING, Any, Self, cast

from moto.cloudformation.parsing import get_model_map
from moto.core.common_models import CloudFormationModel
from moto.core.models import DEFAULT_ACCOUNT_ID

from dev.appsync_api import UNAUTHORIZED, EventApi, EventApiError, Refused
from dev.appsync_http import PublishServer
from dev.appsync_realtime import RealtimeServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.functions import Outcome
    from dev.moto_server import MotoServer
    from dev.policies import Principal
    from dev.s3_credentials import Secrets
    from dev.stack import Stack


class EventApis:
    """
    The Event APIs of one cloud.

    Args:
        invoke: Invokes a function by its name.
        aws: Its gate knows the roles, once there are any.
        secrets: Finds what belongs to an access key.
        clock: The time, in unix seconds.

    """

    def __init__(
        self,
        region: str,
        invoke: Callable[[str, bytes], Outcome],
        aws: MotoServer,
        secrets: Secrets,
        clock: Callable[[], float],
    ) -> None:
        self._region = region
        self._invoke = invoke
        self._aws = aws
        self._secrets = secrets
        self._clock = clock
        self._apis: dict[str, EventApi] = {}
        self._servers: list[RealtimeServer | PublishServer] = []
        # By the APIs' logical ids.
        self._may_invoke: dict[str, bool] = {}
        for kind in (_Api, _ChannelNamespace):
            kind.apis = self
            cast("dict[str, Any]", get_model_map())[kind.cloudformation_type()] = kind

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.stop()

    def create(self, logical_id: str, properties: Mapping[str, Any]) -> EventApi:
        """Create an API; its ports are taken at once, since functions are told of them."""
        api_id = randomness.token_hex(13)
        arn = f"arn:aws:appsync:{self._region}:{DEFAULT_ACCOUNT_ID}:apis/{api_id}"

        def authorise(payload: bytes) -> Outcome:
            if not self._may_invoke.get(logical_id):
                raise Refused(UNAUTHORIZED, "AppSync may not invoke the authorizer")
            return self._invoke(api.authorizer_arn.rpartition(":")[2], payload)

        api = EventApi(
            api_id=api_id,
            arn=arn,
            name=properties["Name"],
            config=properties["EventConfig"],
            account=DEFAULT_ACCOUNT_ID,
            invoke=authorise,
        )
        http = PublishServer(api, self._region, self._secrets, self._roles)
        realtime = RealtimeServer(api, self._clock)
        api.http_host = f"127.0.0.1:{http.server_port}"
        api.realtime_host = f"127.0.0.1:{realtime.port}"
        self._servers += [http, realtime]
        self._apis[api_id] = api
        for server in (http, realtime):
            server.start()
        return api

    def add_namespace(self, properties: Mapping[str, Any]) -> str:
        """Add a namespace to an API, and return its ARN."""
        if properties["ApiId"] not in self._apis:
            raise EventApiError(f"there is no API {properties['ApiId']}")
        return self._apis[properties["ApiId"]].add_namespace(properties)

    def use_permissions(self, stack: Stack) -> None:
        """Take over which functions AppSync may invoke; until then it may invoke none."""
        functions = {spec.arn: name for name, spec in stack.functions.items()}
        for arn, logical_id in stack.physical("AWS::AppSync::Api").items():
            api = next(one for one in self._apis.values() if one.arn == arn)
            function = functions.get(api.authorizer_arn, "")
            self._may_invoke[logical_id] = stack.permissions.event_api_allows(logical_id, function)

    def _roles(self) -> Mapping[str, Principal]:
        return self._aws.gate.principals or {}


class _Api(CloudFormationModel):
    """AWS::AppSync::Api."""

    apis: EventApis

    def __init__(self, api: EventApi) -> None:
        self._attributes = {
            "ApiArn": api.arn,
            "ApiId": api.api_id,
            "Dns.Http": api.http_host,
            "Dns.Realtime": api.realtime_host,
        }

    @property
    def physical_resource_id(self) -> str:
        return self._attributes["ApiArn"]

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::AppSync::Api"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in {"ApiArn", "ApiId", "Dns.Http", "Dns.Realtime"}

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self._attributes[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto's signature, as below
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003
        region_name: str,  # noqa: ARG003
        **kwargs: Any,
    ) -> _Api:
        return cls(cls.apis.create(kwargs["LogicalId"], cloudformation_json["Properties"]))


class _ChannelNamespace(CloudFormationModel):
    """AWS::AppSync::ChannelNamespace."""

    apis: EventApis

    def __init__(self, arn: str) -> None:
        self._arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self._arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::AppSync::ChannelNamespace"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto's signature, as below
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003
        region_name: str,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> _ChannelNamespace:
        return cls(cls.apis.add_namespace(cloudformation_json["Properties"]))


def in_plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Let a function's variables lead to loopback as it is: without TLS, which browsers refuse."""
    plain = {"wss://127.0.0.1:": "ws://127.0.0.1:", "https://127.0.0.1:": "http://127.0.0.1:"}
    found = dict(environment)
    for name, value in environment.items():
        for secure, open_ in plain.items():
            if name.startswith("LIVE_") and value.startswith(secure):
                found[name] = open_ + value.removeprefix(secure)
    return found
