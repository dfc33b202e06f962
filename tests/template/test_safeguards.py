"""What the template does against loss, spending, and deployments that do not come through."""

import re
from pathlib import Path
from typing import Any

import pytest

from kie_gateway.flows.files.copy_result import CACHE_CONTROL
from sam_template import parameters
from sam_template.parameters import ParameterError
from sam_template.template import Template

ROOT = Path(__file__).parents[2]
TEMPLATE = Template()
RESOURCES: dict[str, Any] = TEMPLATE.document["Resources"]
PEM = "-----BEGIN PUBLIC KEY-----,MIIB+/ab,wIDAQAB,-----END PUBLIC KEY-----"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:files-AbCdEf"


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


# --- loss -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["TaskTable", "AssetBucket"])
def test_data_outlives_the_stack_but_not_a_first_deployment_that_failed(name: str) -> None:
    """An empty table and bucket used to stay behind after each failed attempt."""
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_protection_against_deletion_does_not_keep_a_failed_deployment_from_being_cleared() -> None:
    """A protected table cannot be deleted by anybody, CloudFormation's way back included."""
    assert "DeletionProtectionEnabled" not in properties("TaskTable")


def test_files_can_be_had_back_for_a_day_and_no_longer() -> None:
    """
    S3 counts from the following midnight, so a deleted file is gone within two days.

    repost.aws/questions/QUvjf44qlYSMmQLyRUtTrevg has an example with dates. Delete markers that
    hide nothing any more go, too: AWS's page on LifecycleExpiration.
    """
    bucket = properties("AssetBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = [r for r in bucket["LifecycleConfiguration"]["Rules"] if "deleted" in r["Id"]]
    assert rules == [
        {
            "Id": "deleted-stays-deleted",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "ExpiredObjectDeleteMarker": True,
        }
    ]


# --- spending -------------------------------------------------------------------------------------


def test_a_new_gateway_has_limits() -> None:
    """A key that got into the wrong hands used to spend without any."""
    defaults: dict[str, Any] = {n: one.get("Default") for n, one in TEMPLATE.parameters.items()}
    # A page that reads ten tasks a second, and two batches of a hundred, stay below them.
    assert 600 <= defaults["RequestsPerMinute"] <= 6000
    assert 200 <= defaults["TasksAtOnce"] <= 1000
    api = properties("HttpApi")
    assert api["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "RequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "RequestsBurst"},
    }


def test_callers_webhooks_and_permalinks_do_not_keep_each_other_out() -> None:
    """Each route that is named has a bucket of its own."""
    [callback] = [one.key for one in TEMPLATE.routes() if one.function == "CallbackFunction"]
    [permalink] = [one.key for one in TEMPLATE.routes() if one.path.startswith("/files/")]
    assert set(properties("HttpApi")["RouteSettings"]) == {callback, permalink}


def test_pages_of_every_origin_read_permalinks_and_the_function_knows_who_else_may_call() -> None:
    """
    One CORS configuration holds for all routes, whatever a function says.

    docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """
    assert properties("HttpApi")["CorsConfiguration"]["AllowOrigins"] == ["*"]
    variables = properties("ApiFunction")["Environment"]["Variables"]
    assert variables["ALLOWED_ORIGINS"] == {"Fn::Join": [",", {"Ref": "AllowedOrigins"}]}


def test_concurrency_is_reserved_for_webhooks_only_where_it_is_asked_for() -> None:
    """
    A new account runs 10 functions at once, and reserving any of them fails its deployment.

    100 must remain unreserved: docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html.
    """
    assert TEMPLATE.parameters["CallbackConcurrency"]["Default"] == 0
    assert properties("CallbackFunction")["ReservedConcurrentExecutions"] == {
        "Fn::If": [
            "HasCallbackConcurrency",
            {"Ref": "CallbackConcurrency"},
            {"Ref": "AWS::NoValue"},
        ]
    }
    [event] = properties("StoreFunction")["Events"].values()
    assert event["Properties"]["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "CopiesAtOnce"}}


# --- CloudFront -----------------------------------------------------------------------------------


def test_cloudfront_keeps_files() -> None:
    """
    Files that say "private" are kept only under a minimum above 0.

    docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicyConfig.html.
    """
    policy = properties("FilesCaching")["CachePolicyConfig"]
    assert "private" not in CACHE_CONTROL or policy["MinTTL"] >= 3600
    assert policy["MinTTL"] <= policy["DefaultTTL"] <= policy["MaxTTL"]


def test_two_keys_are_good_at_the_same_time() -> None:
    """So that links signed with yesterday's key open until they end."""
    [a, b] = properties("FilesKeyGroup")["KeyGroupConfig"]["Items"]
    assert a == {"Fn::If": ["HasFilesKeyA", {"Ref": "FilesKeyA"}, {"Ref": "AWS::NoValue"}]}
    assert b == {"Fn::If": ["HasFilesKeyB", {"Ref": "FilesKeyB"}, {"Ref": "AWS::NoValue"}]}
    references = [
        properties(name)["PublicKeyConfig"]["CallerReference"]
        for name in ("FilesKeyA", "FilesKeyB")
    ]
    assert all("${Start}" in one["Fn::Sub"][0] for one in references)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("FilesKeyA", ("PublicKeyConfig", "Name")),
        ("FilesKeyB", ("PublicKeyConfig", "Name")),
        ("FilesKeyGroup", ("KeyGroupConfig", "Name")),
        ("FilesAccess", ("OriginAccessControlConfig", "Name")),
        ("FilesCaching", ("CachePolicyConfig", "Name")),
    ],
)
def test_names_of_two_regions_do_not_meet(name: str, path: tuple[str, str]) -> None:
    """CloudFront has one namespace for the whole account; a stack's id is its own."""
    text = properties(name)[path[0]][path[1]]["Fn::Sub"]
    assert text[0].startswith("${AWS::StackName}-${Unique}")
    assert "AWS::StackId" in str(text[1])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, None),
        ({"CloudFrontKeyA": PEM}, None),
        (
            {
                "CloudFrontKeyA": PEM,
                "CloudFrontSigningKey": "A",
                "CloudFrontKeySecretArn": SECRET,
            },
            None,
        ),
        ({"CloudFrontKeyA": PEM, "CloudFrontSigningKey": "A"}, "needs CloudFrontKeySecretArn"),
        ({"CloudFrontKeySecretArn": SECRET}, "needs CloudFrontSigningKey"),
        (
            {
                "CloudFrontKeyA": PEM,
                "CloudFrontSigningKey": "B",
                "CloudFrontKeySecretArn": SECRET,
            },
            "needs CloudFrontKeyB",
        ),
        ({"CloudFrontKeyB": "MIIB"}, "commas between its lines"),
    ],
)
def test_half_a_cloudfront_is_refused(given: dict[str, str], problem: str | None) -> None:
    """Before anything is deployed; it used to fail in the middle, at an IAM policy for nothing."""
    if problem is None:
        assert parameters.resolve_all(TEMPLATE, given)["KieSecret"]
    else:
        with pytest.raises(ParameterError, match=problem):
            parameters.resolve_all(TEMPLATE, given)


# --- everywhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["template.yaml", "statemachine/watch_task.asl.json"])
def test_names_hold_in_every_partition(path: str) -> None:
    """In China and GovCloud, ARNs begin otherwise."""
    assert not re.findall(r"arn:aws:\S*", (ROOT / path).read_text())
