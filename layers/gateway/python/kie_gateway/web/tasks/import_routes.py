"""The route that adopts work which was created elsewhere."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.observability import count
from kie_gateway.web.access import needs
from kie_gateway.web.operations import OF_A_BODY, Success, operation
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import json_response
from kie_gateway.web.routing import new_router
from kie_gateway.web.tasks.import_presenters import import_item
from kie_gateway.web.tasks.import_schemas import ImportResult, ImportResultList, ImportTasks
from kie_gateway.web.tasks.responses import TaskResponses
from kie_gateway.web.tasks.routes import TAG

router = new_router()

_IMPORTS_AT_ONCE = 8


@router.post(
    "/v1/tasks/import",
    **operation("importTasks", TAG, {207: Success("Each item has a result.")}, *OF_A_BODY),
)
@needs(Scope.TASKS_WRITE)
def import_tasks(context: CurrentContext, body: ImportTasks) -> Response[ImportResultList]:
    """
    Adopt existing work. Items are tasks at Kie.ai or links to results, up to a hundred at once.

    Importing the same work again returns the same task.
    """
    responses = TaskResponses.to(context)

    def one(index: int) -> ImportResult:
        return import_item(
            index,
            body.items[index],
            owner=context.owner,
            adopt=context.use_cases.request_import,
            present=responses.schema,
            problem_body=lambda problem: problem.body(context.request_id, context.base_url),
        )

    with ThreadPoolExecutor(_IMPORTS_AT_ONCE) as pool:
        # In copies of our context, so that each knows how much time is left.
        work = [pool.submit(copy_context().run, one, n) for n in range(len(body.items))]
        results = [each.result() for each in work]
    count("TaskImported", sum(result.status == HTTPStatus.CREATED for result in results))
    return json_response(ImportResultList(data=results), HTTPStatus.MULTI_STATUS)
