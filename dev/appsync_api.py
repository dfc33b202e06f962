"""
One Event API of AppSync: its namespaces, who may do what in it, and who is subscribed to what.

https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html. Of the ways to be
authorised there are two here: a Lambda function for those who connect and subscribe, and IAM for
those who publish. A function is asked when somebody connects, and again for each subscription;
nobody asks again afterwards, so that an open connection outlives its token (decision 16).
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dev import appsync_channels as channels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.appsync_channels import Channel
    from dev.functions import Outcome

_PROVIDERS = {"AWS_LAMBDA", "AWS_IAM"}


class EventApiError(Exception):
    """An API that AppSync would not create, or that this machine cannot play."""


class Refused(Exception):  # noqa: N818 - an answer, as AppSync names it
    """Something that is answered with an error."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind

    @property
    def told(self) -> list[dict[str, str]]:
        """The errors of a message."""
        return [{"errorType": self.kind, "message": str(self)}]


UNAUTHORIZED = "UnauthorizedException"
BAD_REQUEST = "BadRequestException"


class Subscriber(Protocol):
    """A connection."""

    def deliver(self, channel: Channel, events: list[str]) -> None:
        """Send events to those of its subscriptions that cover the channel."""
        ...


@dataclass
class EventApi:
    """
    An Event API.

    Attributes:
        invoke: Invokes the function that authorises, if AppSync may; raises Refused.

    """

    api_id: str
    arn: str
    name: str
    config: Mapping[str, Any]
    account: str
    invoke: Callable[[bytes], Outcome]
    http_host: str = ""
    realtime_host: str = ""
    namespaces: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _subscribers: set[Subscriber] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._providers = {one["AuthType"]: one for one in self.config["AuthProviders"]}
        if unknown := self._providers.keys() - _PROVIDERS:
            raise EventApiError(f"{self.name}: {', '.join(unknown)} is not played on this machine")
        for modes in ("ConnectionAuthModes", "DefaultSubscribeAuthModes"):
            self._check_modes(self.config[modes])
        self._check_modes(self.config["DefaultPublishAuthModes"])
        lambda_config = self._providers.get("AWS_LAMBDA", {}).get("LambdaAuthorizerConfig", {})
        if int(lambda_config.get("AuthorizerResultTtlInSeconds", 0)) != 0:
            raise EventApiError(f"{self.name}: answers of the authorizer are not remembered here")
        self._token_pattern = lambda_config.get("IdentityValidationExpression", "")

    @property
    def authorizer_arn(self) -> str:
        """ARN of the function that authorises, "" if there is none."""
        config = self._providers.get("AWS_LAMBDA", {}).get("LambdaAuthorizerConfig", {})
        return str(config.get("AuthorizerUri", ""))

    def add_namespace(self, properties: Mapping[str, Any]) -> str:
        """Add a namespace, and return its ARN."""
        name = properties["Name"]
        if not channels.SEGMENT.fullmatch(name) or name in self.namespaces:
            raise EventApiError(f"{self.name}: {name} cannot be a namespace")
        for modes in ("SubscribeAuthModes", "PublishAuthModes"):
            self._check_modes(properties.get(modes, []))
        self.namespaces[name] = properties
        return f"{self.arn}/channelNamespace/{name}"

    def connect(self, headers: Mapping[str, Any]) -> None:
        """Let somebody connect. Raises Refused."""
        self._authorise(headers, "EVENT_CONNECT", self.config["ConnectionAuthModes"])

    def check_subscription(self, text: object, headers: Mapping[str, Any]) -> Channel:
        """Let somebody subscribe to a channel. Raises Refused."""
        channel = self._channel(text, may_end_in_wildcard=True)
        modes = self._modes(channel, "SubscribeAuthModes", "DefaultSubscribeAuthModes")
        self._authorise(headers, "EVENT_SUBSCRIBE", modes, (channel[0], str(text)))
        return channel

    def check_publication(self, text: object, mode: str) -> Channel:
        """Let somebody publish who is authorised in a way. Raises Refused."""
        channel = self._channel(text)
        modes = self._modes(channel, "PublishAuthModes", "DefaultPublishAuthModes")
        if {"AuthType": mode} not in modes:
            raise Refused(UNAUTHORIZED, "You are not authorized to make this call.")
        return channel

    def join(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers.discard(subscriber)

    def broadcast(self, channel: Channel, events: list[str]) -> None:
        """Deliver events, one publication after the other."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber.deliver(channel, events)

    def _channel(self, text: object, *, may_end_in_wildcard: bool = False) -> Channel:
        try:
            channel = channels.read(text, may_end_in_wildcard=may_end_in_wildcard)
        except channels.ChannelError as exc:
            raise Refused(BAD_REQUEST, f"Invalid Channel Format: {exc}") from None
        if channel[0] not in self.namespaces:
            raise Refused(BAD_REQUEST, f"there is no namespace {channel[0]}")
        return channel

    def _modes(self, channel: Channel, own: str, default: str) -> list[Mapping[str, str]]:
        modes: list[Mapping[str, str]] = (
            self.namespaces[channel[0]].get(own) or self.config[default]
        )
        return modes

    def _check_modes(self, modes: list[Mapping[str, str]]) -> None:
        for mode in modes:
            if mode["AuthType"] not in self._providers:
                raise EventApiError(f"{self.name}: {mode['AuthType']} is none of its providers")

    def _authorise(
        self,
        headers: Mapping[str, Any],
        operation: str,
        modes: list[Mapping[str, str]],
        channel: tuple[str, str] | None = None,
    ) -> None:
        refused = Refused(UNAUTHORIZED, "You are not authorized to make this call.")
        token = headers.get("Authorization")
        if {"AuthType": "AWS_LAMBDA"} not in modes or not isinstance(token, str) or not token:
            raise refused
        if headers.get("host") != self.http_host:
            raise refused
        if re.search(self._token_pattern, token) is None:
            raise refused
        context = {
            "apiId": self.api_id,
            "accountId": self.account,
            "requestId": str(uuid.uuid4()),
            "operation": operation,
        }
        if channel is not None:
            # Documented as null where somebody connects, and left out in practice.
            context |= {"channelNamespaceName": channel[0], "channel": channel[1]}
        event = {
            "authorizationToken": token,
            "requestContext": context,
            "requestHeaders": {k: v for k, v in headers.items() if k != "Authorization"},
        }
        outcome = self.invoke(json.dumps(event).encode())
        answer = None if outcome.failed else outcome.value()
        if not isinstance(answer, dict) or answer.get("isAuthorized") is not True:
            raise refused
        if answer.get("ttlOverride"):
            raise EventApiError(f"{self.name}: answers of the authorizer are not remembered here")
