"""The template holds what the functions need, and grants no more."""

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from kie_gateway import settings
from kie_gateway.core.callers.realtime_token import grant_of, write_token
from kie_gateway.core.files.retention import RULE_DAYS
from kie_gateway.core.live.channels import NAMESPACE
from sam_template.template import Template

ROOT = Path(__file__).parents[2]
TEMPLATE = Template()
DOCUMENT: dict[str, Any] = TEMPLATE.document
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]
FUNCTIONS = {
    name: one["Properties"]
    for name, one in RESOURCES.items()
    if one["Type"] == "AWS::Serverless::Function"
}
SETTINGS: dict[str, type[BaseModel]] = {
    "ApiFunction": settings.ApiFunctionSettings,
    "SweepFunction": settings.SweepFunctionSettings,
    "CallbackFunction": settings.CallbackFunctionSettings,
    "DeliverFunction": settings.DeliverFunctionSettings,
    "EventsFunction": settings.EventsFunctionSettings,
    "RealtimeAuthorizerFunction": settings.RealtimeAuthorizerFunctionSettings,
    "StoreFunction": settings.StoreFunctionSettings,
    "ThumbnailFunction": settings.ThumbnailFunctionSettings,
    "WatchFunction": settings.WatchFunctionSettings,
}
LONGEST_API_SECONDS = 30


def resources(kind: str) -> dict[str, Any]:
    return {name: one for name, one in RESOURCES.items() if one["Type"] == kind}


def statements(function: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for policy in FUNCTIONS[function].get("Policies", []):
        # One with a condition stands before nothing at all.
        found += [one["Fn::If"][1] if "Fn::If" in one else one for one in policy["Statement"]]
    return found


def actions(function: str) -> set[str]:
    found: set[str] = set()
    for statement in statements(function):
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_every_function_has_settings() -> None:
    assert FUNCTIONS.keys() == SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_functions_environment_is_its_settings(name: str) -> None:
    given = set(FUNCTIONS[name]["Environment"]["Variables"])
    assert given == {field.upper() for field in SETTINGS[name].model_fields}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_functions_code_and_log_group_are_there(name: str) -> None:
    code = ROOT / FUNCTIONS[name]["CodeUri"] / "app.py"
    spec = importlib.util.spec_from_file_location("app", code)
    assert spec is not None
    assert "def lambda_handler(" in code.read_text()
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert RESOURCES[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_functions_run_on_arm_with_python_and_both_layers() -> None:
    common = DOCUMENT["Globals"]["Function"]
    assert (common["Runtime"], common["Architectures"]) == ("python3.13", ["arm64"])
    assert [layer["Ref"] for layer in common["Layers"]] == ["DepsLayer", "GatewayLayer"]
    assert common["Handler"] == "app.lambda_handler"


def test_timeouts_fit_each_other() -> None:
    assert 25 < FUNCTIONS["ApiFunction"]["Timeout"] <= LONGEST_API_SECONDS
    assert FUNCTIONS["CallbackFunction"]["Timeout"] < 15
    assert FUNCTIONS["ThumbnailFunction"]["Timeout"] < FUNCTIONS["ApiFunction"]["Timeout"]
    queue = RESOURCES["StoreQueue"]["Properties"]
    assert queue["VisibilityTimeout"] > FUNCTIONS["StoreFunction"]["Timeout"]


@pytest.mark.parametrize("name", SETTINGS)
def test_no_function_may_do_everything(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert statement["Resource"] != "*"
    for action in actions(name):
        assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), action


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("CallbackFunction", {"s3:GetObject", "dynamodb:DeleteItem", "states:StopExecution"}),
        ("StoreFunction", {"states:DescribeExecution", "dynamodb:DeleteItem"}),
        ("WatchFunction", {"states:StartExecution", "dynamodb:DeleteItem", "sqs:SendMessage"}),
        ("SweepFunction", {"s3:PutObjectTagging", "dynamodb:Scan", "dynamodb:DeleteTable"}),
        ("EventsFunction", {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "sqs:ReceiveMessage"}),
        ("DeliverFunction", {"dynamodb:Query", "dynamodb:DeleteItem", "sqs:SendMessage"}),
        ("ThumbnailFunction", {"dynamodb:GetItem", "secretsmanager:GetSecretValue"}),
        ("RealtimeAuthorizerFunction", {"dynamodb:GetItem", "appsync:EventPublish"}),
        ("ApiFunction", {"s3:PutObjectTagging", "dynamodb:Scan", "dynamodb:DeleteTable"}),
    ],
)
def test_functions_lack_what_is_not_theirs(name: str, forbidden: set[str]) -> None:
    assert not actions(name) & forbidden


