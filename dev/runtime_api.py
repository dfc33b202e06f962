"""The Runtime API of one function process: hands invocations out, takes answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dev.functions import Outcome
from dev.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from dev.workers import Invocation

_PREFIX = "/2018-06-01/runtime"


class Runtime(Protocol):
    """The process's side of the conversation."""

    def next(self) -> Invocation | None: ...

    def finish(self, outcome: Outcome) -> None: ...

    def init_failed(self, outcome: Outcome) -> None: ...


class RuntimeApi(LoopbackServer):
    """
    One listener per process, on a free port.

    AWS's runtime client accepts nothing but host:port, so a shared listener could not tell
    which process is asking.
    """

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(0, _RuntimeApiHandler)
        self.runtime = runtime


class _RuntimeApiHandler(LoopbackHandler):
    server: RuntimeApi

    def do_GET(self) -> None:  # noqa: N802 - the name http.server looks for
        invocation = self.server.runtime.next()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(200, invocation.payload, invocation.headers())

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        what = self.path.removeprefix(_PREFIX)
        if what == "/init/error":
            self.server.runtime.init_failed(Outcome(body, failed=True))
        else:
            self.server.runtime.finish(Outcome(body, failed=what.endswith("/error")))
        self._answer(202, b"", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
