"""Functions and the state machine may do what their roles in the template allow, and no more."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from dev.credentials import access_key_of
from dev.policies import PolicyError, allowed, statements_of
from tests.dev.support import call

if TYPE_CHECKING:
    from dev.cloud import LocalCloud

KEY = {"pk": {"S": "a"}, "sk": {"S": "x"}}


def aws(cloud: LocalCloud, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Let the echo function make a call of AWS."""
    answer = call(cloud.url, f"/call/{service}/{operation}", "POST", json.dumps(parameters))
    found: dict[str, Any] = answer.json()
    return found


def test_a_function_calls_with_a_key_of_its_own(cloud: LocalCloud) -> None:
    """Roles' temporary keys begin with ASIA: reference_identifiers.html of IAM's guide."""
    keys = {name: cloud.environment(name)["AWS_ACCESS_KEY_ID"] for name in cloud.functions}
    assert len(set(keys.values())) == len(keys) > 1
    assert all(key.startswith("ASIA") and len(key) == 20 for key in keys.values())
    assert keys["EchoFunction"] == access_key_of(cloud.stack.roles["EchoFunction"])


def test_what_a_role_allows_is_done(cloud: LocalCloud) -> None:
    """Tables, queues, secrets, executions and objects, each as the template names it."""
    names = cloud.resources
    for done in (
        aws(cloud, "dynamodb", "put_item", TableName=names["Table"], Item=KEY),
        aws(cloud, "sqs", "send_message", QueueUrl=names["Queue"], MessageBody='{"name": "iam"}'),
        aws(cloud, "secretsmanager", "get_secret_value", SecretId=names["Generated"]),
        aws(cloud, "s3", "put_object", Bucket=names["Bucket"], Key="mine/a", Body="text"),
        aws(cloud, "s3", "get_object", Bucket=names["Bucket"], Key="mine/a"),
        aws(
            cloud,
            "stepfunctions",
            "start_execution",
            stateMachineArn=names["Machine"],
            name="by-echo",
            input='{"wait_until": "2026-01-01T00:00:00Z", "task_id": "none"}',
        ),
        aws(
            cloud,
            "dynamodb",
            "transact_write_items",
            TransactItems=[{"Put": {"TableName": names["Table"], "Item": KEY}}],
        ),
    ):
        assert done == {"code": None}


def test_what_a_role_does_not_allow_is_refused(cloud: LocalCloud) -> None:
    """JSON services: AccessDeniedException, 400, as CommonErrors.html of each names it."""
    names = cloud.resources
    table = {"TableName": names["Table"]}
    update = {"Key": KEY, "UpdateExpression": "REMOVE a"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("dynamodb", "update_item", {**table, **update}),
        ("dynamodb", "scan", table),
        ("dynamodb", "delete_item", {**table, "Key": KEY}),
        ("dynamodb", "query", {**table, "IndexName": "any", "KeyConditionExpression": "pk = :pk"}),
        (
            "dynamodb",
            "transact_write_items",
            {"TransactItems": [{"Put": {**table, "Item": KEY}}, {"Update": {**table, **update}}]},
        ),
        (
            "dynamodb",
            "transact_write_items",
            {
                "TransactItems": [
                    {"ConditionCheck": {**table, "Key": KEY, "ConditionExpression": "pk = sk"}}
                ]
            },
        ),
        ("sqs", "receive_message", {"QueueUrl": names["Queue"]}),
        ("sqs", "send_message", {"QueueUrl": names["DeadLetters"], "MessageBody": "x"}),
        ("secretsmanager", "get_secret_value", {"SecretId": names["Given"]}),
        ("stepfunctions", "describe_state_machine", {"stateMachineArn": names["Machine"]}),
    ]
    for service, operation, parameters in calls:
        answer = aws(cloud, service, operation, **parameters)
        assert (answer["code"], answer["http"]) == ("AccessDeniedException", 400), operation
        assert "is not authorized to perform: " in answer["words"]
        assert "EchoFunction" in answer["words"]


