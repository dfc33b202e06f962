"""Taking in a task: recorded first, then watched, and only then sent to Kie.ai."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import ConfigurationError, GatewayError
from kie_gateway.core.errors.caller_errors import (
    CreationsStoppedError,
    IdempotencyMismatchError,
    TaskNotFoundError,
)
from kie_gateway.core.errors.provider_errors import (
    ProviderBusyError,
    ProviderError,
    ProviderRejectedError,
    SubmissionUnknownError,
)
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.kie import Accepted
from kie_gateway.core.results import Source
from kie_gateway.core.submit_queue import Ticket
from kie_gateway.core.task import Status, Step, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.groups.plans import Plans
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.tasks.create_task import Created, CreateTask, NewTask
from kie_gateway.flows.tasks.draft_task import Draft
from tests.fakes import (
    Clock,
    FakeArchive,
    FakeExecutions,
    FakeProvider,
    FakeQueue,
    FakeSubmitQueue,
    FakeTaskStore,
)
from tests.flows import submitting, submitting_watched
from tests.makers import NOW, RESULT_URL, TASK_ID, UPSTREAM_ID, seconds, typical_seconds

POLICY = PollPolicy(first_poll_seconds=10, poll_cap_seconds=60, typical_seconds=typical_seconds)
OTHER_ID = TASK_ID[:-1] + "b"
DRAFT = Draft(
    owner="alice",
    model="kling/v2-1",
    family="market",
    input={"prompt": "a red kite"},
    metadata={"user": "42"},
    deadline_seconds=3600,
    callback_base_url="https://gateway.test",
)
NEW = NewTask(DRAFT)
KEYED = replace(NEW, idempotency_key="order-1", fingerprint="same")
DOWN = BackendUnavailableError("Step Functions: down")


@dataclass
class Scene:
    """Everything that takes part in a creation."""

    kie: FakeProvider = field(default_factory=FakeProvider)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    queue: FakeQueue = field(default_factory=FakeQueue)
    store: FakeTaskStore = field(default_factory=FakeTaskStore)
    archive: FakeArchive = field(default_factory=FakeArchive)
    before_submit: Callable[[Task], object] = lambda _: None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.submit_queue = FakeSubmitQueue(self.store)

    def create(
        self,
        new: NewTask = NEW,
        task_id: str = TASK_ID,
        stopped: str | None = None,
        check: Callable[[], None] | None = None,
    ) -> Created:
        submit = submitting_watched(
            self.store, self.submit, self.executions, self.queue, self.clock.now
        )
        create_task = CreateTask(
            tasks=self.store,
            executions=self.executions,
            submit=submit,
            policy=POLICY,
            submit_queue=self.submit_queue,
            inputs=LargeInputs(self.archive),
            plans=Plans(self.archive),
            new_task_id=lambda: task_id,
            now=self.clock.now,
            stopped=lambda: stopped,
        )
        return create_task(new, check)

    def submit(self, task: Task) -> Task:
        self.before_submit(task)
        return submitting(
            self.store, self.kie, FakeArchive(), POLICY, self.clock.now, self.submit_queue
        )(task)

    def the(self, task_id: str = TASK_ID) -> Task:
        task = self.store.get(task_id)
        assert task is not None
        return task


def test_a_task_is_what_was_asked_for_and_runs() -> None:
    scene = Scene()
    created = scene.create(NewTask(replace(DRAFT, retry_of=OTHER_ID, retention_days=7)))
    task = created.task
    assert (created.replayed, task) == (False, scene.the())
    assert (task.task_id, task.owner, task.model, task.family) == (
        (TASK_ID, "alice", "kling/v2-1", "market")
    )
    assert (task.kind, task.input, task.metadata) == ("video", DRAFT.input, DRAFT.metadata)
    assert (task.created_at, task.deadline_at) == (NOW, NOW + seconds(3600))
    assert (task.status, task.upstream_task_id) == (Status.RUNNING, UPSTREAM_ID)
    assert (task.retry_of, task.retention_days) == (OTHER_ID, 7)
    assert task.submission_attempts == 1
    assert scene.executions.started == {(TASK_ID, 1): NOW + seconds(10)}
    assert len(scene.kie.created) == 1
    assert scene.store.happened(task) == (
        [Happened.CREATED, Happened.SUBMISSION_STARTED, Happened.SUBMITTED]
    )


def test_a_task_is_recorded_and_watched_before_kie_is_asked() -> None:
    seen: list[Any] = []
    scene = Scene()
    scene.before_submit = lambda task: seen.append((scene.store.get(task.task_id), task))
    scene.kie.meanwhile = lambda: seen.append(dict(scene.executions.started))
    scene.create()
    recorded, sent = seen[0]
    assert recorded == sent
    assert (sent.submission, sent.sending_at) == (Submission.SENDING, NOW)
    assert seen[1] == {(TASK_ID, 1): NOW + seconds(10)}


def test_a_task_that_cannot_be_recorded_is_neither_watched_nor_sent() -> None:
    scene = Scene()
    scene.store.unavailable = True
    with pytest.raises(BackendUnavailableError):
        scene.create()
    assert (scene.executions.started, scene.kie.created) == ({}, [])


def test_a_task_that_cannot_be_watched_is_forgotten_with_its_key() -> None:
    scene = Scene(executions=FakeExecutions(DOWN))
    with pytest.raises(BackendUnavailableError):
        scene.create(KEYED)
    assert scene.kie.created == []
    assert scene.store.get(TASK_ID) is None
    assert scene.store.entries(TASK_ID) == []
    scene.executions.error = None
    again = scene.create(replace(KEYED, fingerprint="other"), OTHER_ID)
    assert (again.replayed, again.task.status) == (False, Status.RUNNING)


# --- what Kie.ai answers ------------------------------------------------------------------------


def test_a_creation_refused_for_now_is_handed_to_a_watch_that_looks_sooner() -> None:
    scene = Scene(FakeProvider(ProviderBusyError("busy", provider_code="429")))
    task = scene.create().task
    assert (task.status, task.next_step, task.watches) == (Status.QUEUED, Step.SUBMIT, 2)
    assert task.next_at == NOW + seconds(10)
    # A second early, as the machine knows whole seconds only.
    assert scene.executions.started[TASK_ID, 2] == NOW + seconds(9)
    assert scene.executions.stopped == [(TASK_ID, 1)]


def test_while_kie_takes_no_more_a_task_waits_for_its_turn_unsent() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(None)
    first, second = scene.create().task, scene.create(task_id=OTHER_ID).task
    assert scene.kie.created == []
    assert (first.status, first.next_step, first.submit_turn) == (Status.QUEUED, Step.SUBMIT, 1)
    assert (first.next_at, second.next_at) == (NOW + seconds(10), NOW + seconds(10.515))
    assert (first.submission_attempts, second.submit_turn) == (0, 2)
    assert scene.executions.started == {
        (TASK_ID, 1): NOW + seconds(9),
        (OTHER_ID, 1): NOW + seconds(9.515),
    }
    assert scene.store.happened(first) == [Happened.CREATED, Happened.SUBMISSION_WAITING]


def test_a_slot_at_once_is_used_at_once() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    assert scene.create().task.status is Status.RUNNING


@pytest.mark.parametrize(
    ("answer", "status", "started", "messages"),
    [
        (Accepted(UPSTREAM_ID), Status.RUNNING, 1, []),
        (SubmissionUnknownError("Kie.ai: ReadTimeout."), Status.QUEUED, 1, []),
        (
            ProviderRejectedError("no", provider_code="422", category="input"),
            Status.FAILED,
            1,
            [],
        ),
        (
            Accepted(UPSTREAM_ID, Finished("success", (Source(RESULT_URL),))),
            Status.STORING,
            1,
            [("store", TASK_ID)],
        ),
    ],
    ids=["accepted", "unknown", "rejected", "finished at once"],
)
def test_any_other_answer_leaves_the_first_watch_in_place(
    answer: Accepted | ProviderError, status: Status, started: int, messages: list[Any]
) -> None:
    scene = Scene(FakeProvider(answer))
    assert scene.create().task.status is status
    assert len(scene.executions.started) == started
    assert (scene.executions.stopped, scene.queue.messages) == ([], messages)


# --- trouble after the task is watched ----------------------------------------------------------


def break_executions(scene: Scene) -> None:
    scene.executions.error = DOWN


def break_record(scene: Scene) -> None:
    scene.store.unavailable = True


@pytest.mark.parametrize(
    ("break_down", "answer"),
    [
        (break_executions, ProviderBusyError("busy")),
        (break_record, ProviderBusyError("busy")),
        (break_record, Accepted(UPSTREAM_ID)),
        (break_record, SubmissionUnknownError("Kie.ai: ReadTimeout.")),
    ],
    ids=["no second watch", "refusal lost", "yes lost", "doubt lost"],
)
def test_trouble_after_kie_was_asked_is_not_the_callers(
    break_down: Callable[[Scene], None], answer: Accepted | ProviderError
) -> None:
    scene = Scene(FakeProvider(answer))
    scene.kie.meanwhile = lambda: break_down(scene)
    created = scene.create(KEYED)
    assert (created.task.task_id, created.task.status) == (TASK_ID, Status.QUEUED)
    assert scene.executions.stopped == []
    assert list(scene.executions.started) == [(TASK_ID, 1)]
    scene.store.unavailable = False
    assert len(scene.kie.created) == 1


def test_a_result_at_once_that_the_queue_did_not_take_is_left_to_the_watch() -> None:
    finished = Accepted(UPSTREAM_ID, Finished("success", (Source(RESULT_URL),)))
    scene = Scene(FakeProvider(finished), queue=FakeQueue(DOWN))
    assert scene.create().task.status is Status.STORING


@pytest.mark.parametrize("error", [ConfigurationError("no secret"), DOWN])
def test_trouble_before_kie_was_asked_is_not_the_callers_either(error: GatewayError) -> None:
    def fail(_: Task) -> None:
        raise error

    scene = Scene(before_submit=fail)
    assert scene.create().task == scene.the()
    assert scene.kie.created == []


def test_a_faster_cancellation_is_what_the_caller_gets() -> None:
    scene = Scene()
    scene.kie.meanwhile = lambda: scene.store.move(
        scene.the(), lambda task: ending_moves.cancel(task, NOW)
    )
    assert scene.create().task.status is Status.CANCELED


# --- idempotency --------------------------------------------------------------------------------


def test_the_same_request_again_is_the_same_task() -> None:
    scene = Scene()
    first = scene.create(KEYED)
    again = scene.create(KEYED, OTHER_ID)
    assert (again.replayed, again.task) == (True, first.task)
    assert len(scene.kie.created) == 1
    assert list(scene.executions.started) == [(TASK_ID, 1)]
    assert scene.store.get(OTHER_ID) is None


def test_a_repeated_request_starts_the_watch_that_the_first_could_not() -> None:
    scene = Scene()
    first = Scene(store=scene.store)
    first.create(KEYED)
    assert scene.create(KEYED, OTHER_ID).replayed
    assert scene.executions.started == {(TASK_ID, 1): NOW + seconds(10)}


def test_a_settled_task_is_replayed_without_a_watch() -> None:
    scene = Scene(FakeProvider(ProviderRejectedError("no", provider_code="422", category="input")))
    scene.create(KEYED)
    scene.executions.started.clear()
    assert scene.create(KEYED, OTHER_ID).task.status is Status.FAILED
    assert scene.executions.started == {}


def test_another_request_under_the_same_key_is_refused() -> None:
    scene = Scene()
    scene.create(KEYED)
    with pytest.raises(IdempotencyMismatchError):
        scene.create(replace(KEYED, fingerprint="other"), OTHER_ID)
    assert len(scene.kie.created) == 1
    assert list(scene.executions.started) == [(TASK_ID, 1)]


@pytest.mark.parametrize(
    "other", [{"draft": replace(DRAFT, owner="bob")}, {"idempotency_key": "order-2"}]
)
def test_keys_of_others_are_other_keys(other: dict[str, Any]) -> None:
    scene = Scene()
    scene.create(KEYED)
    assert not scene.create(replace(KEYED, **other), OTHER_ID).replayed
    assert len(scene.kie.created) == 2


def test_without_a_key_every_request_is_a_new_task() -> None:
    scene = Scene()
    assert [scene.create(NEW, task_id).replayed for task_id in (TASK_ID, OTHER_ID)] == [False] * 2
    assert len(scene.kie.created) == 2


def test_what_is_asked_for_again_is_answered_although_new_tasks_are_stopped() -> None:
    scene = Scene()
    first = scene.create(KEYED)
    again = scene.create(KEYED, OTHER_ID, stopped="no money")
    assert (again.task.task_id, again.replayed) == (first.task.task_id, True)
    for new in (NEW, replace(KEYED, idempotency_key="order-2")):
        with pytest.raises(CreationsStoppedError, match="no money"):
            scene.create(new, OTHER_ID, stopped="no money")
    assert scene.store.get(OTHER_ID) is None
    with pytest.raises(IdempotencyMismatchError):
        scene.create(replace(KEYED, fingerprint="other"), OTHER_ID, stopped="no money")


def test_what_is_asked_for_again_takes_no_place_in_the_queue() -> None:
    scene = Scene()
    scene.create(KEYED)
    scene.submit_queue.report_refusal(None)
    assert all(scene.create(KEYED, OTHER_ID).replayed for _ in range(3))
    assert scene.submit_queue.enqueue("alice") == Ticket(NOW + seconds(10), 1)


def test_a_key_outlives_its_task_by_a_day() -> None:
    claimed: list[IdempotencyKey | None] = []

    class Watched(FakeTaskStore):
        def create(self, task: Task, entries: Any, idempotency: Any, **more: Any) -> Any:
            claimed.append(idempotency)
            return super().create(task, entries, idempotency, **more)

    Scene(store=Watched()).create(KEYED)
    forget_at = NOW + seconds(3600) + timedelta(hours=24)
    assert claimed == [IdempotencyKey("alice", "order-1", "same", forget_at)]


def test_the_key_of_a_deleted_task_is_not_used_for_another() -> None:
    scene = Scene()
    task = scene.create(KEYED).task
    scene.store.move(task, lambda current: ending_moves.delete(current, NOW))
    with pytest.raises(TaskNotFoundError):
        scene.create(KEYED, OTHER_ID)
    assert len(scene.kie.created) == 1


def test_what_happens_after_a_slow_answer_is_not_stamped_before_it() -> None:
    """The hand-over to another watch was told as of the moment at which the caller had asked."""
    scene = Scene(kie=FakeProvider(creation=ProviderBusyError("busy", retry_after_seconds=1)))
    scene.kie.meanwhile = lambda: scene.clock.advance(3)
    task = scene.create().task
    told = [(entry.happened, entry.at) for entry in scene.store.entries(task.task_id)]
    assert told == [
        (Happened.CREATED, NOW),
        (Happened.SUBMISSION_STARTED, NOW),
        (Happened.SUBMISSION_REFUSED, NOW + seconds(3)),
        (Happened.WATCH_STARTED, NOW + seconds(3)),
    ]


def test_the_right_to_send_begins_after_a_check_however_long_that_took() -> None:
    scene = Scene()
    sent: list[Task] = []
    scene.before_submit = sent.append
    created = scene.create(check=lambda: scene.clock.advance(8))
    [task] = sent
    assert (created.task.created_at, task.sending_at) == (NOW + seconds(8), NOW + seconds(8))


def test_what_begins_during_a_check_counts_for_the_task() -> None:
    """Kie.ai began to refuse creations while the links of an input were tried."""
    scene = Scene()
    created = scene.create(check=lambda: scene.submit_queue.report_refusal(None))
    assert (created.task.status, scene.kie.created) == (Status.QUEUED, [])
