"""Responses about tasks, with the headers that go with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.ports.tasks import Page
from kie_gateway.core.task import Task
from kie_gateway.web.cursor import TASKS
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.request_context import RequestContext
from kie_gateway.web.responses import Headers, json_response, not_modified
from kie_gateway.web.tasks.presenters import etag, retry_after_seconds, task_schema
from kie_gateway.web.tasks.schemas import Task as TaskSchema
from kie_gateway.web.tasks.schemas import TaskList


@dataclass(frozen=True)
class TaskResponses:
    """
    Responses to one request.

    Attributes:
        base_url: Public address of the API, without a slash at the end.
        whole: Reads the whole input of a task whose record holds an excerpt.
        descendants: Reads what belongs to some tasks, by id.
    """

    base_url: str
    links: OutputLinks
    now: datetime
    whole: Callable[[Task], Task]
    descendants: Callable[[Sequence[Task]], Mapping[str, Task]]

    @classmethod
    def to(cls, context: RequestContext) -> Self:
        """Make responses to the request at hand, as of now."""
        use_cases = context.use_cases
        return cls(
            context.base_url,
            context.output_links,
            use_cases.now(),
            use_cases.whole_input,
            use_cases.find_descendants,
        )

    def task(
        self,
        task: Task,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Headers | None = None,
        *,
        is_known: Callable[[str], bool] = lambda _: False,
        present: Callable[[TaskSchema], TaskSchema] = lambda shown: shown,
    ) -> Response[Any]:
        """
        Respond with a task.

        Args:
            is_known: Whether the caller has a copy with this entity tag, which is still good then.
            present: Adds what only this response shows.
        """
        descendants = self.descendants([task])
        tag = etag(task, descendants, self.now)
        own = self._headers(task, tag)
        if is_known(tag):
            return not_modified(own)
        body = present(self._schema(self.whole(task), descendants))
        return json_response(body, status, {**own, **(headers or {})})

    def accepted(
        self,
        task: Task,
        headers: Headers,
        present: Callable[[TaskSchema], TaskSchema] = lambda shown: shown,
    ) -> Response[Any]:
        """Respond with a task that is to be looked at again; `present` as in `task`."""
        location = f"{self.base_url}/v1/tasks/{task.task_id}"
        return self.task(
            task, HTTPStatus.ACCEPTED, {"Location": location, **headers}, present=present
        )

    def page(self, page: Page) -> TaskList:
        """Present a page of tasks."""
        cursor = TASKS.write(page.next_after) if page.next_after else None
        descendants = self.descendants(page.tasks)
        return TaskList(
            data=[self._schema(task, descendants) for task in page.tasks],
            has_more=cursor is not None,
            next_cursor=cursor,
        )

    def schema(self, task: Task) -> TaskSchema:
        """Present a task."""
        return self._schema(task, self.descendants([task]))

    def _schema(self, task: Task, descendants: Mapping[str, Task]) -> TaskSchema:
        return task_schema(
            task, descendants=descendants, base_url=self.base_url, links=self.links, now=self.now
        )

    def _headers(self, task: Task, tag: str) -> Headers:
        headers: Headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if not task.status.is_settled:
            headers["Retry-After"] = str(retry_after_seconds(task, self.now))
        return headers
