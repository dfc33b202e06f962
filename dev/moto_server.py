"""AWS on a loopback port: moto's application behind what it lacks, in this process."""

from __future__ import annotations

import io
import json
import logging
import threading
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)

from dev.s3_front import S3Front
from dev.s3_request import is_for_s3
from dev.s3_tls import EitherServer, make_certificate
from dev.service_rules import Refusal
from dev.wsgi_handler import KeepAliveHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dev.changes import Fresh
    from dev.functions import Outcome
    from dev.gate import Gate
    from dev.records import Key
    from dev.s3_credentials import Secrets

_INVOKE = "/2015-03-31/functions/"

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]


class Recorder(Protocol):
    """Who is told of what moto has been asked to keep; see state.py."""

    def aws_call(self, service: str, action: str, body: bytes, fresh: Fresh | None) -> bool: ...

    def items_changed(self, keys: Iterable[Key], fresh: Fresh | None) -> None: ...

    def s3_call(self, environ: Environ, body: bytes) -> None: ...

    def flush(self) -> None: ...


class MotoServer:
    """
    The AWS endpoint of the functions.

    In front of moto stand the invocation of our own functions and one lock for each service whose
    backend is not safe to use from two threads: DynamoDB (a transaction must not be seen half
    done), SQS (a deletion rebuilds the list that a sending appends to) and Step Functions (two
    starts under one name must not both win), and a stricter S3.

    Args:
        secrets: Finds what belongs to an access key.
        folder: Where the certificate is put, for as long as this runs.

    Attributes:
        s3_url: The same port over TLS, as functions speak to S3.
        trust: The file with what vouches for it.

    """

    def __init__(
        self, invoke: Callable[[str, bytes], Outcome], secrets: Secrets, folder: Path
    ) -> None:
        self._invoke = invoke
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._locks = {
            service: threading.Lock() for service in ("DynamoDB", "AmazonSQS", "AWSStepFunctions")
        }
        self.recorder: Recorder | None = None
        # cloud.py sets it before anything is created.
        self.gate: Gate
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._s3 = S3Front(self._rest_call, secrets, DEFAULT_ACCOUNT_ID)
        self.trust, tls = make_certificate(folder)
        self._server = EitherServer(self, KeepAliveHandler, tls)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.s3_url = f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def lock(self, service: str) -> AbstractContextManager[Any]:
        """Return the lock of a service, named as in `X-Amz-Target`."""
        return self._locks.get(service) or nullcontext()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(_INVOKE) and path.endswith("/invocations"):
            return self._invocation(environ, start_response)
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            return self._json_call(target, environ, start_response)
        if is_for_s3(environ):
            return self._s3(environ, start_response)
        return self._rest_call(environ, start_response)

    def _json_call(
        self, target: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        service, _, action = target.partition(".")
        service = service.partition("_")[0]
        body = _read_body(environ)
        refused = self.gate.refuse_json(service, action, body, environ)
        if refused is not None:
            return refused.answer(environ, start_response)
        if action == "ReceiveMessage" and json.loads(body).get("WaitTimeSeconds"):
            # A long poll would keep senders out for its whole length.
            answer = _Answer(self._moto, environ)
            with self.lock(service):
                kept = self._kept(service, action, body, None)
            self.settle(None, kept=kept)
            return answer.send(start_response)
        with self.gate.arrival(service, action, body), self.lock(service):
            answer = _Answer(self._moto, environ)
            fresh = self.gate.law.changes.take() if service == "DynamoDB" else None
            kept = answer.ok and self._kept(service, action, body, fresh)
        self.settle(fresh, kept=kept)
        return answer.send(start_response)

    def settle(self, fresh: Fresh | None, *, kept: bool) -> None:
        """Make what a call has changed safe, outside the lock, and let streams tell of it then."""
        try:
            if kept and self.recorder is not None:
                # Many wait for one commit.
                self.recorder.flush()
        finally:
            if fresh is not None:
                self.gate.law.changes.publish(fresh)

    def _kept(self, service: str, action: str, body: bytes, fresh: Fresh | None) -> bool:
        recorder = self.recorder
        return recorder is not None and recorder.aws_call(service, action, body, fresh)

    def _rest_call(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # Bodies of uploads are read by moto; only the small ones of POST say what they are about.
        body = _read_body(environ) if environ["REQUEST_METHOD"] == "POST" else b""
        refused = self.gate.refuse_rest(environ, body)
        if refused is not None:
            return refused.answer(environ, start_response)
        if self.gate.hides_absence(environ):
            return self._hiding(environ, start_response)
        if self.recorder is None or environ["REQUEST_METHOD"] in {"GET", "HEAD", "OPTIONS"}:
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        answer = _Answer(self._moto, environ)
        if answer.ok:
            self.recorder.s3_call(environ, body)
            self.recorder.flush()
        return answer.send(start_response)

    def _hiding(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a read for somebody who may not know which objects there are."""
        answer = _Answer(self._moto, environ)
        if answer.is_missing:
            return Refusal(403, "AccessDenied", "Access Denied", xml=True).answer(
                environ, start_response
            )
        return answer.send(start_response)

    def _invocation(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer Lambda's Invoke, which moto's interpreter calls as any other client does."""
        path = environ["PATH_INFO"].removeprefix(_INVOKE).removesuffix("/invocations")
        name = _function_name(unquote(path))
        payload = _read_body(environ) or b"{}"
        refused = self.gate.refuse_invocation(name, payload, environ)
        if refused is not None:
            return refused.answer(environ, start_response)
        try:
            outcome = self._invoke(name, payload)
        except KeyError:
            return _unknown_function(name, start_response)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(outcome.payload))),
            ("X-Amz-Executed-Version", "$LATEST"),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        if outcome.failed:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        start_response("200 OK", headers)
        return [outcome.payload]


class _Answer:
    """An application's whole answer, held back until what it did has been recorded."""

    def __init__(self, application: Any, environ: Environ) -> None:
        self._start: tuple[Any, ...] = ()
        self._body = b"".join(application(environ, self._remember))

    @property
    def ok(self) -> bool:
        return str(self._start[0]).startswith("2")

    @property
    def is_missing(self) -> bool:
        return str(self._start[0]).startswith("404")

    def send(self, start_response: StartResponse) -> list[bytes]:
        start_response(*self._start)
        return [self._body]

    def _remember(self, *start: Any) -> None:
        self._start = start


def _read_body(environ: Environ) -> bytes:
    stream = environ["wsgi.input"]
    if not environ.get("wsgi.input_terminated"):
        stream = io.BytesIO(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
    body: bytes = stream.read()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _function_name(name_or_arn: str) -> str:
    """Read the name from a name, an ARN, or either with a version behind it."""
    parts = name_or_arn.split(":")
    return parts[6] if name_or_arn.startswith("arn:") else parts[0]


def _unknown_function(name: str, start_response: StartResponse) -> list[bytes]:
    body = json.dumps({"Type": "User", "Message": f"Function not found: {name}"}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", "ResourceNotFoundException"),
    ]
    start_response("404 Not Found", headers)
    return [body]
