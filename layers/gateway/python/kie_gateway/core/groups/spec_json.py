"""How what is to follow a task is written as JSON, to lie beside its record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.child import Start
from kie_gateway.core.groups.cover import Cover
from kie_gateway.core.groups.task_spec import ChildSpec, FallbackSpec, TaskSpec
from kie_gateway.core.recipe_version import RecipeVersion


def write_specs(specs: Sequence[ChildSpec]) -> bytes:
    """Write what is to follow."""
    return _written([asdict(spec) for spec in specs])


def read_specs(body: bytes) -> tuple[ChildSpec, ...]:
    """Read it again."""
    return tuple(_read_child(values) for values in json.loads(body))


def write_batch_plan(plan: BatchPlan) -> bytes:
    """Write what the tasks of a batch are to be made of."""
    return _written(asdict(plan))


def read_batch_plan(body: bytes) -> BatchPlan:
    """Read it again."""
    values = json.loads(body)
    tasks = tuple(_read_task(one) for one in values["tasks"])
    return BatchPlan(**{**values, "tasks": tasks, "seeds": tuple(values["seeds"])})


def _read_child(values: Mapping[str, Any]) -> ChildSpec:
    task = _read_task(values["task"])
    return ChildSpec(**{**values, "starts": Start(values["starts"]), "task": task})


def _read_task(values: Mapping[str, Any]) -> TaskSpec:
    most, cover, least = (values[name] for name in ("max_credits", "cover", "least_picture"))
    webhook = values.get("webhook")
    return TaskSpec(
        **{
            **values,
            "fallback": tuple(FallbackSpec(**one) for one in values["fallback"]),
            "max_credits": None if most is None else Decimal(most),
            "recipe": RecipeVersion(**values["recipe"]) if values["recipe"] else None,
            "children": tuple(_read_child(one) for one in values["children"]),
            "cover": Cover(**cover) if cover else None,
            "least_picture": tuple(least) if least else None,
            # Plans of an earlier version know none.
            "webhook": TaskWebhook.read(webhook) if webhook else None,
        }
    )


def _written(values: Any) -> bytes:
    """Write as JSON; amounts as text, which is exact."""
    return json.dumps(values, ensure_ascii=False, default=str).encode()
