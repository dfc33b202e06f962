"""
Flux Kontext.

Sources: Kie's Flux Kontext pages (documented); `resultImageUrl` directly under `data` (one client).
`originImageUrl` is no result and dies within ten minutes.
"""

from collections.abc import Mapping
from typing import Any

from kie_gateway.kie.families.family import Call, Family

_CREATION = "/api/v1/flux/kontext/generate"
_ALIASES = {"flux1-kontext": "flux-kontext-pro"}


class _FluxKontext(Family):
    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a picture; the model is named in the body."""
        name = _ALIASES.get(model.lower(), model.lower())
        return super().creation(model, {**task_input, "model": name}, callback_url)


FAMILY = _FluxKontext(
    name="flux_kontext",
    typical_seconds=60.0,
    creations=dict.fromkeys(("flux-kontext-pro", "flux-kontext-max", *_ALIASES), _CREATION),
    asking_path="/api/v1/flux/kontext/record-info",
    history_path="/client/v1/userRecord/flux-kontext-record/page",
)
