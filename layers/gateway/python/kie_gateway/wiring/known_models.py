"""What is known of models: from the catalogue, or else from the family that speaks them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.estimate import estimate
from kie_gateway.kie.families.registry import family_of

# How models of Suno are called that are newer than the catalogue.
_MUSIC = re.compile(r"(?:suno/)?v\d+(?:_[a-z0-9]+)*|ai-music-api/.+", re.IGNORECASE)


class KnownModels:
    """What flows need to know of a model (`flows/tasks/request_task.py`)."""

    def family(self, model: str) -> str:
        """Return the family of a model, the API of Kie.ai that serves it."""
        return family_of(model).name

    def kind(self, model: str) -> str | None:
        """Return what a model makes; None for a model that the catalogue does not have."""
        known = catalogue.find(model)
        return known.kind if known is not None else None

    def makes_music(self, model: str) -> bool:
        """Whether a model makes tracks."""
        known = catalogue.find(model)
        if known is None:
            return _MUSIC.fullmatch(model) is not None
        is_suno = known.family == "suno" or known.id.startswith("ai-music-api/")
        return "music" in known.tasks or (is_suno and "sound" in known.tasks)

    def estimate(self, model: str, task_input: Mapping[str, Any]) -> Decimal | None:
        """Estimate the credits of a task; None where no price is known."""
        known = catalogue.find(model)
        return estimate(known, task_input) if known is not None else None
