"""Where webhooks may go: public hosts over https, and what is listed with its port."""

import pytest

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.events.webhook_hosts import webhook_hosts

NOTHING = webhook_hosts("")
LISTED = webhook_hosts(" 127.0.0.1:9000, hooks.internal:8443,[::1]:80 ")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "https://hooks.example/kie?order=7&x=a%20b",
        "https://hooks.example:8443/kie",
        "https://1.1.1.1/kie",
        "https://[2606:4700:4700::1111]/kie",
        "https://api.localhost.example/",
    ],
)
def test_public_https_addresses_are_taken_without_being_listed(url: str) -> None:
    for hosts in (NOTHING, LISTED):
        assert hosts.check(url).scheme == "https"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/kie", "must be an https address"),
        ("http://hooks.example:443/kie", "must be an https address"),
        ("ftp://hooks.example/kie", "not an absolute https link"),
        ("//hooks.example/kie", "not an absolute https link"),
        ("hooks.example/kie", "not an absolute https link"),
        ("/kie", "not an absolute https link"),
        ("", "not an absolute https link"),
        ("https://", "not an absolute https link"),
        ("https://user:secret@hooks.example/", "user name or a password"),
        ("https://user@hooks.example/", "user name or a password"),
        ("https://hooks.example/#top", "fragment"),
        ("https://hooks.example/#", "fragment"),
        ("https://10.0.0.7/", "is private"),
        ("https://127.0.0.1/", "is private"),
        ("https://169.254.169.254/latest/meta-data", "is private"),
        ("https://[::1]/", "is private"),
        ("https://[::ffff:10.0.0.7]/", "is private"),
        ("https://0.0.0.0/", "is private"),
        ("https://localhost/", "is private"),
        ("https://localhost:8443/", "is private"),
        ("https://app.localhost/", "is private"),
        ("https://2130706433/", "not a plain host name"),
        ("https://0x7f.1/", "not a plain host name"),
        ("https://hooks example/", "not a plain host name"),
        ("https://hooks.example/\n", "characters that are not valid"),
        ("https://[::1/", "not valid"),
        ("https://hooks.example:99999/", "no valid port"),
        (f"https://hooks.example/{'x' * 8192}", "too long"),
    ],
)
def test_everything_else_is_refused_and_told_why(url: str, words: str) -> None:
    with pytest.raises(SourceForbiddenError, match=words) as refused:
        NOTHING.check(url)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9000/kie", "127.0.0.1"),
        ("https://127.0.0.1:9000/kie", "127.0.0.1"),
        ("https://hooks.internal:8443/kie", "10.0.0.7"),
        ("http://hooks.internal:8443/kie", "10.0.0.7"),
        ("http://[::1]:80/", "::1"),
    ],
)
def test_what_is_listed_may_be_private_and_speak_plain_http(url: str, address: str) -> None:
    place = LISTED.check(url)
    assert str(place) == url.replace(":80/", "/")
    assert LISTED.allows_address(address, place.host, place.port)
    assert not NOTHING.allows_address(address, place.host, place.port)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9001/", "https://127.0.0.1/"])
def test_another_port_of_a_listed_host_is_not_listed(url: str) -> None:
    with pytest.raises(SourceForbiddenError):
        LISTED.check(url)


def test_a_name_that_leads_to_a_private_address_is_not_delivered_to() -> None:
    assert not NOTHING.allows_address("10.0.0.7", "hooks.example", 443)
    assert NOTHING.allows_address("93.184.215.14", "hooks.example", 443)


@pytest.mark.parametrize(
    "text",
    ["hooks.internal", "*.internal:80", "127.0.0.1", "a:b", ":80", "hooks:0", "a_b:80", "x:99999"],
)
def test_a_list_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="host"):
        webhook_hosts(f"127.0.0.1:9000,{text}")
