"""
Whatever happens, in whatever order, and whoever dies in between: the ledger are right.

A state machine (hypothesis) drives the real flows over several owners, with a Kie.ai that is honest
and a record whose every write may fail, or be the last thing its process does. It runs against the
record in memory and, less often, against the real tables on moto.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerAccount, LedgerEntry, LedgerPosition
from kie_gateway.core.credits.posting import adjust, grant, limit
from kie_gateway.core.credits.reconciliation import LedgerSnapshot, differences
from kie_gateway.core.credits.reservation import Fate, Reservation, as_credits
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, TaskStalledError
from kie_gateway.core.errors.caller_errors import (
    BudgetExceededError,
    InsufficientCreditsError,
    InvalidRequestError,
    TaskNotFoundError,
    TooManyTasksError,
)
from kie_gateway.core.errors.provider_errors import (
    ProviderBusyError,
    ProviderError,
    ProviderInputError,
    ProviderNoCreditsError,
    SubmissionUnknownError,
)
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.files.media_facts import NOTHING_KNOWN
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.polling.decision import decide
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed, Finished, NotVisible, Report, Running
from kie_gateway.core.ports.accounts import Accounts
from kie_gateway.core.ports.kie import Accepted, Answer
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Source
from kie_gateway.core.task import CompletedBy, Status, Step, Task
from kie_gateway.flows.credits.close_reservation import CloseReservation
from kie_gateway.flows.credits.release_credits import ReleaseCredits
from kie_gateway.flows.files.process_store_message import ProcessStoreMessage, StoreMessage
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.plans import Plans
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.record_webhook import Delivery, RecordWebhook
from kie_gateway.flows.submitting.resume_submit_queue import ResumeSubmitQueue
from kie_gateway.flows.submitting.submit_from_queue import SubmitFromQueue
from kie_gateway.flows.submitting.submit_now import SubmitNow
from kie_gateway.flows.submitting.submit_watched import SubmitWatched
from kie_gateway.flows.tasks.create_task import CreateTask, NewTask
from kie_gateway.flows.tasks.delete_task import DeleteTask
from kie_gateway.flows.tasks.draft_task import Draft
from kie_gateway.flows.tasks.refresh_task import RefreshTask
from kie_gateway.flows.watching.sweep_tasks import SweepTasks
from kie_gateway.flows.watching.watch_task import WatchTask
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.webhook import KieWebhooks
from tests.fakes import (
    Clock,
    FakeAccounts,
    FakeArchive,
    FakeExecutions,
    FakeFiles,
    FakeOutputStore,
    FakeProvider,
    FakeQueue,
    FakeSubmitQueue,
    FakeTaskStore,
)
from tests.flows import REDACTION, SECRET, asking, submitting, submitting_watched
from tests.makers import RESULT_URL, seconds, typical_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MODEL = "google/nano-banana"
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 40
DEADLINE_SECONDS = 3600
RELEASE_SECONDS = 86400
NO_CREDITS = Category.INSUFFICIENT_CREDITS
POLICY = PollPolicy(first_poll_seconds=60, poll_cap_seconds=900, typical_seconds=typical_seconds)
WRITES = {"create", "forget", "move", "note"}
HELD = (LedgerAccount.RESERVED, LedgerAccount.PLANNED)
LIMITED, POOR, UNLIMITED = "limited", "poor", "unlimited"

ESTIMATES = st.sampled_from([0, 0.4, 4, 10])
PRICES = st.sampled_from([None, 0.4, 4, 12, 30])
# What Kie.ai does with a creation: the last two break off before an answer.
CREATIONS = st.sampled_from(
    ["accept"] * 6 + ["busy", "too many", "no credits", "refuse", "lost", "never heard"]
)
# The how manieth write of a call fails, and how: None for none.
FAULTS = st.one_of(
    st.none(),
    st.none(),
    st.tuples(st.integers(0, 3), st.sampled_from(["dies before", "dies after", "before", "after"])),
)


class Died(BaseException):
    """The process ends here; nothing may catch it."""


# What whoever acts may come to, and the caller is told.
EXPECTED = (Died, BackendUnavailableError, ProviderError, TaskStalledError, TaskNotFoundError)


class Faulty:
    """A record whose writes fail when they are told to; the others go through."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.fault: tuple[int, str] | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in WRITES:
            return found

        def write(*arguments: Any, **named: Any) -> Any:
            if self.fault is None:
                return found(*arguments, **named)
            left, how = self.fault
            self.fault = (left - 1, how) if left else None
            if left:
                return found(*arguments, **named)
            trouble = Died() if how.startswith("dies") else BackendUnavailableError("down")
            if how.endswith("after"):
                found(*arguments, **named)
            raise trouble

        return write


