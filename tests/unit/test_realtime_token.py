"""Tokens for browsers: what they open, until when, and that nobody else can make one."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev import appsync_channels
from kie_gateway.core.callers.api_key import OWNER_PATTERN
from kie_gateway.core.callers.realtime_token import (
    LONGEST_SECONDS,
    MOST_TASKS,
    PURPOSE,
    RealtimeGrant,
    grant_of,
    read_token,
    write_token,
)
from kie_gateway.core.live.channels import (
    PERIOD_SECONDS,
    channel_name,
    owner_segment,
    period_begins,
    period_of,
    subject_segment,
)
from kie_gateway.core.signing_key import derive_key

KEY = derive_key("the deployment's secret", PURPOSE)
NOW = datetime(2026, 11, 30, 12, 7, 30, tzinfo=UTC)
PERIOD = period_of(NOW)
END = NOW + timedelta(minutes=10)
ALICE, BOB = owner_segment("alice"), owner_segment("bob")
TASK, OTHER = "task_01kjd3x7h80000000000000001", "task_01kjd3x7h80000000000000002"
EVERYTHING = grant_of(ALICE, None, END)
ONE_TASK = grant_of(ALICE, (TASK,), END)


def encoded(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decoded(payload: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize("grant", [EVERYTHING, ONE_TASK], ids=["everything", "one task"])
def test_a_token_is_read_as_it_was_written(grant: RealtimeGrant) -> None:
    assert read_token(write_token(grant, KEY), KEY, NOW) == grant


def test_a_token_is_good_until_the_second_in_which_it_expires() -> None:
    token = write_token(EVERYTHING, KEY)
    assert read_token(token, KEY, END - timedelta(microseconds=1)) == EVERYTHING
    assert read_token(token, KEY, END) is None


def test_a_token_does_not_name_its_owner() -> None:
    payload, _, _ = write_token(ONE_TASK, KEY).partition(".")
    assert "alice" not in json.dumps(decoded(payload))


def test_the_key_serves_one_purpose() -> None:
    token = write_token(EVERYTHING, KEY)
    for other in (derive_key("the deployment's secret", "permalinks"), derive_key("x", PURPOSE)):
        assert read_token(token, other, NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        {"o": BOB},
        {"e": int(END.timestamp()) + 3600},
        {"s": [subject_segment(OTHER)]},
        {"s": ["*"]},
        {"s": None},
    ],
    ids=["another owner", "a later end", "another task", "everything", "no tasks"],
)
def test_what_a_token_opens_cannot_be_changed(change: dict[str, Any]) -> None:
    payload, _, signature = write_token(ONE_TASK, KEY).partition(".")
    changed = {k: v for k, v in (decoded(payload) | change).items() if v is not None}
    assert read_token(f"{encoded(changed)}.{signature}", KEY, NOW) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "a.b",
        "kg_local_dev",
        "\ud800.\ud800",
        f"{encoded({'o': ALICE, 'e': 9999999999})}.",
        f"{encoded({'o': ALICE, 'e': 9999999999})}.{'A' * 43}",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert read_token(token, KEY, NOW) is None


def test_no_part_of_a_token_can_be_left_out_or_doubled() -> None:
    token = write_token(ONE_TASK, KEY)
    payload, _, signature = token.partition(".")
    for forged in (
        payload,
        signature,
        token[:-1],
        f"{token}A",
        f"{token}.{signature}",
        f" {token}",
    ):
        assert read_token(forged, KEY, NOW) is None


def test_a_token_for_everything_opens_its_owners_channels_and_no_others() -> None:
    opened = [
        channel_name(ALICE, PERIOD, "*"),
        channel_name(ALICE, PERIOD, subject_segment(TASK)),
        channel_name(ALICE, PERIOD, subject_segment("batch_01kjd3x7h80000000000000001")),
        channel_name(ALICE, PERIOD, "*").removeprefix("/"),
    ]
    assert [EVERYTHING.opens(channel) for channel in opened] == [True] * len(opened)
    closed = [
        channel_name(BOB, PERIOD, "*"),
        channel_name(BOB, PERIOD, subject_segment(TASK)),
        f"/tasks/{ALICE}/*",
        "/tasks/*",
        "/*",
        "*",
        "",
        f"/other/{ALICE}/{PERIOD}/*",
        f"/tasks/{ALICE}/{PERIOD}/{subject_segment(TASK)}/more",
        f"/tasks/{ALICE}/*/*",
        f"/tasks/{ALICE}/x/*",
        f"/tasks/{ALICE}/-1/*",
        f"/tasks/{ALICE}/²/*",
        f"/tasks/{ALICE}/{'9' * 40}/*",
    ]
    assert [EVERYTHING.opens(channel) for channel in closed] == [False] * len(closed)


def test_a_token_for_a_task_opens_that_one_only() -> None:
    assert ONE_TASK.opens(channel_name(ALICE, PERIOD, subject_segment(TASK)))
    for subject in (subject_segment(OTHER), "*", "", subject_segment(TASK)[:-1]):
        assert not ONE_TASK.opens(channel_name(ALICE, PERIOD, subject))
    assert not ONE_TASK.opens(channel_name(BOB, PERIOD, subject_segment(TASK)))


def test_no_period_is_opened_that_begins_after_the_end() -> None:
    last = period_of(END)
    assert period_begins(last) <= END < period_begins(last + 1)
    assert EVERYTHING.opens(channel_name(ALICE, last, "*"))
    assert not EVERYTHING.opens(channel_name(ALICE, last + 1, "*"))
    on_the_dot = grant_of(ALICE, None, period_begins(last))
    assert not on_the_dot.opens(channel_name(ALICE, last, "*"))


@given(
    st.integers(0, 10**12).map(lambda ms: NOW + timedelta(milliseconds=ms)),
    st.integers(1, LONGEST_SECONDS),
    st.integers(0, LONGEST_SECONDS),
)
def test_the_channels_cover_the_life_of_a_token(now: datetime, ttl: int, after: int) -> None:
    """What is published at any moment of it reaches one of them."""
    grant = grant_of(ALICE, (TASK,), datetime.fromtimestamp(int(now.timestamp()) + ttl, UTC))
    listed = grant.channels(now)
    assert all(map(grant.opens, listed))
    moment = now + timedelta(seconds=after)
    is_listed = channel_name(ALICE, period_of(moment), subject_segment(TASK)) in listed
    if moment < grant.expires_at:
        assert is_listed
    elif after > ttl + PERIOD_SECONDS:
        assert not is_listed


def test_a_connection_takes_all_channels_of_any_token() -> None:
    """Up to 100 subscriptions: docs.aws.amazon.com/general/latest/gr/appsync.html."""
    tasks = tuple(f"task_{number:026d}" for number in range(MOST_TASKS))
    for second in range(0, PERIOD_SECONDS, 7):
        now = period_begins(PERIOD) + timedelta(seconds=second)
        grant = grant_of(ALICE, tasks, now + timedelta(seconds=LONGEST_SECONDS))
        assert len(grant.channels(now)) <= 100


@given(st.from_regex(OWNER_PATTERN, fullmatch=True))
def test_appsync_takes_the_channels_of_every_owner(owner: str) -> None:
    grant = grant_of(owner_segment(owner), None, END)
    for channel in grant.channels(NOW):
        assert appsync_channels.read(channel, may_end_in_wildcard=True)
    published = channel_name(owner_segment(owner), PERIOD, subject_segment(TASK))
    assert "/".join(appsync_channels.read(published)) == published.removeprefix("/")
