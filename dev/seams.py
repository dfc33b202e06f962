"""
Every place where moto is bent, and why. All of it was written against moto 5.2.5.

`install` is done once per process and stays; the context managers are for tests.
"""

from __future__ import annotations

import copy
import functools
import importlib
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import moto.backends
import moto.dynamodb.models as dynamodb_models
from botocore.config import Config
from moto.cloudformation.models import Stack
from moto.cloudformation.parsing import get_model_map
from moto.core.common_models import CloudFormationModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.moto_api._internal.models import moto_api_backend
from moto.secretsmanager.models import secretsmanager_backends
from moto.settings import moto_server_port
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from dev import dynamodb_rules, event_bus, history, moto_speed, queue_rules, redrive, s3_links
from dev.credentials import ADMINISTRATOR, access_key_of
from dev.records import Key, touched_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Where the local cloud stands unless it is told another; see settings.py.
REGION = "us-east-1"
ACCOUNT = DEFAULT_ACCOUNT_ID

# As moto has them; kept here so that installing twice does not wrap what is wrapped.
moto_parse = AmazonStateLanguageParser.parse
moto_list_of_moto_modules = moto.backends.list_of_moto_modules
moto_parse_template = Stack.parse_template
moto_transact_write_items = DynamoDBBackend.transact_write_items


def install() -> None:
    """Put every permanent seam in; doing so twice changes nothing."""
    _transactions_touch_items_only()
    dynamodb_rules.install()
    queue_rules.install()
    event_bus.install()
    history.install()
    redrive.install()
    _waits_follow_the_clock()
    _interpreter_keeps_its_clients()
    nothing_is_read_twice()
    s3_links.install()
    cast("dict[str, Any]", get_model_map())["AWS::SecretsManager::Secret"] = _Secret


# --- DynamoDB ---------------------------------------------------------------------------------


def _transactions_touch_items_only() -> None:
    """
    Let a failed transaction restore the items it touched, and nothing else.

    moto copies whole tables before each transaction (slower with every item) and puts the copies
    back when it fails (undoing what other requests wrote meanwhile). Here its own code runs, so
    that errors keep their shape, but without its copies; ours are of the named items. The caller
    holds the lock of moto_server.py, so nobody sees the half-done state.
    """
    vars(dynamodb_models)["copy"] = SimpleNamespace(copy=copy.copy, deepcopy=_deepcopy)
    setattr(DynamoDBBackend, "transact_write_items", transact_write_items)  # noqa: B010


def _deepcopy(thing: Any) -> Any:
    return thing if isinstance(thing, Table) else copy.deepcopy(thing)


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Do moto's transaction; when it fails, put the touched items back."""
    keys = touched_keys("TransactWriteItems", {"TransactItems": transact_items}, backend.tables)
    before = [(key, _item(backend, key)) for key in keys]
    shards = {
        name: len(shard.items)
        for name in {key.table for key in keys}
        if (shard := backend.tables[name].stream_shard) is not None
    }
    try:
        moto_transact_write_items(backend, transact_items)
    except Exception:
        for key, item in before:
            _put_back(backend.tables[key.table], key, item)
        for name, length in shards.items():
            del backend.tables[name].stream_shard.items[length:]  # type: ignore[union-attr]  # it was there before
        raise


def _item(backend: DynamoDBBackend, key: Key) -> Any:
    return copy.deepcopy(backend.tables[key.table].get_item(key.hash, key.range))


def _put_back(table: Table, key: Key, item: Any) -> None:
    rows: Any
    if key.range is None:
        rows, name = table.items, key.hash
    else:
        rows, name = table.items[key.hash], key.range
    if item is None:
        rows.pop(name, None)
    else:
        rows[name] = item


# --- Step Functions ---------------------------------------------------------------------------


def _waits_follow_the_clock() -> None:
    """
    Let a Wait last until its moment.

    moto compares the UTC timestamp with the local time of day (wrong outside UTC), cuts to whole
    seconds (early by up to one) and rounds what it has slept.
    """
    setattr(Timestamp, "_get_wait_seconds", _seconds_until)  # noqa: B010
    setattr(WaitFunction, "_wait_interval", _wait_interval)  # noqa: B010


def _seconds_until(wait: Timestamp, env: Any) -> float:
    wait.string.eval(env=env)
    text = env.stack.pop()
    if wait._from_timestamp_string(timestamp=text) is None:  # noqa: SLF001 - moto's own check
        from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (  # noqa: PLC0415 - imports half of the interpreter
            FailureEventException,
        )

        raise FailureEventException(wait._create_failure_event(env, text))  # noqa: SLF001
    moment = datetime.fromisoformat(text)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _wait_interval(wait: WaitFunction, env: Any, wait_seconds: float) -> None:  # noqa: ARG001 - moto's signature
    end = time.monotonic() + wait_seconds
    while (left := end - time.monotonic()) > 0 and env.is_running():
        # The event is also set when the execution is stopped, hence the second condition.
        env.program_state_event.wait(left)


