"""The local DynamoDB refuses what AWS refuses, in its words; each rule names AWS's page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from dev.dynamodb_values import MAX_ITEM_BYTES, item_size
from dev.seams import ACCOUNT, REGION
from tests.dev.table import Table, item, key, refused, table_cloud


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with table_cloud() as cloud:
        yield Table(cloud)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "in the middle"}
    for _ in range(depth):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "ä€"}, 5),
        ({"N": "0"}, 1),
        ({"N": "-00123400"}, 3),
        ({"N": "1234567"}, 5),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"B": b"12345"}, 5),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 2 + 1 + 2),
        ({"M": {"name": {"S": "ab"}}}, 3 + 4 + 2 + 1),
    ],
)
def test_values_are_counted_as_documented(value: dict[str, Any], size: int) -> None:
    """CapacityUnitCalculations.html of the developer guide; the name counts as well."""
    assert item_size({"n": value}) == 1 + size


def test_an_item_takes_400_kb_and_not_a_byte_more(table: Table) -> None:
    """Constraints.html#limits-items: names and values together."""
    room = MAX_ITEM_BYTES - item_size(item("full", text={"S": ""}))
    table.put("full", text={"S": "x" * room})
    with refused("ValidationException", "Item size has exceeded the maximum allowed size"):
        table.put("full", text={"S": "x" * (room + 1)})
    with refused("ValidationException", "Item size has exceeded"):
        table.put("full", text={"S": "ä" * (room // 2 + 1)})


def test_what_an_update_makes_of_an_item_is_counted(table: Table) -> None:
    """API_UpdateItem.html: the whole item may be no larger afterwards either."""
    room = MAX_ITEM_BYTES - item_size(item("grown", text={"S": ""}))
    table.put("grown", text={"S": "x" * room})
    with refused("ValidationException", "Item size to update has exceeded"):
        table.call(
            "update_item",
            Key=key("grown"),
            UpdateExpression="SET more = :more",
            ExpressionAttributeValues={":more": {"S": ""}},
        )
    assert "more" not in table.get("grown")
    grow = {
        "Key": key("grown"),
        "UpdateExpression": "SET more = :more",
        "ExpressionAttributeValues": {":more": {"S": "x"}},
    }
    with refused("TransactionCanceledException") as answer:
        table.transact(("Put", {"Item": item("beside")}), ("Update", grow))
    reasons = answer["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
    assert "Item size to update has exceeded" in reasons[1]["Message"]
    assert table.get("beside") is None


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"pk": {"S": "x" * 2049}}, "Size of hashkey has exceeded the maximum size limit of2048"),
        ({"sk": {"S": "ä" * 513}}, "range keys has exceeded the size limit of 1024 bytes"),
        ({"pk": {"S": ""}}, "cannot contain an empty string value. Key: pk"),
        ({"sk": {"N": "1"}}, "Type mismatch for key sk expected: S actual: N"),
        ({"owner": {"S": ""}}, "IndexName: by_owner, IndexKey: owner"),
        ({"turn": {"S": "first"}}, "Type mismatch for Index Key turn Expected: N Actual: S"),
        ({"owner": {"S": "x" * 2049}}, "Size of secondary index key owner"),
    ],
)
def test_keys_have_a_type_and_a_length(table: Table, attributes: Any, words: str) -> None:
    """Constraints.html#limits-partition-sort-keys; HowItWorks.Indexes.html for indexes."""
    with refused("ValidationException", words):
        table.call("put_item", Item={**item("keys"), **attributes})


def test_longest_keys_are_taken(table: Table) -> None:
    longest = {"pk": {"S": "x" * 2048}, "sk": {"S": "ä" * 512}, "owner": {"S": "y" * 2048}}
    table.call("put_item", Item=longest)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"S": ""}, "secondary index key to a value that is not supported"),
        ({"N": "1"}, "secondary index key to unsupported type"),
        ({"S": "x" * 2049}, "secondary index key beyond allowed size limits"),
    ],
)
def test_updates_keep_index_keys_in_order(table: Table, value: Any, words: str) -> None:
    """API_TransactWriteItems.html of the API reference lists these words."""
    table.put("indexed", owner={"S": "alice"})
    change = {
        "Key": key("indexed"),
        "UpdateExpression": "SET #owner = :value",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":value": value},
    }
    with refused("ValidationException", words):
        table.call("update_item", **change)
    with refused("TransactionCanceledException", "[ValidationError]"):
        table.transact(("Update", change))
    assert table.get("indexed")["owner"] == {"S": "alice"}


def test_a_read_names_the_whole_key(table: Table) -> None:
    """API_GetItem.html: all attributes of the key, and no others."""
    for wrong in ({"pk": {"S": "a"}}, {**key("a"), "owner": {"S": "b"}}):
        with refused("ValidationException", "does not match the schema"):
            table.call("get_item", Key=wrong)


