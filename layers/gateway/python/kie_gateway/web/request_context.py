"""What a route knows of the request at hand: who sends it, and what can be done for them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.depends import Depends

from kie_gateway.core.callers.api_key import Caller
from kie_gateway.core.errors.caller_errors import ForbiddenError, TaskNotFoundError
from kie_gateway.core.task import Task
from kie_gateway.observability import logger
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.use_cases import UseCases

LINK_SECONDS = 3600


@dataclass(frozen=True)
class RequestContext:
    """
    The request at hand.

    Attributes:
        request_id: API Gateway's id of it.
        headers: With lower-case names.
        base_url: Public address of the API, without a slash at the end.
        sender: The caller; None on routes that are open to everybody.
        is_head: Whether only the headers of an answer are asked for.
        document: Writes the API's document, as JSON.
    """

    use_cases: UseCases
    request_id: str
    headers: Mapping[str, str]
    base_url: str
    sender: Caller | None
    is_head: bool
    document: Callable[[], str]

    @property
    def caller(self) -> Caller:
        """The caller, on routes that take a key."""
        if self.sender is None:
            raise RuntimeError("a route that is open to everybody has no caller")
        return self.sender

    @property
    def owner(self) -> str:
        """The owner that the caller's key stands for."""
        return self.caller.owner

    @property
    def tasks_at_once(self) -> int:
        """How many tasks the caller may have open; 0 for any number."""
        own = self.caller.tasks_at_once
        return self.use_cases.tasks_at_once if own is None else own

    def owner_to_list(self, asked_for: str | None) -> str:
        """
        Return the owner whose things are listed: the caller, or whom an admin asks for.

        Raises:
            ForbiddenError: Somebody else asks for another owner's.
        """
        if asked_for in (None, self.owner):
            return self.owner
        if not self.caller.is_admin:
            raise ForbiddenError("only keys with the scope admin may name another owner")
        return str(asked_for)

    def owned_task(self, task_id: str) -> Task:
        """
        Find a task of the caller's, or any task for an admin.

        Raises:
            TaskNotFoundError: There is none, it is deleted, or it is somebody else's.
        """
        task = self.use_cases.tasks.get(task_id)
        if task is None or task.deleted_at is not None:
            raise TaskNotFoundError("there is no such task")
        if not (task.owner == self.owner or self.caller.is_admin):
            raise TaskNotFoundError("there is no such task")
        logger.append_keys(task_id=task_id)
        return task

    @property
    def output_links(self) -> OutputLinks:
        """The links to outputs: one that lives for `LINK_SECONDS`, and the permalink."""
        return OutputLinks(
            link=lambda output: self.use_cases.link_file(output.key, lifetime_seconds=LINK_SECONDS),
            permalink=lambda task, output: self.use_cases.permalinks.to(
                task, output, self.base_url
            ),
        )

    def link_key(self, key: str, *, download_name: str | None = None) -> str:
        """
        Make a link to an object of the bucket that opens without a key, for this kind of request.

        Browsers keep a file under its link, and S3 says which origins may read it only where one
        has asked. So a script must get another link than a plain `<img>` has got in the same
        second: it would find a copy that it may not read.
        """
        return self.use_cases.link_file(
            key,
            lifetime_seconds=LINK_SECONDS - ("origin" in self.headers),
            download_name=download_name,
            is_head=self.is_head,
        )


# Not kept in Powertools' own context, which all threads of a process share.
_CURRENT: ContextVar[RequestContext] = ContextVar("request_context")


def current_context() -> RequestContext:
    """Return the context of the request at hand."""
    return _CURRENT.get()


@contextmanager
def entered(context: RequestContext) -> Iterator[None]:
    """Make a request the one at hand for as long as the `with` lasts."""
    before = _CURRENT.set(context)
    try:
        yield
    finally:
        _CURRENT.reset(before)


# A route that has a parameter of this type is given the context of the request at hand.
CurrentContext = Annotated[RequestContext, Depends(current_context)]
