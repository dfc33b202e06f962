"""What is still to be created, kept beside the record of what it belongs to."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import batch_plan_key, children_key
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.spec_json import (
    read_batch_plan,
    read_specs,
    write_batch_plan,
    write_specs,
)
from kie_gateway.core.groups.task_spec import ChildSpec
from kie_gateway.core.task import Task
from kie_gateway.flows.inputs.large_inputs import InputArchive

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plans:
    """The plans of tasks with children to come."""

    archive: InputArchive

    def keep(self, task: Task, specs: Sequence[ChildSpec]) -> None:
        """
        Keep what is to follow a task, before it is recorded.

        Raises:
            StorageError: Nothing was kept.
        """
        if specs:
            self.archive.put_raw(children_key(task), write_specs(specs), "application/json")

    def drop(self, task: Task) -> None:
        """Remove the plan of a task that was not recorded after all, or that is carried out."""
        if all(child.starts is Start.WITH for child in task.children):
            return
        try:
            self.archive.delete([children_key(task)])
        except StorageError as error:
            _log.warning("a plan of %s was not removed: %s", task.task_id, error.message)

    def read(self, task: Task) -> tuple[ChildSpec, ...]:
        """
        Read what is to follow a task, or was.

        Raises:
            StorageError: It cannot be read now, or is not kept any more.
        """
        if all(child.starts is Start.WITH for child in task.children):
            return ()
        return read_specs(self.archive.get_raw(children_key(task)))


@dataclass(frozen=True)
class BatchPlans:
    """The plans of batches."""

    archive: InputArchive

    def keep(self, owner: str, batch_id: str, plan: BatchPlan) -> None:
        """Keep a plan, before the batch is recorded. Raises StorageError."""
        key = batch_plan_key(owner, batch_id)
        self.archive.put_raw(key, write_batch_plan(plan), "application/json")

    def drop(self, owner: str, batch_id: str) -> None:
        """Remove the plan of a batch that was not recorded after all, or that is carried out."""
        try:
            self.archive.delete([batch_plan_key(owner, batch_id)])
        except StorageError as error:
            _log.warning("the plan of %s was not removed: %s", batch_id, error.message)

    def read(self, batch: Batch) -> BatchPlan:
        """Read a plan. Raises StorageError."""
        return read_batch_plan(self.archive.get_raw(batch_plan_key(batch.owner, batch.batch_id)))
