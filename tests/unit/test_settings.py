"""The environment of each function: what is missing or empty is named in one line."""

from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.settings import (
    ApiFunctionSettings,
    CallbackFunctionSettings,
    StoreFunctionSettings,
    SweepFunctionSettings,
    WatchFunctionSettings,
    load,
)
from kie_gateway.wiring import api, callback, store, sweep, watch
from kie_gateway.wiring.clock import utc_now
from kie_gateway.wiring.ids import new_task_id
from kie_gateway.wiring.start import start

MODELS: list[Any] = [
    ApiFunctionSettings,
    SweepFunctionSettings,
    CallbackFunctionSettings,
    StoreFunctionSettings,
    WatchFunctionSettings,
]
FIELDS = {name: spec for model in MODELS for name, spec in model.model_fields.items()}
NUMBERS = {name for name, spec in FIELDS.items() if spec.annotation is int}
AMOUNTS = {name for name, spec in FIELDS.items() if spec.annotation is Decimal}
SWITCHES = {name for name, spec in FIELDS.items() if spec.annotation is bool}
MAY_BE_EMPTY = {
    *("public_base_url", "files_domain", "files_key_id", "files_key_secret_arn"),
    *("jwt_issuer", "jwt_audience", "allowed_origins", "webhook_hosts"),
    *("live_http_host", "live_realtime_url", "live_publish_url"),
}
ENVIRONMENT = {
    **{name.upper(): f"https://{name.replace('_', '-')}.test" for name in FIELDS},
    **{name.upper(): "7" for name in NUMBERS | AMOUNTS},
    **{name.upper(): "true" for name in SWITCHES},
    "RESULT_HOSTS": "*.kie.test",
    "WEBHOOK_HOSTS": "hooks.test:8443",
}
# What Lambda sets; without credentials, boto3 would ask the machine's metadata service for some.
LAMBDA = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
EACH = [(model, name) for model in MODELS for name in model.model_fields]


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_environment_is_read(model: Any) -> None:
    loaded = load(model, {**ENVIRONMENT, "AWS_REGION": "eu-central-1"})
    for name in model.model_fields:
        told = ENVIRONMENT[name.upper()]
        meant = int(told) if name in NUMBERS | AMOUNTS else True if name in SWITCHES else told
        assert getattr(loaded, name) == meant


@pytest.mark.parametrize(("model", "name"), EACH)
def test_a_missing_setting_is_named(model: Any, name: str) -> None:
    rest = {key: value for key, value in ENVIRONMENT.items() if key != name.upper()}
    with pytest.raises(ConfigurationError) as failure:
        load(model, rest)
    assert str(failure.value) == f"{model.__name__}: {name.upper()} is missing"


@pytest.mark.parametrize(("model", "name"), EACH)
def test_an_empty_setting_is_named_unless_it_may_be_empty(model: Any, name: str) -> None:
    environment = {**ENVIRONMENT, name.upper(): ""}
    if name in MAY_BE_EMPTY:
        assert getattr(load(model, environment), name) == ""
        return
    kinds = {
        **dict.fromkeys(NUMBERS, "int_parsing"),
        **dict.fromkeys(AMOUNTS, "decimal_parsing"),
        **dict.fromkeys(SWITCHES, "bool_parsing"),
    }
    kind = kinds.get(name, "string_too_short")
    with pytest.raises(ConfigurationError) as failure:
        load(model, environment)
    assert str(failure.value) == f"{model.__name__}: {name.upper()} is unusable ({kind})"


def test_every_wrong_setting_is_named_and_no_value_is_repeated() -> None:
    environment = {**ENVIRONMENT, "POLL_CAP_SECONDS": "soon-secret", "MAX_RESULT_BYTES": "1.5"}
    del environment["TABLE_NAME"]
    with pytest.raises(ConfigurationError) as failure:
        load(StoreFunctionSettings, environment)
    told = str(failure.value)
    for name in ("TABLE_NAME is missing", "POLL_CAP_SECONDS is unusable", "MAX_RESULT_BYTES is"):
        assert name in told
    assert "secret" not in told
    assert "\n" not in told
    assert failure.value.__suppress_context__


FUNCTIONS: list[Any] = [
    api.make,
    callback.make,
    sweep.make,
    store.make,
    watch.make,
]


@pytest.mark.parametrize("make", FUNCTIONS)
def test_a_function_without_its_settings_ends_with_one_line(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TABLE_NAME", "tasks")
    with pytest.raises(SystemExit) as end:
        start(make)
    told = str(end.value)
    assert told.startswith("configuration_error: ")
    assert "BUCKET_NAME is missing" in told
    assert "TABLE_NAME" not in told
    assert "\n" not in told


@pytest.mark.parametrize("make", FUNCTIONS[1:])
def test_a_function_with_wrong_result_hosts_ends_with_one_line(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRONMENT, **LAMBDA, "RESULT_HOSTS": "*.com"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=r"^configuration_error: .*'\*\.com'.*$"):
        start(make)


@pytest.mark.parametrize("make", FUNCTIONS)
def test_a_function_with_its_settings_starts_without_calling_anybody(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRONMENT, **LAMBDA}.items():
        monkeypatch.setenv(name, value)
    assert start(make).clients is not None


def test_tokens_without_an_audience_end_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, **LAMBDA, "JWT_AUDIENCE": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=r"^configuration_error: JWT_AUDIENCE is missing"):
        start(api.make)


def test_ids_are_new_every_time_and_times_have_whole_milliseconds() -> None:
    made = [new_task_id() for _ in range(100)]
    assert len(set(made)) == 100
    assert {len(task_id) for task_id in made} == {31}
    assert utc_now().microsecond % 1000 == 0
    assert utc_now().utcoffset() is not None