def test_lambda_and_s3_refuse_with_403(cloud: LocalCloud) -> None:
    """API_Invoke.html and ErrorResponses.html of S3."""
    names = cloud.resources
    answer = aws(cloud, "lambda", "invoke", FunctionName=names["StepsFunction"])
    assert (answer["code"], answer["http"]) == ("AccessDeniedException", 403)
    for operation, parameters in (
        ("put_object", {"Key": "theirs/a", "Body": "text"}),
        ("put_object", {"Key": "mine/a", "Tagging": "a=b"}),
        ("get_object", {"Key": "theirs/a"}),
        ("delete_object", {"Key": "mine/a"}),
        ("list_objects_v2", {}),
        ("copy_object", {"Key": "mine/b", "CopySource": f"{names['Bucket']}/theirs/a"}),
    ):
        answer = aws(cloud, "s3", operation, Bucket=names["Bucket"], **parameters)
        assert (answer["code"], answer["http"]) == ("AccessDenied", 403), operation


def test_whoever_may_not_list_is_not_told_that_an_object_is_missing(cloud: LocalCloud) -> None:
    """API_GetObject.html: 404 with s3:ListBucket, 403 without."""
    missing = {"Bucket": cloud.resources["Bucket"], "Key": "mine/none"}
    assert aws(cloud, "s3", "get_object", **missing)["code"] == "AccessDenied"
    assert aws(cloud, "s3", "head_object", **missing)["http"] == 403
    with pytest.raises(cloud.client("s3").exceptions.NoSuchKey):
        cloud.client("s3").get_object(**missing)


def test_links_act_with_the_rights_of_whoever_signed_them(cloud: LocalCloud) -> None:
    """ShareObjectPreSignedURL.html of S3's guide."""
    s3, bucket = cloud.client("s3"), cloud.resources["Bucket"]
    for key in ("mine/linked", "theirs/linked"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"linked")

    def link(operation: str, key: str) -> str:
        body = json.dumps({"Bucket": bucket, "Key": key})
        return str(call(cloud.url, f"/link/{operation}", "POST", body).body.decode().strip('"'))

    with urllib.request.urlopen(link("get_object", "mine/linked")) as answer:
        assert answer.read() == b"linked"
    for operation, key in (("get_object", "theirs/linked"), ("delete_object", "mine/linked")):
        method = "GET" if operation.startswith("get") else "DELETE"
        request = urllib.request.Request(link(operation, key), method=method)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as refused:
            assert refused.status == 403
            assert b"<Code>AccessDenied</Code>" in refused.read()


def test_nobody_calls_without_a_known_key(cloud: LocalCloud) -> None:
    """CommonErrors.html: UnrecognizedClientException; ErrorResponses.html: InvalidAccessKeyId."""
    cloud.client("dynamodb")

    def stranger(service: str) -> Any:
        return cloud._session.client(
            service,
            endpoint_url=cloud.aws.url,
            aws_access_key_id="ASIANOBODY",
            aws_secret_access_key="local",
        )

    with pytest.raises(Exception, match="UnrecognizedClientException"):
        stranger("dynamodb").get_item(TableName=cloud.resources["Table"], Key=KEY)
    with pytest.raises(Exception, match="InvalidAccessKeyId"):
        stranger("s3").list_objects_v2(Bucket=cloud.resources["Bucket"])
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{cloud.aws.url}/{cloud.resources['Bucket']}/mine/a")
    with caught.value as refused:
        assert refused.status == 403


def statement(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **parts}


@pytest.mark.parametrize(
    ("statements", "may"),
    [
        ([], False),
        ([statement()], True),
        ([statement(Action="S3:get*")], True),
        ([statement(Action=["s3:PutObject"])], False),
        ([statement(Resource="arn:aws:s3:::b/outputs/*")], True),
        ([statement(Resource="arn:aws:s3:::b/Outputs/*")], False),
        ([statement(Resource="arn:aws:s3:::b/outputs/?")], True),
        ([statement(), statement(Effect="Deny", Resource="*/1")], False),
        ([statement(NotResource="arn:aws:s3:::b/inputs/*", Resource="*")], True),
        (
            [
                statement(),
                statement(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}),
            ],
            True,
        ),
        ([statement(Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}})], False),
    ],
)
def test_statements_decide_as_iam_does(statements: list[dict[str, Any]], may: bool) -> None:
    """reference_policies_evaluation-logic.html of IAM's guide."""
    found = statements_of({"Statement": statements})
    assert allowed(found, "s3:GetObject", "arn:aws:s3:::b/outputs/1") is may


def test_conditions_that_would_not_be_enforced_are_named() -> None:
    document = {"Statement": [statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]}
    with pytest.raises(PolicyError, match="IpAddress"):
        statements_of(document)