def test_nesting_ends_at_32_levels(table: Table) -> None:
    """Constraints.html#limits-attributes."""
    table.put("nested", deep=nested(32))
    with refused("ValidationException", "Nesting Levels have exceeded supported limits"):
        table.put("nested", deep=nested(33))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1" * 39, "more than 38 significant digits"),
        ("1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
        ("many", "cannot be converted to a numeric value: many"),
        ("NaN", "cannot be converted to a numeric value: NaN"),
        ("1_000", "cannot be converted to a numeric value: 1_000"),
    ],
)
def test_numbers_have_a_range_and_38_digits(table: Table, number: str, words: str) -> None:
    """HowItWorks.NamingRulesDataTypes.html."""
    for value in ({"N": number}, {"L": [{"N": number}]}, {"NS": [number]}):
        with refused("ValidationException", words):
            table.put("numbers", n=value)
    with refused("ValidationException", words):
        table.call(
            "update_item",
            Key=key("numbers"),
            UpdateExpression="SET n = :n",
            ExpressionAttributeValues={":n": {"N": number}},
        )


def test_largest_and_longest_numbers_are_taken(table: Table) -> None:
    for number in ("9" * 38 + "0" * 88, "-1e-130", "0" * 50, "1" * 38):
        table.put("numbers", n={"N": number})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"SS": []}, "An string set  may not be empty"),
        ({"M": {"in": {"NS": []}}}, "An number set  may not be empty"),
        ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates"),
        ({"NS": ["1", "1.0"]}, "contains duplicates"),
    ],
)
def test_sets_are_sets(table: Table, value: Any, words: str) -> None:
    """HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.SetTypes."""
    with refused("ValidationException", words):
        table.put("sets", s=value)


@pytest.mark.parametrize("where", ["value", "name", "key"])
def test_half_a_character_cannot_be_stored(table: Table, where: str) -> None:
    """HowItWorks.NamingRulesDataTypes.html: texts are encoded as UTF-8, which has no halves."""
    half = "\ud83d"
    attributes = {
        "value": item("half", s={"L": [{"S": half}]}),
        "name": item("half", **{half: {"S": "x"}}),
        "key": {**item("half"), "sk": {"S": half}},
    }[where]
    with refused("SerializationException"):
        table.call("put_item", Item=attributes)


UPDATE = {"Key": key("expressions"), "ExpressionAttributeValues": {":v": {"S": "x"}}}


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("update_item", {"UpdateExpression": "SET status = :v"}, "reserved keyword: status"),
        ("update_item", {"UpdateExpression": "SET a.#x = :v"}, "attribute name: #x"),
        ("update_item", {"UpdateExpression": "SET a = :w"}, "attribute value: :w"),
        ("update_item", {"UpdateExpression": "SET a = nonsense(:v)"}, "function: nonsense"),
        ("update_item", {"UpdateExpression": "SET a = size(:v)"}, "function: size"),
        (
            "update_item",
            {"UpdateExpression": "SET a = :v REMOVE a.b"},
            (
                "Two document paths overlap with each other; must remove or rewrite one of these "
                "paths; path one: [a], path two: [a, b]"
            ),
        ),
        (
            "update_item",
            {
                "UpdateExpression": "SET #a[1] = :v ADD a[1].b :v",
                "ExpressionAttributeNames": {"#a": "a"},
            },
            "path one: [a, [1]], path two: [a, [1], b]",
        ),
        ("update_item", {"UpdateExpression": "SET a = :v, a = :v"}, "overlap"),
        ("update_item", {"UpdateExpression": " "}, "can not be empty"),
        (
            "update_item",
            {"UpdateExpression": "SET a = :v", "ConditionExpression": "plan.Owner = :v"},
            "Invalid ConditionExpression: Attribute name is a reserved keyword",
        ),
        (
            "update_item",
            {"UpdateExpression": "SET a = :v", "ExpressionAttributeNames": {"#b": "b"}},
            "unused in expressions: keys: {#b}",
        ),
        ("update_item", {"UpdateExpression": "REMOVE a"}, "unused in expressions: keys: {:v}"),
        (
            "update_item",
            {"UpdateExpression": "SET a = :v", "ExpressionAttributeNames": {}},
            "ExpressionAttributeNames must not be empty",
        ),
        ("update_item", {}, "can only be specified when using expressions"),
        (
            "update_item",
            {"UpdateExpression": "SET " + "a" * 4093 + "=:v"},
            "Expression size has exceeded the maximum allowed size; expression size: 4100",
        ),
        (
            "update_item",
            {"UpdateExpression": "SET a = " + "+".join([":v"] * 302)},
            "too many operators",
        ),
        (
            "delete_item",
            {"ConditionExpression": f"a IN ({','.join([':v'] * 101)})"},
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        (
            "delete_item",
            {"ConditionExpression": " OR ".join(["a = :v"] * 151)},
            "too many operators",
        ),
    ],
)
def test_expressions_are_judged_before_items(
    table: Table, operation: str, parameters: dict[str, Any], words: str
) -> None:
    """Constraints.html#limits-expression-parameters, ReservedWords.html, Expressions.*.html."""
    with refused("ValidationException", words):
        table.call(operation, **{**UPDATE, **parameters})


