"""
Who gets into whose way in the local DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
(transaction conflict handling: a request is refused for one that is *ongoing*).
"""

from contextlib import ExitStack

from moto.dynamodb.models.dynamo_type import DynamoType

from dev.dynamodb_conflicts import InFlight
from dev.records import Key

WRITE = "TransactWriteItems"
ACCOUNT = [Key("tasks", DynamoType({"S": "account#alice"}), None)]


def test_who_was_refused_is_in_nobodys_way() -> None:
    """Many who tried again kept each other out: each lost against another that had lost."""
    in_flight = InFlight()
    with ExitStack() as losers:
        with in_flight.arrival(WRITE, ACCOUNT):
            assert not in_flight.clashing()
            losers.enter_context(in_flight.arrival(WRITE, ACCOUNT))
            assert in_flight.clashing() == set(ACCOUNT)
        with in_flight.arrival(WRITE, ACCOUNT):
            assert not in_flight.clashing()
