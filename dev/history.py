"""
How long an execution's history may grow.

https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html: event number 25,000 is
either ExecutionSucceeded or the failure. moto's interpreter writes the events that AWS writes: two
for a Wait and for a Choice, five for a Task that succeeds (entered, scheduled, started, succeeded,
exited), three more for each attempt that is retried.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Never

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

if TYPE_CHECKING:
    from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext

MAX_EVENTS = 25_000
_LAST_EVENTS = frozenset(
    (
        HistoryEventType.ExecutionSucceeded,
        HistoryEventType.ExecutionFailed,
        HistoryEventType.ExecutionAborted,
        HistoryEventType.ExecutionTimedOut,
    )
)

# As moto has it; kept here so that installing twice does not wrap what is wrapped.
_moto_add_event = EventManager.add_event


class HistoryFullError(FailureEventException):
    """Ends an execution; no retry and no catch, for they would write events as well."""

    def __init__(self) -> None:
        # A task state that meets it writes this event, which is one too many again.
        event: Any = SimpleNamespace(
            event_type=HistoryEventType.TaskFailed,
            event_details=None,
            error_name=StatesErrorName(StatesErrorNameType.StatesRuntime),
        )
        super().__init__(event)

    def get_execution_failed_event_details(self) -> ExecutionFailedEventDetails:
        """Return what AWS says."""
        cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
        return ExecutionFailedEventDetails(error="States.Runtime", cause=cause)


def install() -> None:
    """Count events from now on; doing so twice changes nothing."""
    setattr(EventManager, "add_event", _add_event)  # noqa: B010


def _add_event(
    manager: EventManager,
    context: EventHistoryContext,
    event_type: HistoryEventType,
    *details: Any,
    **named: Any,
) -> int:
    full = len(manager._history_event_list) >= MAX_EVENTS - 1  # noqa: SLF001 - the count itself
    if full and event_type not in _LAST_EVENTS:
        _end()
    return int(_moto_add_event(manager, context, event_type, *details, **named))


def _end() -> Never:
    raise HistoryFullError
