"""Results that could not be copied into the bucket."""

from kie_gateway.core.errors.base import GatewayError


class StorageError(GatewayError):
    """
    A result was not copied.

    Attributes:
        message: What happened, in words for the timeline; free of secrets and query strings.
    """

    code = "storage_failed"
    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class KeyTakenError(StorageError):
    """Something lies under the key that was not to be written over; it still does."""


class LeaseLostError(StorageError):
    """Another copy of the same results has taken over; nothing may be recorded of this one."""


class SourceError(StorageError):
    """Something about a link or its host; another link to the same result may do."""


class SourceForbiddenError(SourceError):
    """The link leads outside `ResultHosts`, or to a private address that is not listed."""

    code = "source_forbidden"
    retryable = False


class HostNotListedError(SourceForbiddenError):
    """
    The link leads to a host outside `ResultHosts`.

    Attributes:
        host: As in the link, with its port if it is not the usual one.
    """

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


class SourceGoneError(SourceError):
    """The link has expired; a fresh one may exist at Kie.ai."""

    code = "source_gone"


class SourceUnavailableError(SourceError):
    """The file host failed, timed out or broke the connection."""

    code = "source_unavailable"


class SourceBrokenError(SourceError):
    """The body was empty or shorter than announced."""

    code = "source_broken"


class SourceTooLargeError(SourceBrokenError):
    """The body is larger than `MaxResultBytes`."""

    retryable = False


class SourcePageError(SourceBrokenError):
    """A page came, or an error in the shape of one: no model makes such."""
