"""What every route needs of the request at hand: who asks, and how to answer."""

from typing import TYPE_CHECKING

from kie_gateway.core.api_key import Caller
from kie_gateway.core.deadline import ANSWER_SECONDS, share
from kie_gateway.core.errors import ForbiddenError, TaskNotFoundError
from kie_gateway.core.task import Output, Task
from kie_gateway.flows.await_task import await_task
from kie_gateway.observability import logger
from kie_gateway.web.answers import TaskAnswers
from kie_gateway.web.present import LINK_SECONDS
from kie_gateway.web.resolver import GatewayResolver

if TYPE_CHECKING:
    from kie_gateway.wiring.api import ApiGateway


class Desk:
    """The desk that requests come to, one at a time."""

    def __init__(self, app: GatewayResolver, gateway: "ApiGateway") -> None:
        self.app = app
        self.gateway = gateway

    def owner(self) -> str:
        """Name the owner that the caller's key stands for."""
        return self._caller().owner

    def is_admin(self) -> bool:
        """Whether the caller sees and does everything."""
        return self._caller().is_admin

    def tasks_at_once(self) -> int:
        """Tell how many tasks the caller may have open; 0 for any number."""
        own = self._caller().tasks_at_once
        return self.gateway.settings.tasks_at_once if own is None else own

    def whose(self, asked_for: str | None) -> str:
        """Name the owner whose things are listed: the caller, or whom an admin asks for."""
        caller = self._caller()
        if asked_for in (None, caller.owner):
            return caller.owner
        if not caller.is_admin:
            raise ForbiddenError("only the scope admin lists what others own")
        return str(asked_for)

    def owned(self, task_id: str) -> Task:
        """Find the caller's task; somebody else's does not exist for them, unless for an admin."""
        task, caller = self.gateway.tasks.get(task_id), self._caller()
        if task is None or task.deleted_at is not None:
            raise TaskNotFoundError("there is no such task")
        if not (task.owner == caller.owner or caller.is_admin):
            raise TaskNotFoundError("there is no such task")
        logger.append_keys(task_id=task_id)
        return task

    def _caller(self) -> Caller:
        caller: Caller = self.app.context["caller"]
        return caller

    def wait(self, task: Task, wait_seconds: int) -> Task:
        """Wait for a task to end, for a while that leaves time to answer."""
        return await_task(
            task,
            wait_seconds=share(self.gateway.time_left(), most=wait_seconds, keep=ANSWER_SECONDS),
            tasks=self.gateway.tasks,
            sleep=self.gateway.sleep,
            now=self.gateway.now,
        )

    def answers(self) -> TaskAnswers:
        """Answer about tasks."""
        whole = self.gateway.inputs.whole_if_there
        return TaskAnswers(self.base_url(), self.link, self.gateway.now(), whole)

    def base_url(self) -> str:
        """Tell the API's public address, without a slash at the end."""
        context = self.app.current_event.raw_event["requestContext"]
        return self.gateway.settings.public_base_url or f"https://{context['domainName']}"

    def link(self, output: Output) -> str:
        """Make a link to an output that opens without a key."""
        return self.link_key(output.key)

    def link_key(self, key: str, *, download_name: str | None = None) -> str:
        """Make a link to a file of the bucket that opens without a key."""
        return self.gateway.link_file(
            key, lifetime_seconds=LINK_SECONDS, download_name=download_name
        )
