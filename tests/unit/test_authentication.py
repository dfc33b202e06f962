"""Who sends a request: keys, tokens, and how many requests they may send."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from kie_gateway.core.callers.allowance import Allowance
from kie_gateway.core.callers.api_key import ApiKey, Caller, Scope, hash_key
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import TooManyRequestsError, UnauthorizedError
from kie_gateway.web.authentication import Authentication
from tests.makers import NOW, seconds

SECRET = "kg_live_a"
TOKEN = "a.b.c"
ALICE = ApiKey("key_1", hash_key(SECRET), "alice", "shop", NOW)


@dataclass
class FakeKeys:
    """Knows one key."""

    key: ApiKey = ALICE
    is_down: bool = False
    used: list[str] = field(default_factory=list)

    def find(self, key: str) -> ApiKey | None:
        return self.key if key == SECRET else None

    def note_use(self, key: ApiKey, now: datetime) -> None:
        if self.is_down:
            raise BackendUnavailableError("throttled")
        self.used.append(key.key_id)


class FakeTokens:
    """Knows one token."""

    def read(self, token: str) -> Caller | None:
        return Caller("carol", frozenset({Scope.TASKS_READ})) if token == TOKEN else None


@dataclass
class FakeCounter:
    """Counts without an end."""

    counts: dict[str, int] = field(default_factory=dict)

    def count(self, sender: str, limit: int, now: datetime) -> Allowance:
        self.counts[sender] = self.counts.get(sender, 0) + 1
        return Allowance(limit, self.counts[sender], 60)


@pytest.fixture
def authenticate() -> Authentication:
    return Authentication(FakeKeys(), FakeTokens(), FakeCounter(), 2, lambda: NOW)


def sent(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


def test_a_key_stands_for_its_owner_and_is_noted_as_used(authenticate: Authentication) -> None:
    caller = authenticate(sent(SECRET))
    assert (caller.owner, caller.scopes) == ("alice", ALICE.scopes)
    assert caller.allowance == Allowance(2, 1, 60)
    assert isinstance(authenticate.keys, FakeKeys)
    assert authenticate.keys.used == ["key_1"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Basic YQ=="}, sent(""), sent("kg_live_b"), sent("x.y.z")],
)
def test_nothing_else_is_let_in_nor_counted(
    authenticate: Authentication, headers: dict[str, str]
) -> None:
    with pytest.raises(UnauthorizedError):
        authenticate(headers)
    assert isinstance(authenticate.counter, FakeCounter)
    assert authenticate.counter.counts == {}


@pytest.mark.parametrize("ended", [replace(ALICE, revoked_at=NOW), replace(ALICE, expires_at=NOW)])
def test_a_key_that_has_ended_is_refused(authenticate: Authentication, ended: ApiKey) -> None:
    with pytest.raises(UnauthorizedError):
        replace(authenticate, keys=FakeKeys(ended))(sent(SECRET))
    until_later = replace(ALICE, expires_at=NOW + seconds(1))
    assert replace(authenticate, keys=FakeKeys(until_later))(sent(SECRET)).owner == "alice"


def test_a_token_is_read_where_tokens_are_accepted(authenticate: Authentication) -> None:
    assert authenticate(sent(TOKEN)).owner == "carol"
    with pytest.raises(UnauthorizedError):
        replace(authenticate, tokens=None)(sent(TOKEN))


def test_a_use_that_cannot_be_noted_turns_nobody_away(authenticate: Authentication) -> None:
    assert replace(authenticate, keys=FakeKeys(is_down=True))(sent(SECRET)).owner == "alice"


def test_one_request_too_many_is_refused(authenticate: Authentication) -> None:
    for _ in range(2):
        authenticate(sent(SECRET))
    with pytest.raises(TooManyRequestsError) as refused:
        authenticate(sent(SECRET))
    assert refused.value.allowance.remaining == 0


@pytest.mark.parametrize(
    ("own", "counted"), [(5, {"key_1": 1}), (0, {}), (None, {"owner alice": 1})]
)
def test_a_key_with_a_limit_of_its_own_is_counted_by_itself(
    own: int | None, counted: dict[str, int]
) -> None:
    counter, keys = FakeCounter(), FakeKeys(replace(ALICE, requests_per_minute=own))
    caller = Authentication(keys, None, counter, 2, lambda: NOW)(sent(SECRET))
    assert counter.counts == counted
    assert (caller.allowance is None) is (own == 0)


def test_without_a_limit_nothing_is_counted(authenticate: Authentication) -> None:
    assert replace(authenticate, requests_per_minute=0)(sent(SECRET)).allowance is None
