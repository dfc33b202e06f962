"""However often a task is asked about, its executions hand over long before they are ended."""

from datetime import timedelta

import pytest

from kie_gateway.core.errors.backend_errors import TaskStalledError
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.polling.decision import STEPS_PER_EXECUTION
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.tasks import Decide, Moved
from kie_gateway.core.task import Attention, Status, Step, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.watching.continue_as_new import ContinueAsNew
from kie_gateway.flows.watching.watch_task import WatchTask
from kie_gateway.flows.watching.watches import Watches
from tests.fakes import Clock, FakeExecutions, FakeTaskStore
from tests.makers import NOW, running_task, typical_seconds

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_EVENTS = 25_000
# A wait enters and exits, and so does a choice; a task is scheduled, starts and succeeds, too.
EVENTS_OF_A_POLL = 2 + 5 + 2
# Started, the first wait, reading the record, the choice; and its end.
OTHER_EVENTS = 1 + 2 + 5 + 2 + 2
# As the template allows them.
CAPS = (1, 2, 30, 31, 217, 900, 86_400)
DEADLINES = (10, 3600, 86_400, 604_800)

MANY = 20_000
# What takes seconds.
LARGE = 5_000


def marks(polls: float) -> tuple[pytest.MarkDecorator, ...]:
    if polls > MANY:
        return (pytest.mark.long,)
    return (pytest.mark.large,) if polls > LARGE else ()


CASES = [
    pytest.param(cap, deadline, first, marks=marks(deadline / cap))
    for cap in CAPS
    for deadline in DEADLINES
    for first in (0, 1, 3600)
    if first == 0 or deadline / cap <= MANY
]


class Forgetful(FakeTaskStore):
    """A record without a timeline, which would fill the memory."""

    def move(self, task: Task, decide: Decide) -> Moved:
        moved = super().move(task, decide)
        self._entries.clear()
        return moved


@pytest.mark.parametrize(("cap", "deadline", "first_poll"), CASES)
def test_a_task_that_never_ends_is_watched_until_its_deadline(
    cap: int, deadline: int, first_poll: int
) -> None:
    """Pauses below 217 s and a deadline of a week killed the watch before it could tell anybody."""
    task = running_task(deadline_at=NOW + timedelta(seconds=deadline), next_at=NOW)
    clock, store, executions = Clock(NOW), Forgetful(task), FakeExecutions()
    policy = PollPolicy(first_poll, cap, typical_seconds=typical_seconds)

    def ask(task: Task) -> Task:
        entry = Entry(Happened.KIE_ASKED, clock.at, "Kie.ai says: generating.")
        next_at = policy.next_ask_at(task, clock.at)
        return store.move(
            task, lambda t: verdict_moves.asked(t, "generating", entry, next_at=next_at)
        ).task

    watch = WatchTask(store, ask, ask, ask, ask, clock.now)
    continue_as_new = ContinueAsNew(store, Watches(store, executions, clock.now), clock.now)
    step, steps, events = Step.ASK, 0, OTHER_EVENTS
    while step is not Step.STALL:
        decision = watch.step(step, task.task_id)
        steps, events = steps + 1, events + EVENTS_OF_A_POLL
        assert events < MOST_EVENTS
        assert decision.wait_until > clock.at or decision.step is Step.STALL
        if steps == STEPS_PER_EXECUTION:
            ended = continue_as_new(task.task_id, decision)
            assert (ended.step is Step.NONE) is (decision.step is not Step.STALL)
            steps, events = 0, OTHER_EVENTS
        step, clock.at = decision.step, max(clock.at, decision.wait_until)
    with pytest.raises(TaskStalledError):
        watch.step(Step.STALL, task.task_id)
    after = store.the(task)
    assert (after.status, after.attention) == (Status.EXPIRED, Attention.STALLED)
    assert after.watches == 1 + len(executions.started)
    assert after.polls >= (deadline - first_poll) // cap - 3
