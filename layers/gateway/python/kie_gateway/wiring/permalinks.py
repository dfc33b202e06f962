"""Parts that make permalinks."""

from kie_gateway.flows.files.permalinks import Permalinks
from kie_gateway.settings import PermalinkSettings
from kie_gateway.wiring.runtime import Runtime


def make_permalinks(settings: PermalinkSettings, runtime: Runtime) -> Permalinks:
    """Make what makes permalinks, and knows them again."""
    secret = runtime.secret(settings.signing_secret_arn)
    return Permalinks(secret if settings.permalinks else None)
