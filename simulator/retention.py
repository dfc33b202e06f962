"""How long Kie.ai keeps things, in seconds."""

from __future__ import annotations

MEDIA_SECONDS = 14 * 86_400.0
FRESH_LINK_SECONDS = 20 * 60.0
# What a model handed over, before Kie.ai made its own copy of it.
ORIGIN_SECONDS = 10 * 60.0
