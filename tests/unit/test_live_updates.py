"""Live updates: who gets a token, who is let in, and events that are too large."""

from datetime import timedelta
from typing import Any

import pytest

from kie_gateway.core.callers.realtime_token import read_token
from kie_gateway.core.errors.caller_errors import InvalidRequestError, LiveUpdatesOffError
from kie_gateway.core.live.channels import owner_segment, subject_segment
from kie_gateway.flows.live.authorise_realtime import AuthoriseRealtime
from kie_gateway.flows.live.issue_realtime_token import IssueRealtimeToken
from tests.fakes import Clock, FakeTaskStore
from tests.makers import make_task

KEY = b"key"
OWN, ALSO_OWN, STRANGE, DELETED = (f"task_{number:026d}" for number in range(4))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def issuing(clock: Clock, *, is_on: bool = True) -> IssueRealtimeToken:
    tasks = FakeTaskStore()
    for task_id, more in (
        (OWN, {}),
        (ALSO_OWN, {}),
        (STRANGE, {"owner": "bob"}),
        (DELETED, {"deleted_at": clock.now()}),
    ):
        whole: dict[str, Any] = {"owner": "alice", **more}
        tasks.create(make_task(task_id=task_id, **whole), [], None)
    return IssueRealtimeToken(is_on, tasks, lambda: KEY, clock.now)


def test_an_owners_token_opens_everything_of_the_owner(clock: Clock) -> None:
    issued = issuing(clock)("alice", None, 60)
    grant = read_token(issued.token, KEY, clock.now())
    assert grant == issued.grant
    assert grant is not None
    assert (grant.owner, grant.subjects) == (owner_segment("alice"), None)
    assert grant.expires_at - clock.now() <= timedelta(seconds=60)
    assert issued.channels == grant.channels(clock.now())


def test_a_token_for_tasks_opens_those_each_once(clock: Clock) -> None:
    issued = issuing(clock)("alice", [ALSO_OWN, OWN, ALSO_OWN], 60)
    assert issued.grant.subjects == (subject_segment(ALSO_OWN), subject_segment(OWN))


def test_tasks_that_are_not_ones_own_are_named_by_their_index(clock: Clock) -> None:
    """One that is somebody else's, in the words of one that is not there."""
    nowhere = "task_00000000000000000000000009"
    with pytest.raises(InvalidRequestError) as refused:
        issuing(clock)("alice", [OWN, STRANGE, nowhere, DELETED], 60)
    faults = refused.value.faults
    assert [fault.pointer for fault in faults] == ["/tasks/1", "/tasks/2", "/tasks/3"]
    assert len({fault.detail for fault in faults}) == 1


def test_without_live_updates_there_are_no_tokens(clock: Clock) -> None:
    with pytest.raises(LiveUpdatesOffError):
        issuing(clock, is_on=False)("alice", None, 60)


def test_whoever_has_a_good_token_is_let_in_to_what_it_opens(clock: Clock) -> None:
    authorise = AuthoriseRealtime(lambda: KEY, clock.now)
    issued = issuing(clock)("alice", [OWN], 60)
    [channel, *_] = issued.channels
    assert authorise(issued.token, None)
    assert authorise(issued.token, channel)
    assert not authorise(issued.token, channel.replace("task-0", "task-1"))
    assert not authorise("forged.token", None)
    clock.advance(60)
    assert not authorise(issued.token, None)
    assert not authorise(issued.token, channel)
