"""Links that Kie.ai may have put a result under, tried on its file host."""

from collections.abc import Callable, Sequence
from urllib.parse import urljoin

from kie_gateway.core.errors.storage_errors import SourceForbiddenError, StorageError
from kie_gateway.core.task import Task
from kie_gateway.fetch.files import FileFetcher

MOST_GUESSES = 12


class GuessedLinks:
    """
    Guesses, as flows need them (`core/ports/kie.py`, Guesses).

    Args:
        base_url: Of the file host.
        paths: Names the paths where a task's result may lie.
    """

    def __init__(
        self, files: FileFetcher, base_url: str, paths: Callable[[Task], Sequence[str]]
    ) -> None:
        self._files = files
        self._base_url = base_url
        self._paths = paths

    def candidates(self, task: Task) -> Sequence[str]:
        """Return links, a dozen at most."""
        return [urljoin(self._base_url, path) for path in self._paths(task)[:MOST_GUESSES]]

    def first_alive(self, links: Sequence[str]) -> str | None:
        """
        Find the first link that leads to a file.

        Raises:
            SourceForbiddenError: The file host is no listed result host.
        """
        for link in links:
            try:
                if self._files.exists(link):
                    return link
            except SourceForbiddenError:
                raise
            except StorageError:
                continue
        return None
