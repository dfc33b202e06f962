"""
`python -m dev`: starts the local cloud, prints how to use it, and stops it on Ctrl-C.

settings.py lists the environment variables, such as the region (`GATEWAY_REGION`) and how late and
how busy AWS is (`GATEWAY_DIALS`; dials.py lists them, `/_dev/dials` changes them).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from dev import settings
from dev.front import Front, PortInUseError
from dev.logs import Log
from dev.simulator_process import Simulator
from dev.state import StateError
from sam_template.template import Template

if TYPE_CHECKING:
    from dev.cloud import LocalCloud
    from dev.settings import Settings

# What every task goes through. The others begin when they are first needed, which is a second
# later and mostly never.
ON_THE_WAY = (
    "ApiFunction",
    "CallbackFunction",
    "EventsFunction",
    "StoreFunction",
    "WatchFunction",
)
_READY_SECONDS = 30.0
_LOOK_SECONDS = 0.5


def main() -> int:
    """Run until told to stop; returns the exit code."""
    for name in ("botocore", "moto", "urllib3"):
        # Their warnings are about a cloud being none, which we know.
        logging.getLogger(name).setLevel(logging.ERROR)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as started:
            _run(started)
    except KeyboardInterrupt:
        return 0
    except PortInUseError as exc:
        return _refuse(f"port {exc} is in use; set GATEWAY_PORT to another")
    except (settings.SettingsError, StateError) as exc:
        return _refuse(str(exc))
    return 0


def _run(started: ExitStack) -> None:
    log = Log(debug=os.environ.get("GATEWAY_LOG") == "debug")
    # First of all, so that a second `make dev` ends before it has touched the first one's state.
    front = Front(settings.read_port(os.environ), log)
    started.callback(front.server_close)
    template = Template()
    chosen = settings.read(os.environ, template)
    simulator = started.enter_context(Simulator(chosen, log)) if chosen.simulator_port else None
    # Imported now, while the simulator starts: moto takes half a second.
    from dev.cloud import LocalCloud  # noqa: PLC0415

    cloud = started.enter_context(
        LocalCloud(
            template,
            chosen.values,
            kie_keys=chosen.kie_keys,
            state_folder=chosen.state_folder,
            front=front,
            public_url=chosen.public_url,
            log=log,
            prewarm=ON_THE_WAY,
            reload=True,
            region=chosen.region,
            dials=chosen.dials,
        )
    )
    started.callback(_stop_listening_to_signals)
    if simulator is not None:
        simulator.wait()
    _add_local_key(cloud)
    _await_health(cloud, log)
    _say_how(chosen, cloud, log)
    while True:
        # A signal that the system gives to another thread wakes nobody here.
        time.sleep(_LOOK_SECONDS)


def _add_local_key(cloud: LocalCloud) -> None:
    sys.path += [str(p) for p in cloud.template.import_folders("ApiFunction")]
    from kie_gateway.aws.key_table import KeyTable  # noqa: PLC0415 - found since the line above
    from kie_gateway.core.callers.api_key import Scope  # noqa: PLC0415 - as above
    from kie_gateway.flows.manage_keys import IssueKey, NewKey  # noqa: PLC0415 - as above

    keys = KeyTable(cloud.client("dynamodb"), cloud.resources["TaskTable"])
    issue = IssueKey(keys, lambda: "key_local_dev", lambda: datetime.now(UTC))
    issue(NewKey("local", "make dev", frozenset(Scope)), settings.LOCAL_KEY)


def _await_health(cloud: LocalCloud, log: Log) -> None:
    """Ask the API for its health until it answers; says what is wrong if it does not."""
    end, problem = time.monotonic() + _READY_SECONDS, "no answer"
    # A proxy set in the environment must not be asked for an address of this machine.
    opener = build_opener(ProxyHandler({}))
    while time.monotonic() < end:
        try:
            with opener.open(f"{cloud.url}/v1/health", timeout=_READY_SECONDS) as answer:
                if answer.status == 200:
                    return
                problem = f"status {answer.status}"
        except (URLError, OSError) as exc:
            problem = str(exc)
        time.sleep(0.5)
    log.line("dev", f"GET /v1/health did not answer 200: {problem}", level="ERROR")
    raise settings.SettingsError("the API function does not work; the lines above say why")


def _say_how(chosen: Settings, cloud: LocalCloud, log: Log) -> None:
    body = {"model": "google/nano-banana", "input": {"prompt": "a lighthouse at dawn"}}
    kie = "simulated Kie.ai" if chosen.simulator_port is not None else "Kie.ai"
    log.plain(f"{kie}  {chosen.kie_url}")
    if chosen.simulator_port is None and chosen.kie_keys["api_key"] == settings.LOCAL_KIE_KEY:
        log.plain("KIE_API_KEY is not set; only a simulated Kie.ai accepts tasks without one")
    log.plain(f"stored files  {cloud.files}")
    log.plain(f"ready {cloud.url}")
    log.plain(
        f"\ncurl {cloud.url}/v1/tasks \\\n"
        f"  -H 'Authorization: Bearer {settings.LOCAL_KEY}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Prefer: wait=20' \\\n"
        f"  -d '{json.dumps(body)}'\n\n"
        f"key  {settings.LOCAL_KEY}\n\n"
        "for make key, make reconcile and make replay on this gateway:\n"
        f"export {' '.join(f'{name}={value}' for name, value in cloud.access.items())}\n"
    )


def _interrupt(*_: object) -> NoReturn:
    _stop_listening_to_signals()
    raise KeyboardInterrupt


def _stop_listening_to_signals() -> None:
    # From here on everything ends within seconds; a second Ctrl-C must not cut that short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 2


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Executions are threads of moto's that may sleep for minutes.
    os._exit(code)
