"""Take a caller's wish for many tasks: check all of them, set everything aside, create them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.callers.idempotency import MEMORY, IdempotencyKey
from kie_gateway.core.credits.ledger import NOTHING
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import (
    CallerError,
    CreationsStoppedError,
    FieldFault,
    IdempotencyMismatchError,
    InvalidRequestError,
)
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.ports.batches import Batches, ExistingBatch
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.flows.groups.create_batch_tasks import CreateBatchTasks
from kie_gateway.flows.groups.plan_group import Group, PlanGroup
from kie_gateway.flows.groups.plans import BatchPlans

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchRequest:
    """
    What a caller asks for.

    Attributes:
        callback_base_url: Public address of this deployment.
        tasks_at_once: How many the owner may have open; 0 for any number.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
    """

    owner: str
    plan: BatchPlan
    callback_base_url: str
    tasks_at_once: int
    fingerprint: str
    idempotency_key: str | None = None


@dataclass(frozen=True)
class RequestedBatch:
    """The batch, and whether an earlier request had asked for it."""

    batch: Batch
    replayed: bool


@dataclass(frozen=True)
class RequestBatch:
    """
    Creates batches.

    Attributes:
        create_tasks: Creates the tasks of a recorded batch.
        has_time: Whether there is time to create some more tasks.
        stopped: Returns why no new tasks are created for now; None while they are.
    """

    batches: Batches
    plan_group: PlanGroup
    plans: BatchPlans
    create_tasks: CreateBatchTasks
    new_batch_id: Callable[[], str]
    release_after_seconds: int
    now: Callable[[], datetime]
    has_time: Callable[[], bool]
    stopped: Callable[[], str | None]

    def __call__(self, request: BatchRequest) -> RequestedBatch:
        """
        Create a batch, or find the one that an earlier request under the same key has created.

        Returns:
            The batch; as many of its tasks are created as there was time for.

        Raises:
            CallerError: Nothing was created and nothing set aside, for a reason that the caller can
                mend; all that is wrong is named.
            BackendUnavailableError, StorageError: The same, as it could not be recorded.
        """
        now, batch_id = self.now(), self.new_batch_id()
        idempotency = _idempotency(request, now)
        existing = self.batches.existing(idempotency, now) if idempotency is not None else None
        if existing is not None:
            return self._replay(request, existing)
        if (why := self.stopped()) is not None:
            raise CreationsStoppedError(f"new tasks are stopped: {why}")
        batch = self._planned(request, batch_id, now)
        self.plans.keep(request.owner, batch_id, request.plan)
        try:
            recorded = self.batches.create(batch, idempotency, tasks_at_once=request.tasks_at_once)
        except CallerError:
            self.plans.drop(request.owner, batch_id)
            raise
        if isinstance(recorded, ExistingBatch):
            self.plans.drop(request.owner, batch_id)
            return self._replay(request, recorded)
        return RequestedBatch(self._create_tasks(recorded), replayed=False)

    def _create_tasks(self, batch: Batch) -> Batch:
        """Create its tasks; from here on trouble is the sweep's and not the caller's."""
        try:
            return self.create_tasks(batch, self.has_time)
        except GatewayError as error:
            _log.warning("the sweep goes on with %s: %s", batch.batch_id, error)
            return self._as_it_stands(batch)

    def _as_it_stands(self, batch: Batch) -> Batch:
        try:
            return self.batches.get(batch.owner, batch.batch_id) or batch
        except BackendUnavailableError:
            return batch

    def _replay(self, request: BatchRequest, existing: ExistingBatch) -> RequestedBatch:
        if not existing.same_request:
            raise IdempotencyMismatchError(
                "this Idempotency-Key was used for another request; use a new key for a new batch"
            )
        batch = self.batches.get(request.owner, existing.batch_id)
        if batch is None:
            raise BackendUnavailableError("the batch of this Idempotency-Key cannot be read")
        return RequestedBatch(self._create_tasks(batch), replayed=True)

    def _planned(self, request: BatchRequest, batch_id: str, now: datetime) -> Batch:
        """Check all tasks, and add up what they cost. Raises InvalidRequestError."""
        plan, faults, groups = request.plan, list[FieldFault](), list[Group]()
        for place in range(plan.count):
            try:
                groups.append(
                    self.plan_group(
                        plan.spec(place),
                        derived_task_id(batch_id, place),
                        request.owner,
                        request.callback_base_url,
                    )
                )
            except InvalidRequestError as error:
                found = error.faults or (FieldFault("", str(error)),)
                faults += [
                    FieldFault(plan.pointer(place, fault.pointer), fault.detail) for fault in found
                ]
        if faults:
            words = "some tasks of the batch cannot be created, so none of them was"
            raise InvalidRequestError(words, list(dict.fromkeys(faults)))
        drafts = [draft for group in groups for draft in (group.draft, *group.beside.values())]
        return Batch(
            batch_id=batch_id,
            owner=request.owner,
            callback_base_url=request.callback_base_url,
            total=plan.count,
            created_at=now,
            planned_tasks=sum(1 + draft.planned_tasks for draft in drafts),
            planned_credits=sum(
                (draft.credits + draft.planned_credits for draft in drafts), NOTHING
            ),
            release_after_seconds=self.release_after_seconds,
            sweep_at=now + START_GRACE,
        )


def _idempotency(request: BatchRequest, now: datetime) -> IdempotencyKey | None:
    if request.idempotency_key is None:
        return None
    longest = max(spec.deadline_seconds for spec in request.plan.tasks)
    forget_at = now + timedelta(seconds=longest) + MEMORY
    return IdempotencyKey(request.owner, request.idempotency_key, request.fingerprint, forget_at)
