"""
Kie's file upload API, for inputs that must lie at Kie.ai.

Sources: Kie's file upload pages (documented) and recorded live traffic; all variants of the answer
have `data.downloadUrl`. The same name overwrites, with a delay of caches, and the served type
follows the extension: every upload gets a name of its own with the right one. Errors come with real
HTTP statuses. Files are kept for a day.
"""

from collections.abc import Callable
from typing import Any

import httpx

from kie_gateway.core.deadline import CREATION_SECONDS, RECORDING_SECONDS
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderInputError,
    ProviderUnreachableError,
)
from kie_gateway.core.failure import Category
from kie_gateway.kie import wire, words
from kie_gateway.kie.http import words_of
from kie_gateway.kie.patience import TimeLeft, any_time, within

UPLOAD_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
# An upload that is given less is left to somebody with more time.
LEAST_SECONDS = 5.0
_CREATION_SECONDS = CREATION_SECONDS + RECORDING_SECONDS
_FOLDER = "kie-gateway"


class KieUploads:
    """
    Uploads, as flows need them (`core/ports/kie.py`, InputHost).

    Args:
        http: With the base URL of Kie's upload API.
        api_key: Called for each request.
        new_name: Makes a name that no other file has, without an extension.
        time_left: Tells how many seconds there are for all uploads and the creation after them.
    """

    def __init__(
        self,
        http: httpx.Client,
        api_key: Callable[[], str],
        new_name: Callable[[], str],
        *,
        time_left: TimeLeft = any_time,
    ) -> None:
        self._http = http
        self._api_key = api_key
        self._new_name = new_name
        self._time_left = time_left

    def take_url(self, url: str, extension: str) -> str:
        """Have Kie.ai fetch a file (30 s and some 100 MB at most); returns its link there."""
        body = {"fileUrl": url, **self._place(extension)}
        return self._upload("/api/file-url-upload", json=body)

    def take_base64(self, content: str, extension: str) -> str:
        """Send a small file as base64 or as a data URL; returns its link at Kie.ai."""
        body = {"base64Data": content, **self._place(extension)}
        return self._upload("/api/file-base64-upload", json=body)

    def _place(self, extension: str) -> dict[str, str]:
        return {"uploadPath": _FOLDER, "fileName": f"{self._new_name()}.{extension}"}

    def _upload(self, path: str, **content: Any) -> str:
        """
        Send an upload once.

        Raises:
            OutOfTimeError: It was not sent.
            ProviderUnreachableError, ProviderBusyError: Doing it again is right and costs nothing.
            ProviderAuthError, ProviderInputError: Doing it again changes nothing.
        """
        headers = {"Authorization": f"Bearer {self._api_key()}"}
        timeout = within(
            self._time_left(), UPLOAD_TIMEOUT, least=LEAST_SECONDS, keep=_CREATION_SECONDS
        )
        try:
            response = self._http.post(path, headers=headers, timeout=timeout, **content)
        except httpx.HTTPError as error:
            raise ProviderUnreachableError(words_of(error)) from None
        body = wire.parse(response.content)
        status = str(response.status_code)
        code = wire.code_of(body) or status
        message = wire.message_of(body).replace(self._api_key(), "[key]") or f"code {code}"
        data = wire.decoded(body.get("data")) if isinstance(body, dict) else None
        link = next(wire.links(data.get("downloadUrl")), None) if isinstance(data, dict) else None
        if response.status_code < 300 and code == "200" and link is not None:
            return link
        if {code, status} & {"401", "403"}:
            raise ProviderAuthError(message, provider_code=code, category=Category.INTERNAL)
        if response.status_code >= 500 or code.startswith("5") or code == "429":
            raise ProviderBusyError(message, provider_code=code)
        if code.startswith("4"):
            category = words.category_of(code, message)
            raise ProviderInputError(message, provider_code=code, category=category)
        raise ProviderBusyError(f"code {code} and no link", provider_code=code)
