"""Answers about tasks, with the headers that go with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.ports import Page
from kie_gateway.core.task import Output, Task
from kie_gateway.web.cursor import TASKS
from kie_gateway.web.models import TaskBody, TaskListBody
from kie_gateway.web.present import etag, retry_after_seconds, task_body

type Headers = dict[str, str | list[str]]


@dataclass(frozen=True)
class TaskAnswers:
    """
    Answers to one request.

    Attributes:
        base_url: Public address of the API, without a slash at the end.
        link: Makes a link to an output that opens without a key.
        whole: Reads the whole input of a task whose record holds an excerpt.
    """

    base_url: str
    link: Callable[[Output], str]
    now: datetime
    whole: Callable[[Task], Task]

    def task(
        self, task: Task, status: HTTPStatus = HTTPStatus.OK, headers: Headers | None = None
    ) -> Response[TaskBody]:
        """Answer with a task."""
        body = self.body(self.whole(task))
        return Response(
            status.value,
            content_type="application/json",
            body=body,
            headers={**self._headers(task), **(headers or {})},
        )

    def body(self, task: Task) -> TaskBody:
        """Present a task."""
        return task_body(task, base_url=self.base_url, link=self.link, now=self.now)

    def created(self, task: Task, headers: Headers) -> Response[TaskBody]:
        """Answer with a task that shall be looked at again."""
        location = f"{self.base_url}/v1/tasks/{task.task_id}"
        return self.task(task, HTTPStatus.ACCEPTED, {"Location": location, **headers})

    def etag(self, task: Task) -> str:
        """Name this state of the task."""
        return etag(task, self.now)

    def unchanged(self, task: Task) -> Response[TaskBody | None]:
        """Answer that the caller's copy is good."""
        return Response(HTTPStatus.NOT_MODIFIED.value, headers=self._headers(task))

    def page(self, page: Page) -> TaskListBody:
        """Answer with a page of tasks."""
        cursor = TASKS.write(page.next_after) if page.next_after else None
        return TaskListBody(
            data=[self.body(task) for task in page.tasks],
            has_more=cursor is not None,
            next_cursor=cursor,
        )

    def _headers(self, task: Task) -> Headers:
        headers: Headers = {"ETag": self.etag(task), "Cache-Control": "private, no-cache"}
        if not task.status.is_settled:
            headers["Retry-After"] = str(retry_after_seconds(task, self.now))
        return headers
