"""What one attempt to copy a task's results has brought."""

from dataclasses import dataclass, field

from kie_gateway.core.errors.storage_errors import SourceGoneError, SourcePageError, StorageError
from kie_gateway.core.results import Output
from kie_gateway.flows.files.copy_result import Copied


@dataclass
class CopyAttempt:
    """What one attempt has copied beyond what is on record, and what it could not, by number."""

    copied: dict[int, Copied] = field(default_factory=dict)
    lacking: dict[int, StorageError] = field(default_factory=dict)

    @property
    def real(self) -> list[Output]:
        """Everything that is no preview, in Kie's order."""
        found = (self.copied[index] for index in sorted(self.copied))
        return [one.output for one in found if one.why_preview is None]

    @property
    def previews(self) -> list[Copied]:
        """The rest."""
        found = (self.copied[index] for index in sorted(self.copied))
        return [one for one in found if one.why_preview is not None]

    @property
    def may_be_renewed(self) -> bool:
        """Whether Kie.ai may have better links."""
        kinds = (SourceGoneError, SourcePageError)
        return any(isinstance(error, kinds) for error in self.lacking.values())
