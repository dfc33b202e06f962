"""How Kie.ai says no."""

from __future__ import annotations

_WORDS = {
    401: "You do not have access permissions",
    402: "Credits insufficient",
    404: "Not found",
    408: "No upstream result for over 10 minutes",
    409: "The record already exists",
    413: "The content is too large",
    422: "The parameters are wrong",
    429: "Your call frequency is too high. Please try again later.",
    430: "Your call frequency is too high",
    433: "Request limit: the sub-key usage exceeded the limit",
    451: "Failed to download the input image",
    455: "Service is under maintenance",
    500: "Server exception",
    501: "Generation failed",
    505: "The requested feature is currently disabled",
    531: "Generation failed, credits refunded",
}


class RefusedError(Exception):
    """
    Kie.ai says no; nothing was created and nothing is charged.

    Attributes:
        status: The HTTP status; Kie.ai's is 200 whatever the code.
        is_page: Whether the answer is a page of HTML.

    """

    def __init__(
        self, code: int, message: str = "", *, status: int = 200, is_page: bool = False
    ) -> None:
        self.code = code
        self.message = message or usual_words(code)
        self.status = status
        self.is_page = is_page
        super().__init__(self.message)


def usual_words(code: int) -> str:
    """Return the words that go with a code when nothing else is known."""
    return _WORDS.get(code, "Bad request")
