"""
Live updates by AWS AppSync Events.

Events go to the API's HTTP endpoint, signed like any call of AWS:
https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import batched

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.live.channels import (
    channel_name,
    owner_segment,
    period_of,
    subject_segment,
)

# https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html
_MOST_EVENTS_AT_ONCE = 5
_TIMEOUT = httpx.Timeout(4.0, connect=1.0)
_JSON = {"Content-Type": "application/json"}


class AppSyncPublisher:
    """
    Publishes to followers; it is a `LivePublisher` (`core/ports/live.py`).

    Args:
        http: Made once, so that connections are kept.
        url: Of the endpoint, such as `https://….appsync-api.us-east-1.amazonaws.com/event`.
        credentials: Those of the function at hand.
    """

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        now: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._url = url
        self._region = region
        self._credentials = credentials
        self._now = now

    def publish(self, owner: str, subject_id: str, events: Sequence[str]) -> None:
        """Publish events, in their order. Raises BackendUnavailableError."""
        owner, subject = owner_segment(owner), subject_segment(subject_id)
        for some in batched(events, _MOST_EVENTS_AT_ONCE, strict=False):
            channel = channel_name(owner, period_of(self._now()), subject)
            self._send({"channel": channel, "events": list(some)})

    def _send(self, publication: dict[str, object]) -> None:
        body = json.dumps(publication, separators=(",", ":")).encode()
        try:
            answer = self._http.post(
                self._url, content=body, headers=self._signed(body), timeout=_TIMEOUT
            )
        except httpx.HTTPError as error:
            raise BackendUnavailableError(f"AppSync: {type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK:
            raise BackendUnavailableError(f"AppSync: {answer.status_code} {_reason(answer)}")
        # 200 is also said when some of the events were not taken.
        if _failed(answer):
            raise BackendUnavailableError("AppSync: not every event was taken")

    def _signed(self, body: bytes) -> dict[str, str]:
        request = AWSRequest("POST", self._url, headers=_JSON, data=body)
        SigV4Auth(self._credentials(), "appsync", self._region).add_auth(request)
        return dict(request.headers.items())


def _failed(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json()["failed"])
    except (ValueError, LookupError, TypeError):
        return True


def _reason(answer: httpx.Response) -> str:
    """Return what kind of error it is; the words beside it may quote the request."""
    try:
        kind = answer.json()["errors"][0]["errorType"]
    except (ValueError, LookupError, TypeError):
        return ""
    return str(kind)[:100]
