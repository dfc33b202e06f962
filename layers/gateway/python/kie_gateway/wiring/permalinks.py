"""Parts that make permalinks."""

from kie_gateway.aws.secrets import Secrets
from kie_gateway.flows.files.permalinks import Permalinks
from kie_gateway.settings import PermalinkSettings


def make_permalinks(settings: PermalinkSettings, secrets: Secrets) -> Permalinks:
    """Make what makes permalinks, and knows them again."""
    if not settings.permalinks:
        return Permalinks(None)
    return Permalinks(lambda: secrets.text(settings.signing_secret_arn))