@contextmanager
def waits(recorder: Callable[[float], None]) -> Iterator[None]:
    """
    Let Wait states call `recorder` with the seconds they would wait, in place of waiting.

    The recorder is called in the execution's own thread, which bears the execution's name, so it
    may block: a test decides with it when the execution goes on.
    """

    def wait_interval(wait: WaitFunction, env: Any, wait_seconds: float) -> None:  # noqa: ARG001
        execution = env.states.context_object.context_object_data["Execution"]
        threading.current_thread().name = execution["Name"]
        recorder(wait_seconds)

    previous = WaitFunction._wait_interval  # noqa: SLF001
    setattr(WaitFunction, "_wait_interval", wait_interval)  # noqa: B010
    try:
        yield
    finally:
        setattr(WaitFunction, "_wait_interval", previous)  # noqa: B010


@contextmanager
def retry_pauses(recorder: Callable[[float], None]) -> Iterator[None]:
    """Let Retry call `recorder` with the seconds it would pause, in place of pausing."""
    previous = vars(retrier_decl)["time"]
    vars(retrier_decl)["time"] = SimpleNamespace(sleep=recorder)
    try:
        yield
    finally:
        vars(retrier_decl)["time"] = previous


def switch_interpreter(*, on: bool) -> None:
    """Switch moto's state machine interpreter; while off, executions stand still."""
    config: Any = {"stepfunctions": {"execute_state_machine": on}}
    moto_api_backend.set_config(config)


def stop_executions() -> None:
    """End what is running, or it would wake up in the next cloud of this process."""
    for execution in running_executions():
        # One that has only just begun has no environment yet; it finds nothing to work on.
        if execution.exec_worker.env is not None:
            execution.stop(stop_date=datetime.now(UTC), error=None, cause=None)


def running_executions() -> Iterator[Any]:
    """Return the interpreter's executions that have not ended, wherever they run."""
    for backend in list(stepfunctions_parser_backends[ACCOUNT].values()):
        for machine in backend.state_machines:
            executions: list[Any] = list(machine.executions)
            yield from (one for one in executions if one.status == "RUNNING")


_CLIENT_USERS = (
    "lambda_eval_utils",
    "service.state_task_service_aws_sdk",
    "service.state_task_service_dynamodb",
    "service.state_task_service_sns",
    "service.state_task_service_sqs",
)
_clients_lock = threading.Lock()


def _interpreter_keeps_its_clients() -> None:
    """
    Let the interpreter's tasks share clients.

    moto makes a client for each state entered, from boto3's default session and in the execution's
    own thread: 20 ms each, and unsafe when two do so at once.
    """
    folder = "moto.stepfunctions.parser.asl.component.state.exec.state_task."
    for name in _CLIENT_USERS:
        vars(importlib.import_module(folder + name))["boto_client_for"] = _client_for


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    key = access_key_of(state_credentials.role_arn) if state_credentials else ADMINISTRATOR
    with _clients_lock:
        return _shared_client(service, region, moto_server_port(), key)


@functools.cache
def _shared_client(service: str, region: str, port: str, key: str) -> Any:
    # As moto's own, but for a pool as large as the number of executions that may run at once.
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        read_timeout=99_999,
        max_pool_connections=200,
    )
    return cast("Any", boto3).client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key,
        aws_secret_access_key="local",  # noqa: S106 - moto takes any
        config=config,
    )


# --- Speed ------------------------------------------------------------------------------------


def nothing_is_read_twice() -> None:
    """
    Let moto remember what never changes.

    It parses the definition anew for each execution (30 ms; what is parsed keeps no state of its
    own, for that stands in the execution's environment), and lists its own folder for each request.
    Templates in JSON, as ours comes here, it reads as YAML, which takes 300 ms.
    """
    parse = functools.cache(moto_parse)
    setattr(AmazonStateLanguageParser, "parse", staticmethod(parse))  # noqa: B010
    modules = tuple(moto_list_of_moto_modules())
    vars(moto.backends)["list_of_moto_modules"] = lambda: modules
    setattr(Stack, "parse_template", staticmethod(_parse_template))  # noqa: B010
    moto_speed.install()


def _parse_template(template: str) -> dict[str, Any]:
    is_json = template.startswith("{")
    parsed: dict[str, Any] = json.loads(template) if is_json else moto_parse_template(template)
    return parsed


# --- CloudFormation ---------------------------------------------------------------------------


class _Secret(CloudFormationModel):
    """AWS::SecretsManager::Secret, which moto's CloudFormation does not know."""

    # cloud.py sets it, so that the state folder keeps the values.
    generate: Callable[[str, int], str]

    def __init__(self, arn: str) -> None:
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> _Secret:
        properties = cloudformation_json["Properties"]
        value = properties.get("SecretString") or cls._generated(properties, kwargs["LogicalId"])
        backend = secretsmanager_backends[account_id][region_name]
        backend.create_secret(
            resource_name,
            secret_string=value,
            secret_binary=None,
            description=properties.get("Description"),
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(backend.secrets[resource_name].arn)

    @classmethod
    def _generated(cls, properties: dict[str, Any], logical_id: str) -> str:
        length = properties.get("GenerateSecretString", {}).get("PasswordLength", 32)
        return cls.generate(logical_id, length)


def generate_secrets_with(generate: Callable[[str, int], str]) -> None:
    """Say who gives a generated secret its value, from its logical id and length."""
    _Secret.generate = staticmethod(generate)