@pytest.mark.parametrize("name", ["StoreFunction", "WatchFunction"])
def test_whoever_copies_may_look_at_results_and_at_nothing_else(name: str) -> None:
    """
    A file is written over only as the very version that was seen.

    That takes s3:GetObject beside s3:PutObject (S3 user guide, "How to prevent object overwrites
    with conditional writes"). It reads inputs for the children that it creates; raw webhooks and
    answers are none of its business.
    """
    [writing] = [one for one in statements(name) if "s3:PutObjectTagging" in one["Action"]]
    assert "s3:GetObject" in writing["Action"]
    reading = [one for one in statements(name) if "s3:GetObject" in one["Action"]]
    shown = str([one["Resource"] for one in reading])
    assert "/outputs/*" in shown
    assert "/previews/*" in shown
    assert "/webhooks/" not in shown
    assert "/answers/" not in shown


def test_the_table_is_kept_backed_up_and_indexed() -> None:
    table = RESOURCES["TaskTable"]
    properties = table["Properties"]
    assert table["UpdateReplacePolicy"] == "Retain"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["TimeToLiveSpecification"]["AttributeName"] == "ttl"
    assert "StreamSpecification" in properties
    indexes = {index["IndexName"] for index in properties["GlobalSecondaryIndexes"]}
    of_tasks = {"by_owner", "by_upstream", "by_attention"}
    assert indexes == of_tasks | {"by_submit_turn", "by_release", "by_sweep"}
    drawn = (ROOT / "docs" / "table.md").read_text()
    assert [name for name in indexes if f"| `{name}` |" not in drawn] == []


