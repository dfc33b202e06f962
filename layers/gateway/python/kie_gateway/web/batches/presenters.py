"""Batches, from the record to what callers see."""

from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.task import Status
from kie_gateway.web.batches import schemas


def batch_schema(batch: Batch, base_url: str) -> schemas.Batch:
    """
    Present a batch.

    Args:
        base_url: Public address of the API, without a slash at the end.
    """
    own = f"{base_url}/v1/batches/{batch.batch_id}"
    return schemas.Batch(
        id=batch.batch_id,
        status=batch.status,
        total=batch.total,
        counts={status.value: number for status, number in _counts(batch).items() if number},
        progress=round(batch.all_ended / batch.total, 4),
        created_at=batch.created_at,
        completed_at=batch.completed_at,
        urls=schemas.BatchUrls(
            self=own,
            cancel=f"{own}/cancel",
            tasks=f"{base_url}/v1/tasks?batch_id={batch.batch_id}",
        ),
    )


def _counts(batch: Batch) -> dict[Status, int]:
    never = batch.total - batch.created
    is_canceled = batch.canceled_at is not None
    ended = dict(batch.ended)
    if is_canceled:
        ended[Status.CANCELED] = ended.get(Status.CANCELED, 0) + never
    return {
        Status.QUEUED: 0 if is_canceled else never,
        Status.RUNNING: batch.created - sum(batch.ended.values()),
        **ended,
    }
