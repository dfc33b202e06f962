"""What the tasks of a batch are to be made of."""

from dataclasses import dataclass, replace

from kie_gateway.core.groups.task_spec import TaskSpec

SEED = "seed"


@dataclass(frozen=True)
class BatchPlan:
    """
    The plan of a batch.

    Attributes:
        tasks: One for each task; or a single one that all are made of.
        is_repeated: Which of the two.
        seeds: In the second case, a seed for each; or none.
    """

    tasks: tuple[TaskSpec, ...]
    count: int
    is_repeated: bool = False
    seeds: tuple[int, ...] = ()

    def spec(self, place: int) -> TaskSpec:
        """Return what the task at a place is to be made of."""
        if not self.is_repeated:
            return self.tasks[place]
        [spec] = self.tasks
        return replace(spec, input={**spec.input, SEED: self.seeds[place]}) if self.seeds else spec

    def pointer(self, place: int, pointer: str) -> str:
        """Return where in the request something stands that concerns the task at a place."""
        if not self.is_repeated:
            return f"/items/{place}{pointer}"
        is_seed = self.seeds and pointer == f"/input/{SEED}"
        return f"/seeds/{place}" if is_seed else f"/item{pointer}"
