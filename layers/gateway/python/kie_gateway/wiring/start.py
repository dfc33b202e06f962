"""How a function starts."""

from collections.abc import Callable

from kie_gateway.core.errors.base import ConfigurationError


def start[Parts](make: Callable[[], Parts]) -> Parts:
    """
    Make a function's parts.

    A wrong setting ends the process with one line that names it, instead of a traceback.
    """
    try:
        return make()
    except ConfigurationError as error:
        raise SystemExit(f"configuration_error: {error}") from None
