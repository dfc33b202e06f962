"""
Bring inputs to Kie.ai that it would not fetch from where they are.

Kie's models take public links. A `data:` link is no such link, and some models want their inputs at
Kie.ai itself: those are uploaded there before the creation is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kie_gateway.core.ports import InputHost

_EXTENSIONS = {"jpeg": "jpg", "mpeg": "mp3", "quicktime": "mov", "x-wav": "wav", "plain": "txt"}


def host_inputs(
    task_input: Mapping[str, Any],
    *,
    host: InputHost,
    all_links: bool,
    keep: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """
    Replace what must lie at Kie.ai by links to it there.

    Args:
        all_links: Whether ordinary links are brought there too.
        keep: Called after each upload, all of which may take longer than a right to send lasts.

    Raises:
        ProviderError: An upload failed; nothing was created yet.
    """
    kept = _KeptHost(host, keep)
    return {name: _hosted(value, kept, all_links=all_links) for name, value in task_input.items()}


@dataclass(frozen=True)
class _KeptHost:
    host: InputHost
    keep: Callable[[], None]

    def take_url(self, url: str, extension: str) -> str:
        link = self.host.take_url(url, extension)
        self.keep()
        return link

    def take_base64(self, content: str, extension: str) -> str:
        link = self.host.take_base64(content, extension)
        self.keep()
        return link


def _hosted(value: Any, host: InputHost, *, all_links: bool) -> Any:
    match value:
        case str() if value.startswith("data:") and ";base64," in value[:200]:
            return host.take_base64(value, _extension_of_data(value))
        case str() if all_links and value.startswith(("https://", "http://")):
            return host.take_url(value, _extension_of_link(value))
        case list():
            return [_hosted(one, host, all_links=all_links) for one in value]
        case dict():
            return {name: _hosted(one, host, all_links=all_links) for name, one in value.items()}
        case _:
            return value


def _extension_of_data(value: str) -> str:
    subtype = value[5:200].partition(";")[0].rpartition("/")[2].lower()
    return _EXTENSIONS.get(subtype, subtype.partition("+")[0] or "bin")


def _extension_of_link(value: str) -> str:
    name = urlsplit(value).path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return extension if extension.isalnum() and len(extension) <= 5 else "bin"
