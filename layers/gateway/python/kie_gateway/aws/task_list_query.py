"""The query behind lists of an owner's tasks."""

from typing import TYPE_CHECKING

from kie_gateway.aws.task_item import write_time
from kie_gateway.core.ports.tasks import TaskFilter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef


def list_query(
    table: str, owner: str, which: TaskFilter, *, newest_first: bool
) -> "QueryInputTypeDef":
    """Ask for an owner's tasks in order of creation."""
    names = {"#owner": "owner"}
    values: dict[str, AttributeValueTypeDef] = {":owner": {"S": owner}}
    clauses = []
    for name in ("status", "model"):
        wanted = getattr(which, name)
        if wanted is not None:
            names[f"#{name}"] = name
            values[f":{name}"] = {"S": wanted}
            clauses.append(f"#{name} = :{name}")
    for sign, moment, name in (
        (">", which.created_after, "created_after"),
        ("<", which.created_before, "created_before"),
    ):
        if moment is not None:
            names["#created_at"] = "created_at"
            values[f":{name}"] = {"S": write_time(moment)}
            clauses.append(f"#created_at {sign} :{name}")
    query: QueryInputTypeDef = {
        "TableName": table,
        "IndexName": "by_owner",
        "KeyConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not newest_first,
    }
    if clauses:
        query["FilterExpression"] = " AND ".join(clauses)
    return query
