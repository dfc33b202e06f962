"""The template's functions, loaded into this process as if each had one of its own."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest

from dev.cloud import LocalCloud
from kie_gateway import observability
from kie_gateway.flows.submitting.submit_task import SubmitTask
from kie_gateway.kie.http import KieHttp
from kie_gateway.wiring import clock, kie, submitting
from tests.functional.agenda import Agenda
from tests.functional.parts import parts_of

FUNCTIONS = (
    "ApiFunction",
    "SweepFunction",
    "CallbackFunction",
    "RealtimeAuthorizerFunction",
    "StoreFunction",
    "WatchFunction",
)
# These tell the world outside; most tests do without.
OUTGOING = ("EventsFunction", "DeliverFunction")

# What Lambda reports of a process that ended in the middle.
ProcessEnded = type("Runtime.ExitError", (Exception,), {})


class Killed(BaseException):
    """Ends a handler on the spot, as the end of its process would; nothing may catch it."""


@dataclass
class Calls:
    """
    What the functions have asked for.

    Attributes:
        aws: Function and operation, such as `("ApiFunction", "PutItem")`.
        kie: Function and last part of the path, such as `("WatchFunction", "recordInfo")`.
        copies: Result files that were put into the bucket, again or for the first time.
    """

    aws: list[tuple[str, str]] = field(default_factory=list)
    kie: list[tuple[str, str]] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    def clear(self) -> None:
        for kind in (self.aws, self.kie, self.copies):
            kind.clear()

    def note_aws(self, function: str, event_name: str, request: Any, **_: object) -> None:
        """Listen to botocore's `before-send`."""
        operation = event_name.rpartition(".")[2]
        self.aws.append((function, operation))
        if operation == "PutObject" and "/outputs/" in request.url:
            self.copies.append(request.url.rpartition("/outputs/")[2])


class Functions:
    """
    Handlers for a local cloud; each reads its environment and the world's clock.

    Attributes:
        lines: Their lines to Kie.ai, by logical id.
    """

    def __init__(self, agenda: Agenda, names: tuple[str, ...] = FUNCTIONS) -> None:
        self.calls = Calls()
        self._names = names
        self.lines: dict[str, KieConnection] = {}
        self._agenda = agenda
        self._apps: dict[str, ModuleType] = {}

    def handlers(self) -> dict[str, Callable[[Any, Any], Any]]:
        """Give handlers that may be called once the functions are loaded."""
        return {name: partial(self._handle, name) for name in self._names}

    def app(self, name: str) -> Any:
        """Give the module of a function."""
        return self._apps[name]

    def gateway(self, name: str) -> Any:
        """Give the collaborators of a function."""
        return self.app(name).gateway

    def load(
        self,
        cloud: LocalCloud,
        patch: pytest.MonkeyPatch,
        sleeps: Mapping[str, Callable[[float], None]],
    ) -> None:
        """
        Import every function, each under the environment that the cloud gives it.

        Args:
            sleeps: How functions sleep, for those that do not sleep like the others.
        """
        patch.setattr(clock, "utc_now", self._agenda.now)
        # Metrics are one set for each process, which these six would share.
        no_metrics = SimpleNamespace(log_metrics=lambda handler: handler, add_metric=lambda **_: 0)
        patch.setattr(observability, "metrics", no_metrics)
        patch.setitem(KieHttp.__init__.__kwdefaults__ or {}, "sleep", lambda _: None)
        for name in self._names:
            with pytest.MonkeyPatch.context() as own:
                own.setattr(clock, "sleep", sleeps.get(name, self._agenda.sleep_from_now))
                self._apps[name] = self._import(name, cloud)
            for part in parts_of(self.gateway(name)):
                if isinstance(part, SubmitTask):
                    # Refused creations are spread at random; here by half a window after 2 s.
                    patch.setitem(vars(part), "spread", lambda: 0.5)
            for client in vars(self.gateway(name).clients).values():
                if hasattr(client, "meta"):
                    client.meta.events.register("before-send", partial(self.calls.note_aws, name))

    def forget_times(self) -> None:
        """Forget what was read of the models' times."""
        for app in self._apps.values():
            if hasattr(app.gateway, "times"):
                app.gateway.times.memory.clear()

    def close(self) -> None:
        for line in self.lines.values():
            line.close()

    def _import(self, name: str, cloud: LocalCloud) -> ModuleType:
        code = cloud.stack.functions[name].code_folder / "app.py"
        spec = importlib.util.spec_from_file_location(f"functions_of_the_world_{name}", code)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        self.lines[name] = KieConnection(
            self._agenda, lambda path: self.calls.kie.append((name, path.rpartition("/")[2]))
        )
        client = partial(httpx.Client, transport=self.lines[name])
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, spec.name, module)
            for module_of_wiring in (kie, submitting):
                patch.setattr(module_of_wiring, "httpx", SimpleNamespace(Client=client))
            for variable, value in cloud.environment(name).items():
                patch.setenv(variable, value)
            spec.loader.exec_module(module)
        return module

    def _handle(self, name: str, event: Any, context: Any) -> Any:
        try:
            return self._apps[name].lambda_handler(event, context)
        except Killed as killed:
            raise ProcessEnded(str(killed)) from None


class KieConnection(httpx.HTTPTransport):
    """
    The line to Kie.ai: tells of calls, and loses patience by the world's clock.

    Attributes:
        delays: Seconds that an answer takes, by the last part of the path.
    """

    # How long those who are asking right now would wait.
    patience: ClassVar[list[float]] = []

    def __init__(self, agenda: Agenda, note: Callable[[str], None]) -> None:
        super().__init__()
        self.delays: dict[str, float] = {}
        self._agenda = agenda
        self._note = note

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._note(request.url.path)
        patience, asked_at = request.extensions["timeout"]["read"], self._agenda.time()
        self._agenda.sleep_from_now(
            min(self.delays.get(request.url.path.rpartition("/")[2], 0), patience)
        )
        self.patience.append(patience)
        try:
            response = super().handle_request(request)
        finally:
            self.patience.remove(patience)
        if self._agenda.time() - asked_at >= patience:
            response.close()
            raise httpx.ReadTimeout("", request=request)
        return response


def dies_before(act: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """Let whoever does something die before doing it, the first times."""
    return _dying(act, times, before=True)


def dies_after(act: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """Let whoever does something die right after it, the first times."""
    return _dying(act, times, before=False)


def _dying(act: Callable[..., Any], times: int, *, before: bool) -> Callable[..., Any]:
    lives = [None] * times

    def dying(*arguments: Any, **named: Any) -> Any:
        if not lives:
            return act(*arguments, **named)
        lives.pop()
        if not before:
            act(*arguments, **named)
        raise Killed(f"{'before' if before else 'after'} {act}")

    return dying
