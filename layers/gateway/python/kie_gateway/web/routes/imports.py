"""Import: adopt work that was created elsewhere."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from aws_lambda_powertools.event_handler import Response

from kie_gateway.catalogue import catalogue
from kie_gateway.core.api_key import Scope
from kie_gateway.core.model_facts import model_facts
from kie_gateway.flows.import_task import Adoption, Imported
from kie_gateway.kie.families.registry import family_of
from kie_gateway.observability import count
from kie_gateway.web.desk import Desk
from kie_gateway.web.imports import import_item
from kie_gateway.web.models import ImportItem, ImportListBody, ImportResultBody, ImportTasks
from kie_gateway.web.resolver import OF_A_BODY, answers

_IMPORTS_AT_ONCE = 8


def add_import_routes(desk: Desk) -> None:
    """Add the route."""
    app, gateway = desk.app, desk.gateway

    @app.post(
        "/v1/tasks/import",
        responses=answers({207: "Each item with its own result"}, *OF_A_BODY),
        tags=["tasks"],
    )
    @app.needs(Scope.TASKS_WRITE)
    def import_tasks(body: ImportTasks) -> Response[ImportListBody]:
        """Adopt up to a hundred tasks of Kie.ai, or links to results. Twice is the same task."""
        # Read before the threads start: the request at hand belongs to this one.
        answers, owner, request_id = desk.answers(), desk.owner(), app.request_id

        def adopt(item: ImportItem) -> Imported:
            if item.url is not None:
                gateway.check_link(item.url)
            known = catalogue.find(item.model)
            return gateway.adopt(
                Adoption(
                    owner=owner,
                    model=item.model,
                    family=family_of(item.model).name,
                    kind=known.kind if known else model_facts(item.model).kind,
                    deadline_seconds=gateway.settings.deadline_seconds,
                    upstream_task_id=item.upstream_task_id,
                    url=item.url,
                    metadata=item.metadata,
                )
            )

        def one(index: int) -> ImportResultBody:
            return import_item(
                index, body.items[index], adopt=adopt, present=answers.body, request_id=request_id
            )

        with ThreadPoolExecutor(_IMPORTS_AT_ONCE) as pool:
            # In copies of our context, so that each knows how much time is left.
            work = [pool.submit(copy_context().run, one, n) for n in range(len(body.items))]
            results = [each.result() for each in work]
        count("TaskImported", sum(result.status == 201 for result in results))
        return Response(207, content_type="application/json", body=ImportListBody(data=results))