def test_the_bucket_is_private_encrypted_and_tls_only() -> None:
    bucket = RESOURCES["AssetBucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]
    statement = RESOURCES["AssetBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_anybody_may_read_with_a_link_and_the_named_origins_may_upload() -> None:
    rules = RESOURCES["AssetBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    origins = {
        method: rule["AllowedOrigins"] for rule in rules for method in rule["AllowedMethods"]
    }
    assert origins == {"GET": ["*"], "HEAD": ["*"], "POST": {"Ref": "AllowedOrigins"}}


def test_every_retention_has_its_rule() -> None:
    rules = RESOURCES["AssetBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    by_tag = {
        rule["TagFilters"][0]["Value"]: rule["ExpirationInDays"]
        for rule in rules
        if "TagFilters" in rule
    }
    assert {int(tag): days for tag, days in by_tag.items() if tag != "default"} == {
        days: days for days in RULE_DAYS
    }
    assert "default" in by_tag
    prefixes = {rule["Prefix"] for rule in rules if "Prefix" in rule}
    assert {"uploads/", "thumbnails/", "webhooks/", "answers/"} <= prefixes


def test_refused_work_goes_aside_and_rings_a_bell() -> None:
    redrive = RESOURCES["StoreQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] >= 3
    assert "StoreDeadLetterQueue" in RESOURCES
    [event] = FUNCTIONS["StoreFunction"]["Events"].values()
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    metrics = {
        alarm["Properties"]["MetricName"] for alarm in resources("AWS::CloudWatch::Alarm").values()
    }
    assert {"ExecutionsFailed", "ApproximateNumberOfMessagesVisible", "Errors"} <= metrics


def test_a_low_balance_at_kie_rings_a_bell() -> None:
    alarm = RESOURCES["UpstreamCreditsLowAlarm"]
    properties = alarm["Properties"]
    told = re.findall(r'gauge\("(\w+)"', (ROOT / "functions/sweep/app.py").read_text())
    assert [properties["MetricName"]] == told
    variables = DOCUMENT["Globals"]["Function"]["Environment"]["Variables"]
    assert properties["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
    [dimension] = properties["Dimensions"]
    assert dimension == {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    assert properties["Threshold"] == {"Ref": "UpstreamCreditsAlarm"}
    assert properties["ComparisonOperator"] == "LessThanThreshold"
    [clock] = FUNCTIONS["SweepFunction"]["Events"].values()
    every = re.fullmatch(r"rate\((\d+) minutes\)", clock["Properties"]["Schedule"])
    assert every is not None
    # Each period of the alarm has a reading.
    assert int(every[1]) * 60 < properties["Period"]


def test_parameters_are_those_of_the_contract_with_defaults() -> None:
    parameters = DOCUMENT["Parameters"]
    contract = {
        *("KieBaseUrl", "KieUploadBaseUrl", "ResultHosts", "FirstPollSeconds", "PollCapSeconds"),
        *("DeadlineSeconds", "AssetRetentionDays", "MaxResultBytes", "PublicBaseUrl"),
        "AlarmEmail",
    }
    assert contract <= parameters.keys()
    assert [name for name, one in parameters.items() if "Default" not in one] == ["KieSecret"]
    assert all(one["Description"] for one in parameters.values())
    # A hidden parameter is asked for again at each deploy, and overwrites what was rotated.
    assert not [name for name, one in parameters.items() if one.get("NoEcho")]


def test_without_live_updates_nothing_of_them_is_there() -> None:
    assert DOCUMENT["Parameters"]["LiveUpdates"]["Default"] == "false"
    theirs = {name for name in RESOURCES if name.startswith(("Live", "Realtime"))}
    assert len(theirs) == 5
    assert {RESOURCES[name]["Condition"] for name in theirs} == {"HasLiveUpdates"}


def test_browsers_follow_and_functions_publish() -> None:
    config = RESOURCES["LiveApi"]["Properties"]["EventConfig"]
    modes = ("ConnectionAuthModes", "DefaultSubscribeAuthModes", "DefaultPublishAuthModes")
    assert [[one["AuthType"] for one in config[name]] for name in modes] == (
        [["AWS_LAMBDA"], ["AWS_LAMBDA"], ["AWS_IAM"]]
    )
    [provider] = [one for one in config["AuthProviders"] if one["AuthType"] == "AWS_LAMBDA"]
    authorizer = provider["LambdaAuthorizerConfig"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    channels = RESOURCES["LiveChannels"]["Properties"]
    assert channels["Name"] == NAMESPACE
    assert not {"SubscribeAuthModes", "PublishAuthModes"} & channels.keys()


def test_a_token_gets_as_far_as_the_authorizer() -> None:
    providers = RESOURCES["LiveApi"]["Properties"]["EventConfig"]["AuthProviders"]
    pattern = providers[0]["LambdaAuthorizerConfig"]["IdentityValidationExpression"]
    everything = grant_of("0" * 32, None, datetime(2026, 12, 1, tzinfo=UTC))
    assert re.search(pattern, write_token(everything, b"key"))
    assert not re.search(pattern, "kg_local_dev")


def test_outputs_name_what_operators_need() -> None:
    outputs = set(DOCUMENT["Outputs"])
    assert {"ApiUrl", "CallbackUrl", "BucketName", "TableName", "WatchMachineArn"} <= outputs


def test_the_access_log_leaves_paths_out() -> None:
    log = RESOURCES["HttpApi"]["Properties"]["AccessLogSettings"]["Format"]
    assert "$context.path" not in log
    assert "routeKey" in log
