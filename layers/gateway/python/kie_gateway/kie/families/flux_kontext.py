"""
Flux Kontext, at its old endpoint; `flux1-kontext` is a model of the Market.

Sources: Kie's Flux Kontext pages (documented); `resultImageUrl` directly under `data` (one client).
`originImageUrl` is no result and dies within ten minutes.
"""

from collections.abc import Mapping
from typing import Any

from kie_gateway.kie.families.family import Call, Family

_CREATION = "/api/v1/flux/kontext/generate"


class _FluxKontext(Family):
    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a picture; the model is named in the body."""
        return super().creation(model, {**task_input, "model": model.lower()}, callback_url)


FAMILY = _FluxKontext(
    name="flux_kontext",
    typical_seconds=60.0,
    creations=dict.fromkeys(("flux-kontext-pro", "flux-kontext-max"), _CREATION),
    fields=(
        *("prompt", "inputImage", "aspectRatio", "outputFormat", "enableTranslation"),
        *("promptUpsampling", "safetyTolerance", "uploadCn", "watermark"),
    ),
    asking_path="/api/v1/flux/kontext/record-info",
    history_path="/client/v1/userRecord/flux-kontext-record/page",
)
