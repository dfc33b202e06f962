"""What Kie.ai, or the way to it, did."""

from kie_gateway.core.errors.base import GatewayError


class ProviderError(GatewayError):
    """
    Something Kie.ai said or did.

    Attributes:
        provider_code: Kie's code as text, if there was one.
        message: Kie's words, or ours where it had none; free of secrets.
    """

    code = "upstream_error"

    def __init__(self, message: str, *, provider_code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.provider_code = provider_code


class ProviderBusyError(ProviderError):
    """
    Kie.ai, or Cloudflare before it, refused for now; the request was neither queued nor charged.

    Attributes:
        retry_after_seconds: When Kie said to come back, None if it did not.
    """

    code = "upstream_busy"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        provider_code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, provider_code=provider_code)
        self.retry_after_seconds = retry_after_seconds


class ProviderRejectedError(ProviderError):
    """
    Kie.ai refused for good.

    Attributes:
        category: One of the task failure categories of `core/failure.py`.
        blames_model: Whether Kie.ai does not offer the model, now or any more.
    """

    code = "upstream_rejected"

    def __init__(
        self,
        message: str,
        *,
        provider_code: str | None,
        category: str,
        blames_model: bool = False,
    ) -> None:
        super().__init__(message, provider_code=provider_code)
        self.category = category
        self.blames_model = blames_model


class ProviderAuthError(ProviderRejectedError):
    """Kie.ai does not know our key, or does not let it do this."""

    code = "upstream_unauthorized"


class ProviderInputError(ProviderRejectedError):
    """Kie.ai will not make this of this input."""

    code = "upstream_input_refused"


class ProviderNoCreditsError(ProviderRejectedError):
    """Kie.ai says, by code 402 or a text known as a whole, that the account has no credits."""

    code = "upstream_credits_exhausted"


class ProviderUnreachableError(ProviderError):
    """No connection came about, so nothing was sent."""

    code = "upstream_unreachable"
    retryable = True


class OutOfTimeError(ProviderUnreachableError):
    """Too little time was left to hear of Kie.ai, so nothing was sent."""

    code = "out_of_time"


class SubmissionUnknownError(ProviderError):
    """The creation was sent and no clear answer came: it may run, and cost, at Kie.ai."""

    code = "submission_unknown"


class ProviderContractError(ProviderError):
    """An answer outside everything known of Kie.ai's wire format."""

    code = "upstream_not_understood"
