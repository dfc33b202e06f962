"""
RedriveExecution, which moto lacks: a failed execution goes on where it ended.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html: from the state that
did not succeed, with that state's own input and the definition the execution was started with; the
history goes on, retries are counted anew. Within 14 days, below 24,999 events, and never for one
that succeeded or still runs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from dev import history

if TYPE_CHECKING:
    from moto.stepfunctions.parser.asl.eval.environment import Environment

_DAYS = 14
_REDRIVABLE = frozenset(
    (ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT)
)


def install() -> None:
    """Teach moto the action; doing so twice changes nothing."""
    setattr(StepFunctionResponse, "redrive_execution", _redrive_execution)  # noqa: B010


def _redrive_execution(response: StepFunctionResponse) -> ActionResult:
    arn = response._get_param("executionArn")  # noqa: SLF001 - as all of moto's actions read
    execution = response.stepfunction_backend.describe_execution(arn)
    problem = _problem(execution)
    if problem is not None:
        raise JsonRESTError(
            "ExecutionNotRedrivable", f"The execution cannot be redriven: {problem}"
        )
    redrive(execution)
    return ActionResult({"redriveDate": datetime.now(UTC)})


def _problem(execution: Any) -> str | None:
    """Return why an execution cannot be redriven."""
    if execution.exec_status not in _REDRIVABLE:
        return f"its status is {execution.status}"
    if (datetime.now(UTC) - execution.stop_date).days >= _DAYS:
        return f"it ended more than {_DAYS} days ago"
    events = execution.exec_worker.env.event_manager.get_event_history()
    if len(events) >= history.MAX_EVENTS - 1:
        return f"its history has {len(events)} events"
    return None


def redrive(execution: Any) -> None:
    """Let an execution go on, in a thread of its own as at the start."""
    before: Environment = execution.exec_worker.env
    execution.exec_status, execution.stop_date = ExecutionStatus.RUNNING, None
    execution.error = execution.cause = None
    execution.redrive_count = getattr(execution, "redrive_count", 0) + 1
    first = execution.get_start_state_machine_details()
    worker = _RedrivenWorker(
        evaluation_details=execution.exec_worker._evaluation_details,  # noqa: SLF001 - as it began
        exec_comm=BaseExecutionWorkerCommunication(execution),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    worker.go_on(before, first.definition, execution.redrive_count)
    execution.exec_worker = worker
    execution.exec_worker.start()


class _RedrivenWorker(ExecutionWorker):
    """Evaluates the rest of an execution."""

    def go_on(self, before: Environment, definition: str, count: int) -> None:
        events = before.event_manager.get_event_history()
        entered: Any = next(e for e in reversed(events) if "stateEnteredEventDetails" in e)
        details = entered["stateEnteredEventDetails"]
        self._count = count
        self._definition = json.dumps({**json.loads(definition), "StartAt": details["name"]})
        env: Any = self._get_evaluation_environment()
        env.event_manager = before.event_manager
        env.event_history_context = EventHistoryContext(events[-1]["id"])
        env.states.reset(input_value=json.loads(details["input"]))
        self.env = env

    def _execution_logic(self) -> None:
        program = AmazonStateLanguageParser.parse(self._definition)[0]
        env: Any = self.env
        details = {"executionRedrivenEventDetails": {"redriveCount": self._count}}
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.ExecutionRedriven,
            event_details=details,
        )
        program.eval(env)
        self._execution_communication.terminated()
