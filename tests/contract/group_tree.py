"""Trees of tasks that are asked for by one request, and what becomes of them by rule."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.groups.task_spec import ChildSpec, TaskSpec
from kie_gateway.core.task import Status, Task

PROMPTS = {"fits": "{{input.prompt}}!", "lacks": "{{outputs[3].url}}"}


@dataclass(frozen=True)
class Node:
    """
    A task with what is to follow it.

    Attributes:
        lacks: Whether it asks for a result that its parent will not bring.
    """

    price: float
    starts: Start
    required: bool
    lacks: bool
    children: tuple["Node", ...] = ()

    def spec(self, model: str, deadline_seconds: int, prompt: str = "a kite") -> TaskSpec:
        """Say what the API makes of it."""
        children = (
            ChildSpec(
                name=f"{one.starts.value}-{place}",
                pointer=f"/{one.starts.value}/{place}",
                starts=one.starts,
                required=one.required,
                task=one.spec(model, deadline_seconds, one.prompt),
            )
            for place, one in enumerate(self.children)
        )
        given = {"prompt": prompt, "price": self.price}
        return TaskSpec(model, given, deadline_seconds, children=tuple(children))

    @property
    def prompt(self) -> str:
        return PROMPTS["lacks" if self.lacks and self.starts is Start.THEN else "fits"]

    def ids(self, task_id: str) -> Iterator[tuple[str, "Node"]]:
        """List it and its descendants with the ids they have, or would have."""
        yield task_id, self
        for place, child in enumerate(self.children):
            yield from child.ids(derived_task_id(task_id, place))


def _nodes(children: st.SearchStrategy[list[Node]]) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        price=st.sampled_from([0.4, 4.0, 10.0]),
        starts=st.sampled_from([Start.THEN, Start.THEN, Start.WITH]),
        required=st.booleans(),
        lacks=st.sampled_from([False, False, False, True]),
        children=children.map(tuple),
    )


LEAVES = _nodes(st.just([]))
_LAST = st.lists(_nodes(st.lists(LEAVES, max_size=1)), max_size=2)
TREES = _nodes(st.lists(_nodes(_LAST), max_size=3))


def judged(node: Node, task_id: str, find: Callable[[str], Task | None]) -> str:
    """Judge a group by what was asked for and what has become of each task."""
    task = find(task_id)
    assert task is not None
    if task.status in (Status.QUEUED, Status.RUNNING, Status.STORING):
        return "running"
    outcomes = list[tuple[bool, str]]()
    for place, child in enumerate(node.children):
        child_id = derived_task_id(task_id, place)
        there = find(child_id)
        if there is not None:
            # One that could not be created has no followers.
            node_there = child if there.children else Node(0, child.starts, True, False)
            outcomes.append((child.required, judged(node_there, child_id, find)))
        else:
            is_to_come = task.status is Status.SUCCEEDED and task.children[place].is_planned
            outcomes.append((child.required, "running" if is_to_come else "failed"))
    if any(outcome == "running" for _, outcome in outcomes):
        return "running"
    if task.status is not Status.SUCCEEDED or (True, "failed") in outcomes:
        return "failed"
    return "partial" if {outcome for _, outcome in outcomes} - {"succeeded"} else "succeeded"
