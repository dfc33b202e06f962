"""
Run a function on an event, without containers: `make invoke EVENT=events/api/health.json`.

Prints the answer to stdout and the function's log to stderr. Exit code 1: the function failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

FUNCTIONS = {
    "api": "ApiFunction",
    "sweep": "SweepFunction",
    "callback": "CallbackFunction",
    "deliver": "DeliverFunction",
    "events": "EventsFunction",
    "realtime_authorizer": "RealtimeAuthorizerFunction",
    "store": "StoreFunction",
    "thumbnail": "ThumbnailFunction",
    "watch": "WatchFunction",
}


def main() -> int:
    """Invoke."""
    parser = argparse.ArgumentParser(prog="make invoke EVENT=", description=__doc__)
    parser.add_argument("event", type=Path, help="a file such as events/api/health.json")
    parser.add_argument(
        "--function", choices=FUNCTIONS.values(), help="if the folder does not tell it"
    )
    options = parser.parse_args()
    try:
        event = json.loads(options.event.read_text(encoding="utf-8"))
    except OSError as error:
        return _refuse(f"{options.event}: {error.strerror}")
    except ValueError as error:
        return _refuse(f"{options.event} is not valid JSON: {error}")
    function = options.function or function_of(options.event)
    if function is None:
        known = ", ".join(FUNCTIONS)
        return _refuse(f"{options.event}: the folder must be one of {known}, or give --function")
    # Imported now: moto takes a second, and a refusal none.
    from dev.cloud import InvocationError  # noqa: PLC0415
    from dev.samples import sample_cloud  # noqa: PLC0415

    # Functions and simulator write their logs to stdout.
    answer_to, sys.stdout = sys.stdout, sys.stderr
    with sample_cloud(function) as samples:
        try:
            answer, code = samples.invoke(function, event), 0
        except InvocationError as error:
            answer, code = error.error, 1
    print(json.dumps(answer, indent=2, ensure_ascii=False), file=answer_to, flush=True)
    return code


def function_of(path: Path) -> str | None:
    """Return which function an event is for, by its folder."""
    return FUNCTIONS.get(path.resolve().parent.name)


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
