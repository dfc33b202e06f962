"""
The HTTP endpoint of an Event API, where events are published.

https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from dev.appsync_api import BAD_REQUEST, UNAUTHORIZED, Refused
from dev.appsync_signature import SignatureError, verify
from dev.credentials import ADMINISTRATOR
from dev.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.appsync_api import EventApi
    from dev.policies import Principal
    from dev.s3_credentials import Secrets

MOST_EVENTS = 5
LARGEST_EVENT_BYTES = 240 * 1000
_LARGEST_BODY_BYTES = 8 * 1024 * 1024
_STATUSES = {UNAUTHORIZED: 401, "AccessDeniedException": 403}


class PublishServer(LoopbackServer):
    """
    Listens on loopback from the moment it is made; answers once it is started.

    Args:
        principals: Gives the roles by access key id, once there are any.

    """

    def __init__(
        self,
        api: EventApi,
        region: str,
        secrets: Secrets,
        principals: Callable[[], Mapping[str, Principal]],
    ) -> None:
        super().__init__(0, _Handler)
        self._api = api
        self._region = region
        self._secrets = secrets
        self._principals = principals

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def publish(self, headers: Mapping[str, str], body: bytes) -> list[dict[str, Any]]:
        """
        Publish what a request says, and tell what was taken.

        Args:
            headers: With lower-case names.

        Raises:
            Refused: Nothing was.

        """
        caller = self._caller(headers, body)
        channel_text, events = _read(body)
        channel = self._api.check_publication(channel_text, "AWS_IAM")
        self._check_policy(caller, f"{self._api.arn}/channelNamespace/{channel[0]}")
        self._api.broadcast(channel, events)
        return [{"identifier": str(uuid.uuid4()), "index": index} for index in range(len(events))]

    def _caller(self, headers: Mapping[str, str], body: bytes) -> str:
        url = f"http://{headers.get('host', '')}/event"
        try:
            return verify(
                url, headers, body, region=self._region, secrets=self._secrets, now=time.time()
            )
        except SignatureError as exc:
            raise Refused(UNAUTHORIZED, str(exc)) from None

    def _check_policy(self, caller: str, resource: str) -> None:
        if caller == ADMINISTRATOR:
            return
        principal = self._principals()[caller]
        if not principal.may("appsync:EventPublish", resource):
            words = principal.refusal("appsync:EventPublish", resource)
            raise Refused("AccessDeniedException", words)


class _Handler(LoopbackHandler):
    server: PublishServer

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _LARGEST_BODY_BYTES))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path != "/event":
            self._answer(404, {"errors": [{"errorType": "NotFoundException", "message": ""}]})
            return
        try:
            taken = self.server.publish(headers, body)
        except Refused as refused:
            self._answer(_STATUSES.get(refused.kind, 400), {"errors": refused.told})
        else:
            self._answer(200, {"failed": [], "successful": taken})

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()


def _read(body: bytes) -> tuple[object, list[str]]:
    """Read a publication: a channel, and one to five events, each a text that is JSON."""
    try:
        told = json.loads(body)
        channel, events = told["channel"], told["events"]
    except (ValueError, KeyError, TypeError):
        raise Refused(BAD_REQUEST, "the body must be JSON with channel and events") from None
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise Refused(BAD_REQUEST, f"events must have one to {MOST_EVENTS} entries")
    for event in events:
        if not isinstance(event, str) or not _is_json(event):
            raise Refused(BAD_REQUEST, "each event must be a string of valid JSON")
        if len(event.encode()) > LARGEST_EVENT_BYTES:
            raise Refused(BAD_REQUEST, "an event may have 240 KB")
    return channel, events


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