@dataclass
class Work:
    """What Kie.ai knows of a creation it has accepted."""

    upstream_task_id: str
    report: Report = field(default_factory=lambda: Running("generating"))


@dataclass(frozen=True)
class AllOf:
    """The tasks on record, for the submit queue."""

    all: Callable[[], list[Task]]


class HonestKie(FakeProvider):
    """Kie.ai, that charges for a success what it says; `works` are by our task id."""

    def __init__(self) -> None:
        super().__init__()
        self.works: dict[str, Work] = {}
        self.next_creation = "accept"

    def create(self, task: Task, task_input: Any) -> Accepted:
        task_id = task.task_id
        match self.next_creation:
            case "busy":
                raise ProviderBusyError("too much to do", provider_code="455")
            case "too many":
                raise ProviderBusyError("too many", provider_code="429")
            case "no credits":
                raise ProviderNoCreditsError("none", provider_code="402", category=NO_CREDITS)
            case "refuse":
                raise ProviderInputError("no", provider_code="422", category=Category.INPUT)
            case "never heard":
                raise SubmissionUnknownError("timed out")
        # Money is spent here.
        assert task_id not in self.works, "created twice"
        work = self.works[task_id] = Work(f"kie-{task_id[-26:]}")
        if self.next_creation == "lost":
            raise SubmissionUnknownError("timed out")
        return Accepted(work.upstream_task_id)

    def ask(self, task: Task) -> Answer:
        work = self.works.get(task.task_id)
        return Answer(NotVisible("none") if work is None else work.report, b"{}")


