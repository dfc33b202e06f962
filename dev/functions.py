"""What a Lambda function is to the rest of the local cloud, and one that runs in this process."""

from __future__ import annotations

import json
import time
import traceback
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

type Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class FunctionSpec:
    """
    A function as the stack resolved it.

    Attributes:
        logical_id: Its name in the template, such as `ApiFunction`.
        name: Its physical name.
        import_folders: What its layers add to the import path.
        environment: Its own variables, exactly those of the template.

    """

    logical_id: str
    name: str
    arn: str
    handler: str
    code_folder: Path
    import_folders: tuple[Path, ...]
    timeout_seconds: float
    memory_mb: int
    environment: Mapping[str, str]

    @property
    def label(self) -> str:
        """Its short name in log lines."""
        return self.logical_id.removesuffix("Function").lower() or self.logical_id


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: JSON, and whether it is an answer or an error."""

    payload: bytes
    failed: bool = False

    def value(self) -> Any:
        return json.loads(self.payload or b"null")


# As Lambda counts answers, a hundred bytes more than requests:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html says 6 MB of both.
MAX_ANSWER_BYTES = 6_291_556


def bounded(outcome: Outcome) -> Outcome:
    """Put Lambda's error in the place of an answer that is too large."""
    if len(outcome.payload) <= MAX_ANSWER_BYTES:
        return outcome
    words = (
        f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)."
    )
    error = {"errorMessage": words, "errorType": "Function.ResponseSizeTooLarge"}
    return Outcome(json.dumps(error).encode(), failed=True)


def timed_out(request_id: str, seconds: float) -> Outcome:
    """Return the result of a function whose time was over before it had answered."""
    words = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return failure("Sandbox.Timedout", words)


def failure(error_type: str, message: str, trace: list[str] | None = None) -> Outcome:
    """Describe an error the way Lambda does."""
    body = {"errorMessage": message, "errorType": error_type, "stackTrace": trace or []}
    return Outcome(json.dumps(body).encode(), failed=True)


class Function(Protocol):
    """Something that can be invoked; nothing is known of where it runs."""

    spec: FunctionSpec

    def submit(self, payload: bytes, *, patient: bool = False) -> Future[Outcome]:
        """Invoke it; a patient caller waits for news anyway, and lets others go first."""
        ...

    def processes(self) -> list[dict[str, Any]]: ...

    def stop(self) -> None: ...


@dataclass
class LocalContext:
    """The context argument of a handler that runs in this process; `clock` tells its time."""

    spec: FunctionSpec
    clock: Callable[[], float] = time.time
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def function_name(self) -> str:
        return self.spec.name

    @property
    def function_version(self) -> str:
        return "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        return self.spec.arn

    @property
    def memory_limit_in_mb(self) -> str:
        return str(self.spec.memory_mb)

    def get_remaining_time_in_millis(self) -> int:
        left = self.spec.timeout_seconds - (self.clock() - self.started)
        return max(int(left * 1000), 0)

    @property
    def overdue(self) -> bool:
        return self.clock() - self.started > self.spec.timeout_seconds


class InProcessFunction:
    """
    A function whose handler is called in a thread of this process, as tests like it.

    A thread cannot be ended; one that takes longer than the function's time has its answer taken
    away, as on AWS, but what it has done is done.
    """

    def __init__(
        self, spec: FunctionSpec, handler: Handler, clock: Callable[[], float] = time.time
    ) -> None:
        self.spec = spec
        self._handler = handler
        self._clock = clock
        self._threads = ThreadPoolExecutor(32, thread_name_prefix=spec.label)

    def submit(self, payload: bytes, *, patient: bool = False) -> Future[Outcome]:
        del patient
        return self._threads.submit(self._invoke, payload)

    def processes(self) -> list[dict[str, Any]]:
        return []

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _invoke(self, payload: bytes) -> Outcome:
        context = LocalContext(self.spec, self._clock)
        outcome = self._handle(payload, context)
        if context.overdue:
            return timed_out(context.aws_request_id, self.spec.timeout_seconds)
        return bounded(outcome)

    def _handle(self, payload: bytes, context: LocalContext) -> Outcome:
        try:
            answer = self._handler(json.loads(payload), context)
            return Outcome(json.dumps(answer).encode())
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises is Lambda's answer
            trace = traceback.format_tb(exc.__traceback__)
            return failure(type(exc).__name__, str(exc), trace)
