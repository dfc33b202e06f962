"""The local cloud: one context manager that starts everything and ends it again."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from moto.dynamodb.models import dynamodb_backends
from moto.moto_api._internal.models import moto_api_backend

from dev import dynamodb_rules, event_bus, queue_rules, seams, stack
from dev.appsync_events import EventApis, in_plain
from dev.credentials import ADMINISTRATOR, access_key_of
from dev.dials import Dials
from dev.environment import environment_of_process
from dev.expiry import Expiry
from dev.front import Front
from dev.functions import InProcessFunction
from dev.gate import Gate
from dev.gateway import HttpApi
from dev.logs import Log
from dev.moto_server import MotoServer
from dev.persistence import Persistence, open_tasks
from dev.pool import WorkerPool, describe
from dev.principals import bucket_policies, principals
from dev.reload import watch
from dev.s3_credentials import Secret
from dev.schedules import Clock
from dev.source_rules import missing_rights
from dev.sources import Sources
from dev.state import State, rfc3339
from dev.template_rules import StackError
from dev.workers import lambda_environment
from sam_template import parameters
from sam_template.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from concurrent.futures import Future

    from dev.functions import Function, FunctionSpec, Handler, Outcome

# A key of a role, as functions have; the files of the person's own account must not even be
# looked at.
_AWS = {
    "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


class InvocationError(Exception):
    """A function that failed; carries Lambda's description of the error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('errorType')}: {error.get('errorMessage')}")
        self.error = error


