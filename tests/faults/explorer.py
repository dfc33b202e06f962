"""
Tells a story once, then again with trouble at each call of AWS that it takes, one at a time.

Afterwards the world goes on as it would: the caller repeats what was not answered, Kie.ai and the
machine try again, and the sweep strikes. Then everything must be as if nothing had happened, but
for creations that nobody can know the fate of.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from kie_gateway.aws.ledger_scan import scan_ledger
from kie_gateway.core.credits.reconciliation import LedgerSnapshot
from kie_gateway.core.task import Task
from tests.functional.faults import Fault, Trouble, fault
from tests.functional.functions import FUNCTIONS
from tests.functional.owner import Owner
from tests.functional.story import Story
from tests.functional.test_unwatched import DAY, strike
from tests.functional.world import World

_NEVER = 10**9
_MOST_REPEATS = 5


@dataclass
class Tale:
    """
    One telling of a scenario.

    Attributes:
        key: Under which the caller asks for things.
        known: Tasks and batches that were there before.
        ended: What was on record at its end.
    """

    world: World
    owner: Owner
    key: str
    known: frozenset[str]
    answers: list[str] = field(default_factory=list)
    ended: LedgerSnapshot | None = None

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """Ask for something until it is answered, as callers do; returns the answer."""
        headers = {"Idempotency-Key": self.key}
        answer = self._insist(lambda: self.owner.http.post(path, json=body, headers=headers))
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def act(self, path: str, **params: str) -> None:
        """Do something to what is there until it is answered; done already is done, too."""
        answer = self._insist(lambda: self.owner.http.post(path, params=params))
        assert answer.status_code in (200, 202, 409), answer.text

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run_for(seconds)

    def ledger(self) -> LedgerSnapshot:
        """Read everything that is on record, of other tales, too; as it ended once it has."""
        if self.ended is not None:
            return self.ended
        return scan_ledger(self.world.dynamodb, self.world.cloud.resources["TaskTable"])

    def tasks(self) -> list[Task]:
        """List the tale's tasks, as recorded."""
        found = self.ledger().tasks.items()
        return [task for task_id, task in sorted(found) if task_id not in self.known]

    def story(self, task: Task) -> Story:
        """Give what can be seen of a task from outside."""
        return Story(self.world, task.task_id, task.created_at.timestamp())

    def told(self) -> str:
        """Tell everything: what the caller was answered, and each task's timeline."""
        lines = [f"answers: {' '.join(self.answers)}"]
        for task in self.tasks():
            children = ", ".join(f"{one.task_id} {one.state.value}" for one in task.children)
            lines.append(f"{task.task_id} {task.status.value} of {task.parent_id} [{children}]")
            entries = self.world.gateway("ApiFunction").tasks.entries(task.task_id)
            lines += [
                f"    {one.at:%H:%M:%S} {one.happened.value}: {one.message}" for one in entries
            ]
        return "\n".join(lines)

    def _insist(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        for _ in range(_MOST_REPEATS):
            answer = send()
            self.world.settle_down()
            self.answers.append(str(answer.status_code))
            if answer.status_code < 500:
                break
        return answer


@dataclass(frozen=True)
class Scenario:
    """
    A story that is told with trouble.

    Attributes:
        tell: What the caller does, and how long it takes until all is underway or done.
        check: What must be true at the end of this very story; what always must be is checked, too.
    """

    name: str
    tell: Callable[[Tale], None]
    check: Callable[[Tale], None]


@dataclass(frozen=True)
class Strike:
    """Trouble at one call."""

    function: str
    number: int
    operation: str
    trouble: Trouble

    def __str__(self) -> str:
        return f"{self.function}'s call {self.number} ({self.operation}): {self.trouble.value}"


class Explorer:
    """Tells one scenario again and again in a world."""

    def __init__(
        self,
        world: World,
        owner: Owner,
        scenario: Scenario,
        always: Callable[[Tale], None],
    ) -> None:
        self._world = world
        self._owner = owner
        self._scenario = scenario
        self._always = always
        self._number = 0

    def strikes(
        self, troubles: Iterable[Trouble], functions: Iterable[str] = FUNCTIONS
    ) -> Iterator[Strike]:
        """Tell the story without trouble, and list every place where there might be some."""
        with ExitStack() as stack:
            faults = {
                name: stack.enter_context(fault(self._world, name, Trouble.NOT_MADE, _NEVER))
                for name in functions
            }
            tale = self._tale()
            self._scenario.tell(tale)
        self._end(tale, "no trouble")
        for trouble in troubles:
            for name, one in faults.items():
                for number, operation in enumerate(one.calls, start=1):
                    yield Strike(name, number, operation, trouble)

    def tell(self, place: Strike) -> bool:
        """Tell the story with trouble; returns whether there was any."""
        tale = self._tale()
        with self._struck(place, tale) as struck:
            self._scenario.tell(tale)
        self._end(tale, str(place))
        return struck.has_struck

    @contextmanager
    def _struck(self, place: Strike, tale: Tale) -> Iterator[Fault]:
        with (
            self._explained(tale, str(place)),
            fault(self._world, place.function, place.trouble, place.number) as struck,
        ):
            yield struck

    def _tale(self) -> Tale:
        self._number += 1
        table = self._world.cloud.resources["TaskTable"]
        before = scan_ledger(self._world.dynamodb, table)
        known = frozenset((*before.tasks, *before.batches))
        return Tale(self._world, self._owner, f"tale-{self._number}", known)

    def _end(self, tale: Tale, trouble: str) -> None:
        with self._explained(tale, trouble):
            strike(self._world)
            self._world.run()
            if any(task.reservation and task.reservation.held for task in tale.tasks()):
                self._world.run_for(DAY + 4000)
                strike(self._world)
                self._world.run()
            tale.ended = tale.ledger()
            self._always(tale)
            self._scenario.check(tale)

    @contextmanager
    def _explained(self, tale: Tale, trouble: str) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            words = f"{self._scenario.name}, {trouble}\n{error}\n{tale.told()}"
            raise AssertionError(words) from error
