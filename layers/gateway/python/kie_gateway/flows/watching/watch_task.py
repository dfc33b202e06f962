"""The steps of road 2: do whatever a task lacks, and tell the machine what to do next and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.errors.backend_errors import RecordRefusedError, TaskStalledError
from kie_gateway.core.errors.caller_errors import TaskNotFoundError
from kie_gateway.core.moves import ending_moves, storing_moves
from kie_gateway.core.polling.decision import Decision, decide
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Attention, Status, Step, Submission, Task

# The machine wakes on whole seconds, and the first wait is set before Kie.ai has accepted the task.
_HARDLY_EARLY = timedelta(seconds=2)


@dataclass(frozen=True)
class WatchTask:
    """
    The watch of one task at a time.

    Attributes:
        submit: Submits a queued task, or whoever's turn it is
            (`flows/submitting/submit_from_queue.py`).
        ask: Asks Kie.ai how a task stands and records the answer.
        store: Copies the results of a task.
        create_children: Creates the children of a task that are due.
    """

    tasks: TaskStore
    submit: Callable[[Task], Task]
    ask: Callable[[Task], Task]
    store: Callable[[Task], Task]
    create_children: Callable[[Task], Task]
    now: Callable[[], datetime]

    def step(self, step: Step, task_id: str) -> Decision:
        """
        Do a step if it is still what the task lacks.

        Raises:
            TaskStalledError: Only a person can help; the message says how.
            TaskNotFoundError: The record has been deleted.
        """
        task = self.tasks.get(task_id)
        if task is None:
            raise TaskNotFoundError(f"there is no record of {task_id}")
        try:
            return decide(self._do(step, task), self.now())
        except RecordRefusedError as refused:
            self._stall_unrecordable(task, refused)
            raise

    def _do(self, step: Step, task: Task) -> Task:
        match step:
            case Step.SUBMIT:
                return self.submit(task)
            case Step.ASK:
                return self._ask(task)
            case Step.STORE:
                return self._store(task)
            case Step.CREATE_CHILDREN:
                return self.create_children(task)
            case Step.STALL:
                return self._stall(task)
            case Step.NONE:
                return task

    def _stall_unrecordable(self, task: Task, refused: RecordRefusedError) -> None:
        """
        Record that the task's change cannot be recorded: nobody could go on with it otherwise.

        Raises:
            TaskStalledError: It is recorded, and a person must look.
        """
        current = self.tasks.get(task.task_id) or task
        moved = self.tasks.move(
            current, lambda task: ending_moves.stall_unrecordable(task, str(refused), self.now())
        )
        if moved.changed:
            raise TaskStalledError(f"{stall_message(moved.task)} {refused}") from refused

    def catch_up(self, task_id: str) -> Decision:
        """
        Do whatever the task lacks by now, for a machine that does not know the word for it.

        Raises:
            TaskStalledError, TaskNotFoundError: As `step`.
        """
        decision = self.step(Step.NONE, task_id)
        is_due = decision.step is not Step.NONE and decision.wait_until <= self.now()
        return self.step(decision.step, task_id) if is_due else decision

    def _ask(self, task: Task) -> Task:
        if task.next_step is not Step.ASK or task.status is Status.EXPIRED:
            return task
        due = decide(task, self.now())
        # A queued task may be submitted on another's ticket; its own is due before an answer comes.
        early = timedelta(0) if task.submission is Submission.SENDING else _HARDLY_EARLY
        if due.step is Step.ASK and due.wait_until - self.now() > early:
            return task
        return self.ask(task)

    def _store(self, task: Task) -> Task:
        due = decide(task, self.now())
        return self.store(task) if due.step is Step.STORE else task

    def _stall(self, task: Task) -> Task:
        """Record the stall; entered again by a redrive, try once more."""
        now = self.now()
        stalled_before = task.next_at is not None and now >= task.next_at
        if task.is_unstored and stalled_before:
            return self.tasks.move(
                task, lambda current: storing_moves.try_storing_again(current, now)
            ).task
        # Kie.ai's last word was that it is done, with a part missing: what there is has to do now.
        is_done_in_part = task.upstream_completed_at is not None and task.upstream_message is None
        again = task.status is Status.EXPIRED and stalled_before
        if again or (is_done_in_part and task.is_overdue(now)):
            task = self.ask(task)
        task = self.tasks.move(
            task,
            lambda current: (
                ending_moves.expire(current, now) or storing_moves.stall_storing(current, now)
            ),
        ).task
        if decide(task, now).step is Step.STALL:
            raise TaskStalledError(stall_message(task))
        return task


def stall_message(task: Task) -> str:
    """Return what an operator needs: what is known of a stalled task, and what to do."""
    known = f"{task.task_id} ({task.model}, {task.upstream_task_id or 'no id at Kie.ai'})"
    if task.attention is Attention.STORAGE_FAILED:
        reason = f" ({task.error.message})" if task.error is not None else ""
        return (
            f"{known}: Kie.ai is done, and its files could not be copied after"
            f" {task.store_attempts} attempts{reason}. The links are kept. Fix what the timeline"
            " names, then redrive this execution or POST /refresh: both copy again, neither"
            " generates."
        )
    answer = task.upstream_state or task.upstream_message or "none"
    if task.submission is Submission.WAITING:
        return (
            f"{known}: Kie.ai accepted no creation by {task.deadline_at:%Y-%m-%d %H:%M:%S}Z, in"
            f" {task.submission_attempts} attempts ({answer}). Nothing was charged; the task can be"
            " created anew."
        )
    if task.upstream_task_id is None:
        return (
            f"{known}: the creation had no clear answer ({answer}) and no webhook came by"
            f" {task.deadline_at:%Y-%m-%d %H:%M:%S}Z. Look for it in Kie.ai's logs; a late webhook"
            " still settles the task. Creating it again may cost twice."
        )
    return (
        f"{known}: no verdict from Kie.ai by {task.deadline_at:%Y-%m-%d %H:%M:%S}Z. Last answer:"
        f" {answer}, asked {task.polls} times. Redrive this execution or POST /refresh to ask"
        " again; a late webhook still settles the task."
    )
