"""
What moto computes again and again without need, most of it in its DynamoDB.

Together these were half of the local cloud's time. Nothing here changes an answer. All of it was
written against moto 5.2.5.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.core import responses
from moto.core.serialize import JSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator

# It has no types.
_nodes: Any = ast_nodes
# Values of these types mean what is written.
_AS_WRITTEN = ("S", "B", "BOOL")
_ATTRIBUTE_VALUE = "AttributeValue"

moto_get_value = JSONSerializer.get_value
moto_cast_value = DynamoType.cast_value.fget  # type: ignore[attr-defined]


def install() -> None:
    """Put the quicker ways in; doing so twice changes nothing."""
    setattr(_nodes.DepthFirstTraverser, "traverse_node_recursively", _traverse)  # noqa: B010
    setattr(_nodes.Node, "find_clauses", _find_clauses)  # noqa: B010
    # Both look at all that is below an expression, so what lies below need not be looked at first.
    for validator, look in (
        (ActionCountValidator, ActionCountValidator.verify_action_counts),
        (OverlappingPathsValidator, OverlappingPathsValidator.check_for_overlapping_paths),
    ):
        setattr(validator, "traverse", look)  # noqa: B010
    setattr(JSONSerializer, "get_value", _get_value)  # noqa: B010
    setattr(DynamoType, "cast_value", property(_cast_value))  # noqa: B010
    setattr(DynamoType, "__eq__", _equals)  # noqa: B010
    setattr(DynamoType, "__ne__", _differs)  # noqa: B010
    # A class has the same methods at each request.
    vars(responses)["method_names_from_class"] = functools.cache(method_names_from_class)


# --- Expressions: which class is one of which is asked a hundred times for each update ----------


@functools.cache
def _is_a(kind: type, wanted: tuple[Any, ...]) -> bool:
    return issubclass(kind, wanted)


@functools.cache
def _processed(traverser: type) -> tuple[Any, ...]:
    # What a traverser looks for is its class's, whatever it was made with.
    made: Any = object.__new__(traverser)
    return tuple(made.nodes_to_be_processed())


def _traverse(self: Any, node: Any, child_id: int = -1) -> Any:
    kind: Any = type(node)
    if not _is_a(kind, (_nodes.Node,)):
        return node
    parent = node.parent
    for place, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, place)
        _traverse(self, child, place)
    own: Any = type(self)
    if _is_a(kind, _processed(own)):
        node = self.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def _find_clauses(self: Any, clause_types: list[type]) -> list[Any]:
    clauses = []
    for child in self.children or ():
        kind: Any = type(child)
        if kind in clause_types:
            clauses.append(child)
        elif _is_a(kind, (_nodes.Expression, _nodes.UpdateExpressionFunction)):
            clauses.extend(child.find_clauses(clause_types))
    return clauses


# --- Answers: an attribute's value is looked up under five names of each of ten types -----------


def _get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
    parent = getattr(shape, "parent", None)
    if parent is not None and parent.name == _ATTRIBUTE_VALUE and type(value) is dict:
        return value.get(key)
    return moto_get_value(self, value, key, shape)


# --- Comparisons, of which a query makes one for each item of the table -------------------------


def _cast_value(self: Any) -> Any:
    return self.value if self.type in _AS_WRITTEN else moto_cast_value(self)


def _equals(self: Any, other: Any) -> bool:
    if self.type != other.type:
        return False
    if self.type in _AS_WRITTEN:
        return bool(self.value == other.value)
    return bool(moto_cast_value(self) == moto_cast_value(other))


def _differs(self: Any, other: Any) -> bool:
    return not _equals(self, other)
