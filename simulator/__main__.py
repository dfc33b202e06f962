"""`python -m simulator`: the simulated Kie.ai as a process."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from simulator.access import HISTORY_KEYS
from simulator.dials import dials_text
from simulator.server import KieSimulator, PortTakenError
from simulator.settings import Settings

_PORT_TAKEN = 2
_LOOK_SECONDS = 0.5


def main() -> int:
    """Run until a signal asks to end."""
    chosen = _parser().parse_args()
    if chosen.dials:
        print(dials_text())
        return 0
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        with KieSimulator(_settings(chosen)):
            # A signal that the system gives to another thread wakes nobody here.
            while not ended.wait(_LOOK_SECONDS):
                pass
    except PortTakenError as error:
        print(error, file=sys.stderr)
        return _PORT_TAKEN
    return 0


def _settings(chosen: argparse.Namespace) -> Settings:
    values = {name: value for name, value in vars(chosen).items() if name != "dials"}
    return Settings(**values)


def _parser() -> argparse.ArgumentParser:
    usual = Settings()
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    add = parser.add_argument
    add("--dials", action="store_true", help="print what can be written into a prompt, and exit")
    add("--host", default=usual.host)
    add("--port", type=int, default=usual.port)
    add("--state", type=Path, help="folder that survives restarts; without it, memory")
    add("--api-key", help="the only key accepted; without it, any")
    add("--webhook-hmac-key", help="signs webhooks")
    add(
        "--base-url",
        "--public-base",
        help="what result links start with; by default, the server's address",
    )
    add("--seconds", type=float, default=usual.seconds, help="how long a task takes")
    add(
        "--create-limit",
        type=int,
        default=usual.create_limit,
        help="creations in 10 s; 0: no limit",
    )
    add(
        "--key-limit",
        type=int,
        default=usual.key_limit,
        help="creations of a key in 1 h; 0: no limit",
    )
    add("--history-token", default=usual.history_token, help="opens the history pages")
    add(
        "--history-key",
        choices=HISTORY_KEYS,
        default=usual.history_key,
        help="how an API key opens the history page of 4o pictures",
    )
    add("--credits", type=float, default=usual.credits, help="balance of a new account")
    return parser


if __name__ == "__main__":
    sys.exit(main())
