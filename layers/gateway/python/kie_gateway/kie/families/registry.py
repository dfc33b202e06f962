"""Which model speaks which of Kie.ai's APIs."""

from types import ModuleType

from kie_gateway.kie.families import market

_FAMILIES: dict[str, ModuleType] = {family.NAME: family for family in (market,)}


def family_of(model: str) -> str:
    """Name the family of a model; a model nobody has heard of is taken for a Market model."""
    del model
    return str(market.NAME)


def family(name: str) -> ModuleType:
    """Find a family by name."""
    return _FAMILIES[name]
