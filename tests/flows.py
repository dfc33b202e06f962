"""Flows made of fakes, or of whatever a test puts in their place."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.files import Archive
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import Executions, StoreQueue
from kie_gateway.core.task import Task
from kie_gateway.flows.polling.archive_answer import ArchiveAnswer
from kie_gateway.flows.polling.ask_kie import AskKie
from kie_gateway.flows.polling.record_answer import RecordAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission
from kie_gateway.flows.submitting.submit_task import SubmitTask
from kie_gateway.flows.submitting.submit_watched import SubmitWatched
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.redaction import Redaction
from tests.makers import TASK_ID

type Now = Callable[[], datetime]

SECRET = "callback-secret"
REDACTION = Redaction(lambda: SECRET)
# Where Kie.ai is told to call back about a task of `tests/makers.py`.
CALLBACK = callback_url("https://gateway.test", TASK_ID, SECRET)


def asking(
    tasks: TaskStore, kie: Provider, archive: Archive, policy: PollPolicy, now: Now, **more: Any
) -> AskKie:
    """Make what asks Kie.ai how tasks stand."""
    return AskKie(
        tasks=tasks,
        kie=kie,
        archive_answer=ArchiveAnswer(archive, now),
        record_answer=RecordAnswer(tasks, policy),
        record_submission=RecordSubmission(tasks, policy),
        now=now,
        **more,
    )


def submitting(
    tasks: TaskStore,
    kie: Provider,
    archive: Archive,
    policy: PollPolicy,
    now: Now,
    submit_queue: SubmitQueue,
    **more: Any,
) -> SubmitTask:
    """Make what submits tasks; those refused together come back half a window apart."""
    return SubmitTask(
        tasks=tasks,
        kie=kie,
        archive_answer=ArchiveAnswer(archive, now),
        record=RecordSubmission(tasks, policy),
        submit_queue=submit_queue,
        now=now,
        spread=lambda: 0.5,
        **more,
    )


def submitting_watched(
    tasks: TaskStore,
    submit: Callable[[Task], Task],
    executions: Executions,
    store_queue: StoreQueue,
    now: Now,
) -> SubmitWatched:
    """Make what submits tasks for a caller who waits."""
    return SubmitWatched(tasks, submit, Watches(tasks, executions, now), store_queue, now)
