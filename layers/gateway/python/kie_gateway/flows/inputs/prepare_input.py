"""
Make of a task's input what Kie.ai can use, just before its creation is sent.

Kie's models take public links. A `data:` link is no such link, and some models want their inputs at
Kie.ai itself: those are uploaded there. References to uploads become links that Kie.ai can fetch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.provider_errors import (
    ProviderRejectedError,
    ProviderUnreachableError,
)
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.failure import Category
from kie_gateway.core.moves import submission_moves
from kie_gateway.core.moves.alternative_moves import of_attempt
from kie_gateway.core.ports.kie import InputHost
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task
from kie_gateway.flows.inputs.use_outputs import link_outputs
from kie_gateway.flows.inputs.use_uploads import link_uploads

_EXTENSIONS = {"jpeg": "jpg", "mpeg": "mp3", "quicktime": "mov", "x-wav": "wav", "plain": "txt"}


@dataclass(frozen=True)
class PrepareInput:
    """
    Prepares inputs.

    Attributes:
        whole: Reads the whole input of a task whose record holds an excerpt.
        link_file: Makes a link to a file of the bucket that Kie.ai can fetch.
        find_output: Finds the result that a reference leads to, among those of an owner.
        hosts_all_links: Whether a family wants ordinary links to lie at Kie.ai, too.
    """

    tasks: TaskStore
    whole: Callable[[Task], Task]
    link_file: Callable[[str], str]
    find_output: Callable[[str, str], Output | None]
    host: InputHost
    hosts_all_links: Callable[[str], bool]
    now: Callable[[], datetime]

    def __call__(self, task: Task) -> Mapping[str, Any]:
        """
        Prepare the input of one task.

        Raises:
            ProviderError: An upload failed; nothing was created yet.
        """
        try:
            task = self.whole(task)
            linked = link_uploads(task.input, task.owner, self.link_file)
            linked = link_outputs(linked, lambda reference: self._link_output(task, reference))
            host = _RenewingHost(self.host, lambda: self._renew(task))
            all_links = self.hosts_all_links(task.family)
            return {name: _hosted(one, host, all_links=all_links) for name, one in linked.items()}
        except (StorageError, ConfigurationError) as error:
            # Surely not sent: it waits for its input, or for the keys.
            raise ProviderUnreachableError(str(error)) from error

    def _link_output(self, task: Task, reference: str) -> str:
        output = self.find_output(reference, task.owner)
        if output is None:
            raise ProviderRejectedError(
                f"{reference} is gone: the task or its file was deleted",
                provider_code="input_gone",
                category=Category.INPUT.value,
            )
        return self.link_file(output.key)

    def _renew(self, task: Task) -> None:
        """Renew the right to send a creation whose inputs are still on their way to Kie.ai."""
        now = self.now()
        keep = of_attempt(task, lambda current: submission_moves.keep_sending(current, now))
        if not self.tasks.move(task, keep).changed:
            raise ProviderUnreachableError("it must no longer be sent")


@dataclass(frozen=True)
class _RenewingHost:
    """Renews after each upload, all of which may take longer than a right to send lasts."""

    host: InputHost
    renew: Callable[[], None]

    def take_url(self, url: str, extension: str) -> str:
        link = self.host.take_url(url, extension)
        self.renew()
        return link

    def take_base64(self, content: str, extension: str) -> str:
        link = self.host.take_base64(content, extension)
        self.renew()
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
