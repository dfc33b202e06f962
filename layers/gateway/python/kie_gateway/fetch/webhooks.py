"""Send webhooks to receivers that nobody vouches for."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from kie_gateway.core.errors.storage_errors import SourceForbiddenError, SourceUnavailableError
from kie_gateway.core.events.delivery import MOST_ANSWER_BYTES, Attempt, Trouble
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.core.keepable import keepable
from kie_gateway.fetch.client import GuardedClient, header
from kie_gateway.fetch.network import Patience

# Standard Webhooks asks senders to wait for 15 to 30 s.
PATIENCE_SECONDS = 15.0
_BROKEN_OFF = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    SourceUnavailableError,
)


class HttpWebhookSender:
    """
    Sends webhooks: no redirects, no private addresses, and nothing of an answer but its beginning.

    Args:
        hosts: Which hosts there are.
        client: Speaks to those.
    """

    def __init__(
        self,
        hosts: ResultHosts,
        client: GuardedClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = hosts
        self._client = client
        self._clock = clock

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], at: datetime) -> Attempt:
        """Send a webhook and wait for the answer; whatever goes wrong is in what is returned."""
        began = self._clock()

        def attempt(
            trouble: Trouble | None = None,
            status: int | None = None,
            answer: str = "",
            retry_after_seconds: int | None = None,
        ) -> Attempt:
            milliseconds = round((self._clock() - began) * 1000)
            return Attempt(at, milliseconds, status, trouble, answer, retry_after_seconds)

        patience = Patience(total_seconds=PATIENCE_SECONDS, clock=self._clock)
        try:
            place = self._hosts.check(url)
            with self._client.ask(
                place,
                patience,
                method="POST",
                more=_as_sent(headers),
                content=body,
            ) as answer:
                status = answer.status
                beginning = _beginning(answer)
                pause = _seconds(header(answer, "retry-after"), at)
        except SourceForbiddenError as error:
            return attempt(Trouble.REFUSED_ADDRESS, answer=error.message)
        except (httpcore.TimeoutException, SourceUnavailableError) as error:
            is_late = self._clock() - began >= PATIENCE_SECONDS
            is_timeout = isinstance(error, httpcore.TimeoutException) or is_late
            return attempt(Trouble.TIMEOUT if is_timeout else Trouble.UNREACHABLE)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            return attempt(Trouble.UNREACHABLE)
        return attempt(None, status, beginning, pause)


def _as_sent(headers: Mapping[str, str]) -> dict[bytes | str, bytes | str]:
    sent: dict[bytes | str, bytes | str] = {"Content-Type": "application/json"}
    return sent | dict(headers.items())


def _beginning(answer: httpcore.Response) -> str:
    """Read the first KiB of an answer; its status counts even if the rest never comes."""
    read = b""
    with suppress(*_BROKEN_OFF):
        for part in answer.iter_stream():
            read += part
            if len(read) >= MOST_ANSWER_BYTES:
                break
    return keepable(read[:MOST_ANSWER_BYTES].decode("utf-8", "replace"))


def _seconds(text: str | None, now: datetime) -> int | None:
    """Read `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3); None if it is neither."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), 10**6)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(round((moment - now).total_seconds()), 0)
