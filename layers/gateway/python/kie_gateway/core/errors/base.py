"""The root of all errors."""


class GatewayError(Exception):
    """
    Base of every error of the gateway.

    Attributes:
        code: Stable snake_case word for programs.
        retryable: Whether the same call may succeed later.
    """

    code = "internal_error"
    retryable = False


class ConfigurationError(GatewayError):
    """A setting is missing or cannot be used; the message names it."""

    code = "configuration_error"
