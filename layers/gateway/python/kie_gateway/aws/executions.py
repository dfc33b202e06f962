"""Executions of the machine `WatchTask`: one follows each task."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def execution_name(task_id: str, watch: int) -> str:
    """Return an execution's name: the task's id, with a number from its second watch on."""
    return task_id if watch == 1 else f"{task_id}-{watch}"


def timestamp(moment: datetime) -> str:
    """Write a moment as Step Functions' Wait states read it: whole seconds, never too early."""
    whole = datetime.fromtimestamp(-(-moment.timestamp() // 1), tz=UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")


class WatchExecutions:
    """The machine, as flows need it (`core/ports/watching.py`, Executions)."""

    def __init__(self, client: "SFNClient", machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, task_id: str, watch: int, wait_until: datetime) -> None:
        """
        Follow a task from `wait_until` on.

        Raises:
            BackendUnavailableError: Step Functions did not start it.
        """
        with translated("Step Functions"), suppress(self._client.exceptions.ExecutionAlreadyExists):
            self._client.start_execution(
                stateMachineArn=self._machine_arn,
                name=execution_name(task_id, watch),
                input=json.dumps({"task_id": task_id, "wait_until": timestamp(wait_until)}),
            )

    def stop(self, task_id: str, watch: int, why: str) -> None:
        """
        End a watch that another one takes over from; one that has ended already is no error.

        Raises:
            BackendUnavailableError: Step Functions did not answer.
        """
        machine = self._machine_arn.replace(":stateMachine:", ":execution:")
        with translated("Step Functions"), suppress(self._client.exceptions.ExecutionDoesNotExist):
            self._client.stop_execution(
                executionArn=f"{machine}:{execution_name(task_id, watch)}",
                error="HandedOver",
                cause=why,
            )

    def is_running(self, task_id: str, watch: int) -> bool:
        """
        Whether a watch was started and has not ended.

        Step Functions answers as of a moment ago ("eventually consistent", API_DescribeExecution):
        one that was only just started may not be seen, and a second one beside it is harmless.

        Raises:
            BackendUnavailableError: Step Functions did not answer.
        """
        machine = self._machine_arn.replace(":stateMachine:", ":execution:")
        with translated("Step Functions"):
            try:
                described = self._client.describe_execution(
                    executionArn=f"{machine}:{execution_name(task_id, watch)}",
                    # No permission for a key that the machine may be encrypted with is needed.
                    includedData="METADATA_ONLY",
                )
            except self._client.exceptions.ExecutionDoesNotExist:
                return False
        return described["status"] == "RUNNING"