class LocalCloud:
    """
    The template's stack on this machine, with its functions, queues, executions and HTTP API.

    moto keeps its state in globals, so there can be one at a time in a process.

    Args:
        template: The template; this repository's unless a test brings its own.
        values: Parameters that take the place of the template's defaults.
        kie_keys: What the secret with Kie.ai's keys holds, such as `{"api_key": "..."}`.
        state_folder: Where items and objects survive; None keeps them in memory only.
        functions: Handlers that run in this process, by logical id. All others run as processes,
            started when first needed.
        front: The HTTP server, already bound; None makes one on a free port.
        public_url: The address put into events; the front's own when None.
        prewarm: Start one process ahead of time of each function, or of those that are named.
        reload: Replace processes when their code changes.
        poll_queues: Feed functions from queues and streams, invoke them on schedule, remove items
            whose time to live is over. Tests that do not want this say themselves when, by
            `sources.pump_stream`, `sources.pump_queue` and `expiry.remove_expired`.
        region: Where the stack stands.
        dials: How late and how busy it is; they may be turned while it runs.
        clock: The time that lags, tokens, time-outs and hidden messages are counted by, in unix
            seconds.

    """

    def __init__(
        self,
        template: Template | None = None,
        values: Mapping[str, str] | None = None,
        *,
        kie_keys: Mapping[str, str] | None = None,
        state_folder: Path | None = None,
        functions: Mapping[str, Handler] | None = None,
        front: Front | None = None,
        public_url: str | None = None,
        log: Log | None = None,
        prewarm: bool | Container[str] = False,
        reload: bool = False,
        poll_queues: bool = True,
        region: str = seams.REGION,
        dials: Dials | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.region = region
        self.dials = dials or Dials()
        self.clock = clock
        self._aws = {**_AWS, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        self.template = template or Template()
        self.values = parameters.resolve_all(self.template, values or {})
        self._kie_keys = dict(kie_keys or {})
        self.log = log or Log()
        self.functions: dict[str, Function] = {}
        self._handlers = dict(functions or {})
        self._state_folder = state_folder
        self._front = front
        self._public_url = public_url
        self._prewarm = prewarm
        self._reload = reload
        self._poll_queues = poll_queues
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    # what is running

    @property
    def resources(self) -> dict[str, str]:
        """Physical ids by logical id."""
        return self.stack.resources

    @property
    def url(self) -> str:
        """Where the HTTP API answers on this machine."""
        return self.front.url

    @property
    def access(self) -> dict[str, str]:
        """Return the environment in which commands for AWS reach this cloud."""
        names = (
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        )
        told = {name: self._aws[name] for name in names}
        return {"AWS_ENDPOINT_URL": self.aws.url, **told, "STACK": stack.STACK_NAME}

    @property
    def files(self) -> Path:
        """Where stored objects lie, below the logical ids of their buckets."""
        return self._state.files

    def client(self, service: str) -> Any:
        """Make a boto3 client of the local cloud."""
        # By itself, botocore still signs links in the old way in the oldest regions.
        version = "s3v4" if service == "s3" else "v4"
        config = Config(
            retries={"total_max_attempts": 2}, max_pool_connections=32, signature_version=version
        )
        # Clients are safe to share between threads; making them is not.
        with self._session_lock:
            return self._session.client(service, endpoint_url=self.aws.url, config=config)

    def environment(self, function: str) -> dict[str, str]:
        """Return a function's whole environment, as its process has it."""
        key = access_key_of(self.stack.roles[function])
        aws = {**self._aws, "AWS_ACCESS_KEY_ID": key, **self._endpoints()}
        return in_plain(lambda_environment(self.stack.functions[function], aws))

    def invoke(self, function: str, event: Any) -> Any:
        """
        Invoke a function by its logical id and wait.

        Raises:
            InvocationError: It failed.

        """
        outcome = self._submit(function, json.dumps(event).encode()).result()
        if outcome.failed:
            raise InvocationError(outcome.value())
        return outcome.value()

    @contextmanager
    def serving(self, function: str, handler: Handler) -> Iterator[None]:
        """Run a function in this process for a while."""
        before = self.functions[function]
        here = InProcessFunction(before.spec, handler, self.clock)
        self.functions[function] = here
        try:
            yield
        finally:
            self.functions[function] = before
            here.stop()

    # starting, in the order in which things need each other

    def _start(self) -> None:
        seams.install()
        self._exit.callback(reset_moto)
        folder = self._exit.enter_context(tempfile.TemporaryDirectory(prefix="dev-tls-"))
        self.aws = MotoServer(self._invoke_by_name, self._secret, Path(folder))
        self.aws.gate = self._gate()
        queue_rules.govern(self.clock)
        self.events = event_bus.govern(self.dials, self.clock)
        self._exit.callback(self.aws.stop)
        self.aws.start()
        self._exit.enter_context(environment_of_process({**self._aws, **self._own_environment()}))
        self._session: Any = boto3.Session()
        self._session_lock = threading.Lock()
        self._open_state()
        self._make_kie_secret()
        self.event_apis = self._exit.enter_context(
            EventApis(self.region, self._invoke_by_name, self.aws, self._secret, self.clock)
        )
        self.stack = stack.create(self.template, self.values, self.client)
        self._close_gate()
        self.event_apis.use_permissions(self.stack)
        self._restore()
        self._make_sources()
        self._start_functions()
        self._start_front()
        self._start_feeding()
        self._start_clocks()
        self._watch_again()

    def _gate(self) -> Gate:
        law = dynamodb_rules.govern(self.dials, self.clock)
        backends = dynamodb_backends[seams.ACCOUNT]
        place = f"{self.region}:{seams.ACCOUNT}"
        return Gate(place, law, lambda: backends[self.region].tables)

    def _close_gate(self) -> None:
        """From here on, everybody needs a key and may do what their role may."""
        self.aws.gate.bucket_policies = bucket_policies(self.stack, self.client("s3"))
        self.aws.gate.principals = principals(self.stack, self.client)

    def _secret(self, access_key: str) -> Secret | None:
        """Find what belongs to an access key; all have the same, so that only the id tells."""
        if access_key != ADMINISTRATOR and access_key not in (self.aws.gate.principals or {}):
            return None
        return Secret(_AWS["AWS_SECRET_ACCESS_KEY"], _AWS["AWS_SESSION_TOKEN"])

    def _own_environment(self) -> dict[str, str]:
        return {"MOTO_PORT": str(self.aws.port), **self._endpoints()}

    def _endpoints(self) -> dict[str, str]:
        """Return where AWS answers; S3 over TLS, or botocore would send files in another way."""
        return {
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ENDPOINT_URL_S3": self.aws.s3_url,
            "AWS_CA_BUNDLE": str(self.aws.trust),
        }

    def _open_state(self) -> None:
        folder = self._state_folder
        if folder is None:
            folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="dev-")))
        self._state = State(folder)
        self._exit.callback(self._state.close)
        seams.generate_secrets_with(self._state.secret)

    def _make_kie_secret(self) -> None:
        """Make the secret that a deployer has before there is a stack."""
        if parameters.KIE_SECRET in self.values:
            made = self.client("secretsmanager").create_secret(
                Name=f"{stack.STACK_NAME}/kie", SecretString=json.dumps(self._kie_keys)
            )
            self.values[parameters.KIE_SECRET] = made["ARN"]

    def _restore(self) -> None:
        persistence = Persistence(self._state, self.stack, self.region)
        self._restored = persistence.restore()
        if self._state_folder is not None:
            self.aws.recorder = persistence

    def _start_functions(self) -> None:
        for name, spec in self.stack.functions.items():
            self.functions[name] = self._function(name, spec)
        self._exit.callback(self._stop_functions)
        if self._reload:
            self._exit.callback(watch(self.template.folder, self.functions, self.log).set)

    def _stop_functions(self) -> None:
        for function in self.functions.values():
            function.stop()

    def _function(self, name: str, spec: FunctionSpec) -> Function:
        if name in self._handlers:
            return InProcessFunction(spec, self._handlers[name], self.clock)
        pool = WorkerPool(spec, self.environment(name), self.log)
        wanted = self._prewarm if isinstance(self._prewarm, bool) else name in self._prewarm
        if wanted:
            pool.prewarm()
        return pool

    def _start_front(self) -> None:
        self.front = self._front or Front(0, self.log)
        api = HttpApi(
            self.template.routes(),
            self.template.cors(self.values),
            self.functions,
            self._public_url or self.front.url,
            allowed=self.stack.permissions.api_allows,
        )
        self.front.serve(api, lambda: describe(self.functions), self.dials, self.events)
        self._exit.callback(self.front.stop)

    def _make_sources(self) -> None:
        """Refuse mappings as Lambda does when their functions' roles may not read or tell."""
        keys, known = self.stack.roles.items(), self.aws.gate.principals or {}
        roles = {name: known[access_key_of(role)] for name, role in keys}
        if refused := list(missing_rights(self.stack, roles)):
            raise StackError("\n".join(refused))
        self.sources = Sources(
            self.stack,
            self._submit,
            self.client("sqs"),
            changes=self.aws.gate.law.changes,
            state=self._state,
            log=self.log,
            dials=self.dials,
            clock=self.clock,
        )
        self.events.targets = self.sources.take_event
        self.expiry = Expiry(self.aws, self.stack.expiring, self.clock)

    def _start_feeding(self) -> None:
        if self._poll_queues:
            self.sources.start_polling()
            self._exit.callback(self.sources.stop)
            self.expiry.start()
            self._exit.callback(self.expiry.stop)

    def _start_clocks(self) -> None:
        for schedule in self.template.schedules() if self._poll_queues else ():
            if not self.stack.permissions.schedule_allows(schedule.function, schedule.name):
                self.log.line("clock", f"{schedule.name} may not invoke {schedule.function}")
                continue
            submit = partial(self._submit, schedule.function)
            clock = Clock(schedule, submit, self.log, self.region)
            self._exit.callback(clock.stop)

    def _watch_again(self) -> None:
        """Start an execution for each task that was open when the last run ended."""
        machine = next(iter(self.stack.machines.values()), None)
        client, now = self.client("stepfunctions"), datetime.now(UTC)
        for task_id in open_tasks(self._restored) if machine else ():
            client.start_execution(
                stateMachineArn=machine,
                name=f"{task_id}-r{int(time.time())}",
                input=json.dumps({"task_id": task_id, "wait_until": rfc3339(now)}),
            )

    def _submit(self, function: str, payload: bytes) -> Future[Outcome]:
        return self.functions[function].submit(payload)

    def _invoke_by_name(self, name: str, payload: bytes) -> Outcome:
        by_name = {spec.name: logical_id for logical_id, spec in self.stack.functions.items()}
        return self._submit(by_name[name], payload).result()


def reset_moto() -> None:
    """Leave nothing of this cloud in moto's globals for the next one."""
    seams.stop_executions()
    seams.switch_interpreter(on=False)
    queue_rules.govern()
    moto_api_backend.reset()