def test_projections_are_judged_as_well(table: Table) -> None:
    for projection, words in (
        ("owner", "reserved keyword: owner"),
        ("a, a.b", "Two document paths overlap"),
        ("#none", "attribute name: #none"),
    ):
        with refused("ValidationException", "Invalid ProjectionExpression: "):
            table.call("get_item", Key=key("a"), ProjectionExpression=projection)
        with refused("ValidationException", words):
            table.call("get_item", Key=key("a"), ProjectionExpression=projection)


def test_expressions_at_the_limits_are_taken(table: Table) -> None:
    """299 operators, 100 operands; words that are operators or functions are not reserved."""
    table.put("limits", a={"N": "0"})
    operands = ",".join(["a"] * 100)
    for condition in (
        " OR ".join(["a < :v"] * 150),
        f"a between :v AND :v OR a IN ({operands}) OR (size(pk) > :v AND NOT contains(pk, :v))",
    ):
        table.call(
            "update_item",
            Key=key("limits"),
            UpdateExpression="SET a = a + :v, b = if_not_exists(z, :v)",
            ConditionExpression=condition,
            ExpressionAttributeValues={":v": {"N": "1"}},
        )
    assert table.get("limits")["a"] == {"N": "2"}


def test_global_indexes_know_no_consistent_read(table: Table) -> None:
    """HowItWorks.ReadConsistency.html."""
    query = {
        "IndexName": "by_owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": {"S": "alice"}},
    }
    table.call("query", **query)
    words = "Consistent reads are not supported on global secondary indexes"
    with refused("ValidationException", words):
        table.call("query", ConsistentRead=True, **query)
    with refused("ValidationException", words):
        table.call("scan", ConsistentRead=True, IndexName="by_owner")


def test_pages_end_after_a_megabyte_and_at_the_limit(table: Table) -> None:
    """Query.Pagination.html; the limit counts what was looked at, Query.html#Query.Limit."""
    for number in range(4):
        sort = {"sk": {"S": str(number)}}
        table.call("put_item", Item={"pk": {"S": "pages"}, **sort, "t": {"S": "x" * 300_000}})
    query = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "pages"}, ":none": {"S": "none"}},
        "FilterExpression": "t = :none",
    }
    page = table.call("query", **query)
    assert (page["Count"], page["ScannedCount"]) == (0, 3)
    assert page["LastEvaluatedKey"]["sk"] == {"S": "2"}
    page = table.call("query", Limit=1, **query)
    assert (page["Count"], page["ScannedCount"]) == (0, 1)
    assert page["LastEvaluatedKey"]["sk"] == {"S": "0"}
    with refused("ValidationException", "'limit' failed to satisfy constraint"):
        table.call("query", Limit=0, **query)


def test_transactions_take_100_actions_of_4_mb_on_different_items(table: Table) -> None:
    """Constraints.html#limits-dynamodb-transactions, transaction-apis.html."""
    puts = [("Put", {"Item": item(f"many-{number}")}) for number in range(101)]
    table.transact(*puts[:100])
    with refused("ValidationException", "less than or equal to 100"):
        table.transact(*puts)
    with refused("ValidationException", "cannot include multiple operations on one item"):
        table.transact(puts[0], ("Delete", {"Key": key("many-0")}))
    large = [("Put", {"Item": item(f"large-{n}", t={"S": "x" * 400_000})}) for n in range(11)]
    with refused("ValidationException", "cannot exceed 4 MB"):
        table.transact(*large)
    assert table.get("large-0") is None


def test_transactions_that_update_much_are_counted_by_the_items(table: Table) -> None:
    names = [f"wide-{number}" for number in range(11)]
    for name in names:
        table.put(name, t={"S": "x" * 400_000})
    change = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}
    with refused("ValidationException", "cannot exceed 4 MB"):
        table.transact(*[("Update", {"Key": key(name), **change}) for name in names])
    assert "a" not in table.get("wide-0")


def test_get_transactions_take_100(table: Table) -> None:
    """API_TransactGetItems.html."""
    gets = [{"Get": {"TableName": table.name, "Key": key(f"many-{n}")}} for n in range(101)]
    found = table.client.transact_get_items(TransactItems=gets[:100])
    assert len(found["Responses"]) == 100
    with refused("ValidationException"):
        table.client.transact_get_items(TransactItems=gets)


def test_what_is_refused_leaves_nothing_in_the_stream(table: Table) -> None:
    shard: Any = dynamodb_backends[ACCOUNT][REGION].tables[table.name].stream_shard
    table.put("streamed", owner={"S": "alice"})
    before = len(shard.items)
    with refused("ValidationException"):
        table.call(
            "update_item",
            Key=key("streamed"),
            UpdateExpression="SET turn = :t",
            ExpressionAttributeValues={":t": {"S": "late"}},
        )
    assert len(shard.items) == before
