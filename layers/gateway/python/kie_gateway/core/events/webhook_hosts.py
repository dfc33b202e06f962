"""Where webhooks may be delivered to: public hosts over https, and whatever else is listed."""

from urllib.parse import urlsplit

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.files.result_hosts import ResultHosts, SafeUrl, is_address, is_public

_LOCAL = "localhost"
_UNLESS_LISTED = "is for receivers that the operator lists in WebhookHosts"


class WebhookHosts(ResultHosts):
    """The rules for receivers of webhooks; the listed ones may be private, or speak plain http."""

    def check(self, url: str) -> SafeUrl:
        """
        Accept an address or say why not. No name is resolved here: see `allows_address`.

        Raises:
            SourceForbiddenError: The message names the host at most, never the rest of the address.
        """
        _refuse_hidden_parts(url)
        place = super().check(url)
        if (place.host, place.port) in self.trusted:
            return place
        if place.scheme != "https":
            raise SourceForbiddenError(f"must be an https address; plain http {_UNLESS_LISTED}")
        is_local = place.host == _LOCAL or place.host.endswith(f".{_LOCAL}")
        if is_local or (is_address(place.host) and not is_public(place.host)):
            raise SourceForbiddenError(f"{place.host} is private; that {_UNLESS_LISTED}")
        return place


def webhook_hosts(text: str) -> WebhookHosts:
    """
    Read a comma-separated list such as `hooks.internal:8443,127.0.0.1:9000`, which may be empty.

    Raises:
        ConfigurationError: Naming the first entry that cannot be used.
    """
    entries = [entry for part in text.split(",") if (entry := part.strip())]
    for entry in entries:
        host, _, port = entry.rpartition(":")
        if not host or not port.isdecimal() or host.startswith("*"):
            raise ConfigurationError(f"webhook host {entry!r}: must be host:port")
    listed = ResultHosts.parse(",".join(entries)).trusted if entries else frozenset()
    return WebhookHosts(exact=listed, wildcards=frozenset(), trusted=listed, anywhere=True)


def _refuse_hidden_parts(url: str) -> None:
    """Refuse what the receiver would never see. Raises SourceForbiddenError."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SourceForbiddenError("the link is not valid") from error
    if "@" in parts.netloc:
        raise SourceForbiddenError("an address must not contain a user name or a password")
    if "#" in url:
        raise SourceForbiddenError("an address must not contain a fragment (#)")
