"""
The APIs of Kie.ai, one module each.

A module ends in a `FAMILY`: its routes and its webhooks. To add one, write the module and name it
in `FAMILIES`.
"""

from __future__ import annotations

from simulator.families import (
    aleph,
    flux_kontext,
    gpt4o,
    luma,
    market,
    midjourney,
    runway,
    suno,
    veo,
)
from simulator.families.family import Family

FAMILIES: tuple[Family, ...] = (
    market.FAMILY,
    gpt4o.FAMILY,
    flux_kontext.FAMILY,
    suno.FAMILY,
    veo.FAMILY,
    runway.FAMILY,
    aleph.FAMILY,
    luma.FAMILY,
    midjourney.FAMILY,
)

__all__ = ["FAMILIES", "Family"]
