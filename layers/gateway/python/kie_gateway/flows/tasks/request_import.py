"""Take a caller's wish to adopt work: check what it names, and adopt it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kie_gateway.core.model_kind import kind_of
from kie_gateway.flows.tasks.draft_task import Models
from kie_gateway.flows.tasks.import_task import Adoption, Imported


@dataclass(frozen=True)
class ImportRequest:
    """
    What a caller wants to have adopted: exactly one of `upstream_task_id` and `url`.

    Attributes:
        model: What made it.
    """

    owner: str
    model: str
    upstream_task_id: str | None = None
    url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestImport:
    """
    Adopts the work that a caller names.

    Attributes:
        check_link: Raises InvalidRequestError if no result may be fetched from a link.
        adopt: Adopts checked work (`flows/tasks/import_task.py`).
        deadline_seconds: How long to wait for its verdict.
    """

    models: Models
    check_link: Callable[[str], None]
    adopt: Callable[[Adoption], Imported]
    deadline_seconds: int

    def __call__(self, request: ImportRequest) -> Imported:
        """
        Adopt one piece of work; twice is the same task.

        Raises:
            InvalidRequestError: No result may be fetched from its link.
            GatewayError: As for `import_task`.
        """
        if request.url is not None:
            self.check_link(request.url)
        return self.adopt(
            Adoption(
                owner=request.owner,
                model=request.model,
                family=self.models.family(request.model),
                kind=self.models.kind(request.model) or kind_of(request.model),
                deadline_seconds=self.deadline_seconds,
                upstream_task_id=request.upstream_task_id,
                url=request.url,
                metadata=request.metadata,
            )
        )
