"""What callers ask for in a batch, as flows take it."""

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.web.batches.schemas import CreateBatch
from kie_gateway.web.tasks.specs import TaskSpecs


def batch_plan(body: CreateBatch, specs: TaskSpecs) -> BatchPlan:
    """
    Return what the tasks of a batch are to be made of.

    Raises:
        InvalidRequestError: Fields that do not go together.
    """
    if body.items is not None:
        _refuse_beside_items(body)
        tasks = specs.read_all([(f"/items/{place}", item) for place, item in enumerate(body.items)])
        return BatchPlan(tasks, len(tasks))
    if body.item is None:
        raise _refused("/items", "required: send `items`, or `item` with `count`")
    if body.count is None and body.seeds is None:
        raise _refused(
            "/count", "required, unless there are `seeds`: how many times to create `item`"
        )
    seeds = tuple(body.seeds or ())
    if body.count is not None and seeds and len(seeds) != body.count:
        raise _refused("/seeds", f"must have as many entries as `count` says: {body.count}")
    return BatchPlan(
        specs.read_all([("/item", body.item)]),
        body.count or len(seeds),
        is_repeated=True,
        seeds=seeds,
    )


def _refuse_beside_items(body: CreateBatch) -> None:
    for name in ("item", "count", "seeds"):
        if getattr(body, name) is not None:
            raise _refused(f"/{name}", "cannot be combined with `items`")


def _refused(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError("the batch is incomplete", [FieldFault(pointer, detail)])
