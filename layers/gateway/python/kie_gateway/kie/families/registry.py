"""Which model speaks which of Kie.ai's APIs."""

from kie_gateway.kie.families.aleph import FAMILY as ALEPH
from kie_gateway.kie.families.family import Family
from kie_gateway.kie.families.flux_kontext import FAMILY as FLUX_KONTEXT
from kie_gateway.kie.families.gpt4o import FAMILY as GPT4O
from kie_gateway.kie.families.luma import FAMILY as LUMA
from kie_gateway.kie.families.market import FAMILY as MARKET
from kie_gateway.kie.families.midjourney import FAMILY as MIDJOURNEY
from kie_gateway.kie.families.runway import FAMILY as RUNWAY
from kie_gateway.kie.families.suno import FAMILY as SUNO
from kie_gateway.kie.families.veo import FAMILY as VEO

# The Market comes last: it takes every model that no other family claims.
FAMILIES: tuple[Family, ...] = (
    *(GPT4O, FLUX_KONTEXT, SUNO, VEO, RUNWAY, ALEPH, LUMA, MIDJOURNEY),
    MARKET,
)
_BY_NAME = {family.name: family for family in FAMILIES}


def family_of(model: str) -> Family:
    """Find the family of a model; a model nobody has heard of is taken for a Market model."""
    return next(family for family in FAMILIES if family.speaks(model))


def family(name: str) -> Family:
    """Find a family by name."""
    return _BY_NAME[name]
