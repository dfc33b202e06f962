"""How a function starts."""

from kie_gateway.core.errors import ConfigurationError


def start[G](gateway: type[G]) -> G:
    """
    Make a function's collaborators.

    A wrong setting ends the process with one line that names it, instead of a traceback.
    """
    try:
        return gateway()
    except ConfigurationError as error:
        raise SystemExit(f"configuration_error: {error}") from None
