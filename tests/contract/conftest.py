"""AWS as moto plays it under DynamoDB's own rules, with the resources of template.yaml."""

import os
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from dev import dynamodb_rules
from dev.dials import Dials
from sam_template.template import Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PARTS = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
_numbers = count()


@pytest.fixture(scope="module")
def aws() -> Iterator[boto3.session.Session]:
    dynamodb_rules.install()
    dynamodb_rules.govern(Dials())
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    with patch.dict(os.environ, dict.fromkeys(names, "testing")), mock_aws():
        yield boto3.session.Session(region_name="us-east-1")


@pytest.fixture(scope="module")
def dynamodb(aws: boto3.session.Session) -> "DynamoDBClient":
    return aws.client("dynamodb")


@pytest.fixture(scope="session")
def described() -> dict[str, Any]:
    """The template's table."""
    return Template().of_type("AWS::DynamoDB::Table")["TaskTable"]


@pytest.fixture
def table_name(dynamodb: "DynamoDBClient", described: dict[str, Any]) -> str:
    """A table of its own for each test, with the template's keys and indexes."""
    name = f"tasks-{next(_numbers)}"
    dynamodb.create_table(TableName=name, **{part: described[part] for part in _PARTS})
    return name
