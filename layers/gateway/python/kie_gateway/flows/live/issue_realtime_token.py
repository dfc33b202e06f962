"""Give a browser a token to follow tasks with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kie_gateway.core.callers.realtime_token import RealtimeGrant, grant_of, write_token
from kie_gateway.core.errors.caller_errors import (
    FieldFault,
    InvalidRequestError,
    LiveUpdatesOffError,
)
from kie_gateway.core.live.channels import owner_segment
from kie_gateway.core.ports.tasks import TaskStore


@dataclass(frozen=True)
class IssuedRealtimeToken:
    """A token with what it opens, and the channels to subscribe to."""

    token: str
    grant: RealtimeGrant
    channels: Sequence[str]


@dataclass(frozen=True)
class IssueRealtimeToken:
    """
    Issues tokens.

    Attributes:
        is_on: Whether this deployment has live updates.
        signing_key: Reads the key. Raises ConfigurationError.
    """

    is_on: bool
    tasks: TaskStore
    signing_key: Callable[[], bytes]
    now: Callable[[], datetime]

    def __call__(
        self, owner: str, task_ids: Sequence[str] | None, ttl_seconds: int
    ) -> IssuedRealtimeToken:
        """
        Issue a token.

        Args:
            task_ids: What it opens; None for all tasks of the owner, those to come included.

        Raises:
            LiveUpdatesOffError: There is nothing to follow.
            InvalidRequestError: Names the tasks that are not there, or are somebody else's.
        """
        if not self.is_on:
            raise LiveUpdatesOffError("this gateway was deployed without live updates")
        if task_ids is not None:
            self._check(owner, task_ids)
        now = self.now()
        expires_at = datetime.fromtimestamp(int(now.timestamp()) + ttl_seconds, UTC)
        chosen = None if task_ids is None else tuple(dict.fromkeys(task_ids))
        grant = grant_of(owner_segment(owner), chosen, expires_at)
        return IssuedRealtimeToken(
            write_token(grant, self.signing_key()), grant, grant.channels(now)
        )

    def _check(self, owner: str, task_ids: Sequence[str]) -> None:
        found = self.tasks.get_many(list(dict.fromkeys(task_ids)))
        own = {one.task_id for one in found if one.owner == owner and one.deleted_at is None}
        faults = [
            FieldFault(f"/tasks/{index}", "there is no such task of yours")
            for index, task_id in enumerate(task_ids)
            if task_id not in own
        ]
        if faults:
            raise InvalidRequestError("some of the tasks cannot be followed", faults)