class CreditsMachine(RuleBasedStateMachine):
    """The gateway with its ledger."""

    @staticmethod
    def make() -> tuple[Any, Accounts]:
        """Make a record with its accounts; in memory unless a test makes another."""
        accounts = FakeAccounts()
        return FakeTaskStore(accounts=accounts), accounts

    numbers: ClassVar[Iterator[int]] = count(1)

    @initialize()
    def begin(self) -> None:
        # Owners of their own, for the tables are used again and again.
        self.suffix = f"-{next(self.numbers)}"
        self.owners = {name: f"{name}{self.suffix}" for name in (LIMITED, POOR, UNLIMITED)}
        store, self.accounts = self.make()
        self.store = Faulty(store)
        self.tasks: TaskStore = self.store
        self.clock = Clock()
        self.kie = HonestKie()
        self.submit_queue = FakeSubmitQueue(AllOf(self.everything), self.clock.now)
        self.executions, self.queue = FakeExecutions(), FakeQueue()
        self.outputs = FakeOutputStore()
        self.archive = FakeArchive()
        self.ids: list[str] = []
        self.keys: list[tuple[NewTask, str]] = []
        self.change(LIMITED, lambda account: grant(account, Decimal(200), "", self.clock.now()))
        self.change(POOR, lambda account: grant(account, Decimal(11), "", self.clock.now()))
        for owner in self.owners:
            self.create(owner, 4, "accept", None, keyed=True, tasks_at_once=0)

    # --- what happens ---------------------------------------------------------------------------

    @rule(
        owner=st.sampled_from([LIMITED, POOR, UNLIMITED]),
        estimate=ESTIMATES,
        creation=CREATIONS,
        fault=FAULTS,
        keyed=st.booleans(),
        tasks_at_once=st.sampled_from([0, 0, 0, 2]),
    )
    def create(
        self,
        owner: str,
        estimate: float,
        creation: str,
        fault: Any,
        keyed: bool,
        tasks_at_once: int,
    ) -> None:
        number = next(self.numbers)
        draft = Draft(
            owner=self.owners[owner],
            model=MODEL,
            family="market",
            input={},
            metadata={},
            deadline_seconds=DEADLINE_SECONDS,
            callback_base_url="https://gateway.test",
            reservation=Reservation(as_credits(estimate), RELEASE_SECONDS),
        )
        new = NewTask(
            draft,
            idempotency_key=f"key-{number}" if keyed else None,
            fingerprint="same",
            tasks_at_once=tasks_at_once,
        )
        if keyed:
            self.keys.append((new, creation))
        self.send(new, f"task_{number:026d}", creation, fault)

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), fault=FAULTS)
    def send_again(self, data: Any, fault: Any) -> None:
        new, creation = data.draw(st.sampled_from(self.keys))
        self.send(new, f"task_{next(self.numbers):026d}", creation, fault)

    @precondition(lambda self: self.at_work())
    @rule(data=st.data(), price=PRICES, succeeds=st.booleans())
    def kie_ends(self, data: Any, price: float | None, succeeds: bool) -> None:
        work = self.kie.works[data.draw(st.sampled_from(self.at_work()))]
        if succeeds:
            work.report = Finished(
                "success",
                (Source(RESULT_URL),),
                credits=None if price is None else Decimal(str(price)),
            )
        else:
            failure = Failure("500", Category.UPSTREAM, "no", retryable=True)
            work.report = Failed("fail", failure)

    @precondition(lambda self: self.kie.works)
    @rule(data=st.data(), fault=FAULTS)
    def webhook(self, data: Any, fault: Any) -> None:
        self.tell(data.draw(st.sampled_from(sorted(self.kie.works))), fault)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), fault=FAULTS, creation=CREATIONS)
    def watch(self, data: Any, fault: Any, creation: str) -> None:
        self.watch_once(data.draw(st.sampled_from(self.ids)), fault, creation)

    @precondition(lambda self: self.queue.messages)
    @rule(fault=FAULTS)
    def process_message(self, fault: Any) -> None:
        step, task_id = self.queue.messages[0]
        if self.attempt(lambda: self.store_function(step, task_id), fault):
            self.queue.messages.pop(0)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), fault=FAULTS)
    def cancel(self, data: Any, fault: Any) -> None:
        task = self.found(data.draw(st.sampled_from(self.ids)))
        if task is not None:
            now = self.clock.now()
            self.attempt(
                lambda: self.tasks.move(task, lambda one: ending_moves.cancel(one, now)), fault
            )

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), fault=FAULTS)
    def delete(self, data: Any, fault: Any) -> None:
        task = self.found(data.draw(st.sampled_from(self.ids)))
        if task is not None and task.deleted_at is None:
            self.attempt(
                lambda: DeleteTask(self.tasks, self.outputs, Cascade(self.tasks), self.clock.now)(
                    task
                ),
                fault,
            )

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), fault=FAULTS, creation=CREATIONS)
    def refresh(self, data: Any, fault: Any, creation: str) -> None:
        self.kie.next_creation = creation
        task = self.found(data.draw(st.sampled_from(self.ids)))
        if task is not None and task.deleted_at is None:
            self.attempt(lambda: self.refresh_now(task), fault)

    @rule(passed=st.sampled_from([1, 60, 1000, DEADLINE_SECONDS, RELEASE_SECONDS]))
    def time_passes(self, passed: int) -> None:
        self.clock.advance(passed)

    @precondition(lambda self: self.ids)
    @rule(fault=FAULTS)
    def nobody_hears_anything_for_a_day(self, fault: Any) -> None:
        """Let open tasks expire, and their credits be released."""
        for passed in (DEADLINE_SECONDS, RELEASE_SECONDS):
            self.clock.advance(passed)
            for task_id in self.ids:
                self.watch_once(task_id, None, "busy")
        self.attempt(self.release, fault)

    @rule(fault=FAULTS, left=st.sampled_from([None, 0, 5, 1000]))
    def clock_strikes(self, fault: Any, left: float | None) -> None:
        """Do what functions/sweep does."""
        balance = None if left is None else as_credits(left)
        self.attempt(lambda: self.resume(balance), fault)
        self.attempt(self.release, fault)

    @rule(owner=st.sampled_from([LIMITED, POOR]), amount=st.sampled_from([1, 7.5, 40]))
    def give(self, owner: str, amount: float) -> None:
        now = self.clock.now()
        self.change(owner, lambda account: grant(account, as_credits(amount), "", now))

    @rule(owner=st.sampled_from([LIMITED, POOR, UNLIMITED]), amount=st.sampled_from([-9, -1, 3]))
    def correct(self, owner: str, amount: float) -> None:
        now = self.clock.now()
        try:
            self.change(owner, lambda account: adjust(account, as_credits(amount), "", now))
        except InvalidRequestError:
            assert self.account(owner).balance + as_credits(amount) < 0

    @rule(
        owner=st.sampled_from([LIMITED, UNLIMITED]),
        unlimited=st.sampled_from([None, True, False]),
        hard=st.sampled_from([None, 20]),
    )
    def set_limits(self, owner: str, unlimited: bool | None, hard: float | None) -> None:
        budget = None if hard is None else as_credits(hard)
        self.change(owner, lambda account: limit(account, unlimited, None, budget))

    # --- what must be true ----------------------------------------------------------------------

    @invariant()
    def the_ledger_agrees(self) -> None:
        ledger = self.ledger()
        assert list(differences(ledger, self.clock.now() - seconds(10**9))) == []
        for owner in self.owners.values():
            account, entries = self.account_of(owner), ledger.entries[owner]
            into = total(e for e in entries if e.target in HELD and e.source not in HELD)
            out = [e for e in entries if e.source in HELD and e.target not in HELD]
            charged = total(entry for entry in out if entry.target is LedgerAccount.SPENT)
            released = total(entry for entry in out if entry.target is not LedgerAccount.SPENT)
            assert into == charged + released + account.reserved
            assert account.balance >= 0
            assert account.reserved >= 0
            assert account.owed >= 0
            assert all(entry.balance_after >= 0 for entry in entries)

    @invariant()
    def a_charge_is_what_kie_took_once(self) -> None:
        for task in self.ledger().tasks.values():
            reservation = task.reservation
            assert reservation is not None
            if reservation.fate is not Fate.CHARGED:
                assert task.status is not Status.SUCCEEDED
                continue
            report = self.kie.works[task.task_id].report
            assert isinstance(report, Finished)
            expected, said = reservation.credits, report.credits
            # A webhook's word is no proof of a price far beyond the estimate.
            is_doubted = task.completed_by is CompletedBy.WEBHOOK and 0 < 2 * expected < (said or 0)
            taken = expected if said is None or is_doubted else as_credits(said)
            assert reservation.charged == taken

    def teardown(self) -> None:
        """Let everything come to its end: no credits stay reserved for ever."""
        for task_id in self.at_work():
            self.kie.works[task_id].report = Finished(
                "success", (Source(RESULT_URL),), credits=Decimal(4)
            )
        still_open = {
            task.task_id
            for task in self.everything()
            if task.reservation is not None and task.reservation.fate is Fate.OPEN
        }
        for _ in range(6):
            for task_id in self.ids:
                self.watch_once(task_id, None, "refuse")
            while self.queue.messages:
                step, task_id = self.queue.messages.pop(0)
                self.attempt(partial(self.store_function, step, task_id), None)
            self.clock.advance(RELEASE_SECONDS)
            self.attempt(self.release, None)
        self.the_ledger_agrees()
        self.a_charge_is_what_kie_took_once()
        self.every_success_is_charged_that_was_asked_about(still_open)
        for owner in self.owners.values():
            account = self.account_of(owner)
            assert account.reserved == account.open_tasks == 0

    def every_success_is_charged_that_was_asked_about(self, task_ids: set[str]) -> None:
        """Canceled, deleted or expired: Kie.ai is asked before credits come back."""
        for task in self.everything():
            work = self.kie.works.get(task.task_id)
            if task.task_id not in task_ids or task.upstream_task_id is None or work is None:
                continue
            assert task.reservation is not None
            is_charged = task.reservation.fate is Fate.CHARGED
            assert is_charged is isinstance(work.report, Finished), task

    # --- how it is done -------------------------------------------------------------------------

    def attempt(self, act: Callable[[], object], fault: tuple[int, str] | None) -> bool:
        """Let somebody act, who may die; False if nobody knows how far it came."""
        self.store.fault = fault
        try:
            act()
        except EXPECTED:
            return False
        finally:
            self.store.fault = None
        return True

    def send(self, new: NewTask, task_id: str, creation: str, fault: Any) -> None:
        self.kie.next_creation = creation
        self.ids.append(task_id)

        def act() -> None:
            try:
                CreateTask(
                    tasks=self.tasks,
                    executions=self.executions,
                    submit=self.submitting_watched(),
                    policy=POLICY,
                    submit_queue=self.submit_queue,
                    inputs=LargeInputs(self.archive),
                    plans=Plans(self.archive),
                    new_task_id=lambda: task_id,
                    now=self.clock.now,
                )(new)
            except (InsufficientCreditsError, BudgetExceededError, TooManyTasksError):
                assert self.found(task_id) is None

        self.attempt(act, fault)

    def submit(self, task: Task) -> Task:
        return submitting(
            self.tasks, self.kie, self.archive, POLICY, self.clock.now, self.submit_queue
        )(task)

    def submitting_watched(self) -> SubmitWatched:
        return submitting_watched(
            self.tasks, self.submit, self.executions, self.queue, self.clock.now
        )

    def watches(self) -> Watches:
        return Watches(self.tasks, self.executions, self.clock.now)

    def resuming(self) -> ResumeSubmitQueue:
        return ResumeSubmitQueue(
            self.tasks, self.submit_queue, self.watches(), self.clock.now, most=100
        )

    def ask(self, task: Task) -> Task:
        flow = asking(self.tasks, self.kie, self.archive, POLICY, self.clock.now)
        return flow(task, CompletedBy.POLL)

    def copy(self, task: Task) -> Task:
        return StoreOutputs(
            tasks=self.tasks,
            files=FakeFiles({RESULT_URL: PNG}),
            outputs=self.outputs,
            kie=self.kie,
            policy=POLICY,
            measure=lambda *_: NOTHING_KNOWN,
            now=self.clock.now,
            retention_days=0,
            create_children=self.create_children,
        )(task)

    def create_children(self, task: Task) -> Task:
        """Do nothing, as no task here has children."""
        return task

    def close(self, task: Task) -> Task:
        return CloseReservation(self.tasks, self.kie, self.clock.now)(task)

    def store_function(self, step: str, task_id: str) -> None:
        """Do what functions/store does with a message."""
        process_message = ProcessStoreMessage(
            self.tasks,
            self.ask,
            lambda task: task,
            self.close,
            self.copy,
            self.queue,
            self.clock.now,
        )
        process_message(StoreMessage(task_id, step, "receipt", received=1))

    def watch_once(self, task_id: str, fault: Any, creation: str) -> None:
        """Do what the machine's execution does next, if there is one and it is time."""
        task = self.found(task_id)
        if task is None or not any(started == task_id for started, _ in self.executions.started):
            return
        decision = decide(task, self.clock.now())
        if decision.wait_until > self.clock.now():
            return
        self.kie.next_creation = creation
        submit = SubmitFromQueue(
            self.tasks, self.submit_queue, self.submit, self.clock.now, lambda _: None
        )
        watch = WatchTask(
            self.tasks, submit, self.ask, self.copy, self.create_children, self.clock.now
        )
        self.attempt(lambda: watch.step(decision.step, task_id), fault)

    def tell(self, task_id: str, fault: Any) -> None:
        """Have Kie.ai tell of a work as it stands."""
        work = self.kie.works[task_id]
        state = "generating"
        data: dict[str, Any] = {}
        if isinstance(work.report, Finished):
            links = json.dumps({"resultUrls": [RESULT_URL]})
            state, data = "success", {"resultJson": links}
            if work.report.credits is not None:
                data["creditsConsumed"] = float(work.report.credits)
        elif isinstance(work.report, Failed):
            state, data = "fail", {"failCode": "500", "failMsg": "no"}
        body = {
            "code": 501 if state == "fail" else 200,
            "msg": "",
            "data": {"taskId": work.upstream_task_id, "model": MODEL, "state": state, **data},
        }
        recorder = RecordWebhook(
            tasks=self.tasks,
            reader=KieWebhooks(REDACTION, lambda: None),
            store_queue=self.queue,
            watches=Watches(self.tasks, self.executions, self.clock.now),
            archive=self.archive,
            is_usable=lambda _: True,
            now=self.clock.now,
        )
        delivery = Delivery(
            task_id, callback_token(task_id, SECRET), "1", {}, json.dumps(body).encode()
        )
        self.attempt(lambda: recorder(delivery), fault)

    def refresh_now(self, task: Task) -> Task:
        if task.next_step is Step.SUBMIT:
            flow = SubmitNow(
                self.tasks,
                self.submit_queue,
                self.submitting_watched(),
                self.resuming(),
                self.clock.now,
            )
            return flow(task)
        refresh = RefreshTask(self.tasks, self.watches(), self.queue, self.ask, self.clock.now)
        return refresh(task)

    def release(self) -> int:
        return ReleaseCredits(
            releases=self.store,
            tasks=self.tasks,
            refresh=self.refresh_now,
            close=self.close,
            look_after=self.sweep().look_after,
            now=self.clock.now,
        )()

    def sweep(self) -> SweepTasks:
        return SweepTasks(
            sweeps=self.store,
            tasks=self.tasks,
            executions=self.executions,
            store_queue=self.queue,
            files=self.outputs,
            refresh=self.refresh_now,
            create_children=self.create_children,
            now=self.clock.now,
        )

    def resume(self, balance: Decimal | None) -> int:
        return self.resuming().if_funded(balance)

    def change(self, owner: str, decision: Any) -> None:
        self.accounts.change(self.owners[owner], decision, self.clock.now())

    def account(self, owner: str) -> Account:
        return self.account_of(self.owners[owner])

    def account_of(self, owner: str) -> Account:
        return self.accounts.account(owner, self.clock.now())

    def found(self, task_id: str) -> Task | None:
        return self.tasks.get(task_id)

    def at_work(self) -> list[str]:
        works = self.kie.works.items()
        return sorted(name for name, work in works if isinstance(work.report, Running))

    def ledger(self) -> LedgerSnapshot:
        return LedgerSnapshot(
            {owner: self.account_of(owner) for owner in self.owners.values()},
            {owner: self.entries(owner) for owner in self.owners.values()},
            {task.task_id: task for task in self.everything()},
        )

    def everything(self) -> list[Task]:
        found = (self.found(task_id) for task_id in self.ids)
        return [task for task in found if task is not None]

    def entries(self, owner: str) -> list[LedgerEntry]:
        entries: list[LedgerEntry] = []
        before: LedgerPosition | None = None
        while True:
            page, before = self.accounts.ledger(owner, limit=100, before=before)
            entries += page
            if before is None:
                return entries[::-1]


def total(entries: Iterable[LedgerEntry]) -> Decimal:
    return sum((entry.credits for entry in entries), Decimal(0))


def run(machine: type[CreditsMachine], examples: int, steps: int = 30) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.large
def test_the_ledger_is_right_whatever_happens() -> None:
    run(CreditsMachine, 150)


@pytest.mark.long
def test_the_ledger_is_right_in_two_thousand_stories() -> None:
    run(CreditsMachine, 2000, steps=50)


@pytest.mark.long
def test_the_ledger_in_the_tables_is_right_whatever_happens(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    accounts = AccountTable(dynamodb, table_name)
    tasks = TaskTable(dynamodb, table_name, accounts)

    class OnTables(CreditsMachine):
        @staticmethod
        def make() -> tuple[Any, Accounts]:
            return tasks, accounts

    run(OnTables, 10, steps=20)
