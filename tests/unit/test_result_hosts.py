"""Links that may be fetched, and the many ways of writing one that may not."""

from dataclasses import replace

import pytest

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.files.result_hosts import ResultHosts, is_public

HOSTS = ResultHosts.parse(
    " *.results.example , cdn.songs.example,files.example:8443,127.0.0.1:8001,[::1]:8001,"
    "localhost:8001,203.0.113.7:443,"
)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.results.example/x.png", "https://a.results.example/x.png"),
        ("https://a.b.results.example", "https://a.b.results.example/"),
        ("HTTPS://A.Results.Example/X", "https://a.results.example/X"),
        ("https://cdn.songs.example:443/a?b=c#d", "https://cdn.songs.example/a?b=c"),
        ("https://files.example:8443/a", "https://files.example:8443/a"),
        (
            "https://cdn.songs.example/ä b.mp3?q=ü|",
            "https://cdn.songs.example/%C3%A4%20b.mp3?q=%C3%BC%7C",
        ),
        ("https://cdn.songs.example/a%20b%2Fc", "https://cdn.songs.example/a%20b%2Fc"),
        ("http://127.0.0.1:8001/a", "http://127.0.0.1:8001/a"),
        ("http://[::1]:8001/a", "http://[::1]:8001/a"),
        ("http://localhost:8001/a", "http://localhost:8001/a"),
        ("https://127.0.0.1:8001/a", "https://127.0.0.1:8001/a"),
    ],
)
def test_listed_links_pass_in_one_spelling(url: str, safe: str) -> None:
    assert safe == str(HOSTS.check(url))


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("http://a.results.example/x?y=1", "https://a.results.example/x?y=1"),
        ("http://cdn.songs.example:80/x", "https://cdn.songs.example/x"),
        ("http://cdn.songs.example:443/x", "https://cdn.songs.example/x"),
    ],
)
def test_plain_links_to_listed_names_are_upgraded(url: str, safe: str) -> None:
    assert safe == str(HOSTS.check(url))


@pytest.mark.parametrize(
    "url",
    [
        # hosts and ports that are not listed
        "https://results.example/x",
        "https://evilresults.example/x",
        "https://results.example.evil.test/x",
        "https://www.cdn.songs.example/x",
        "https://a.results.example:8443/x",
        "https://files.example/x",
        "https://127.0.0.1/x",
        "https://127.0.0.1:8002/x",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:80/x",
        # no link, or no web link
        "",
        "/x",
        "//a.results.example/x",
        "a.results.example/x",
        "https:///x",
        "https:a.results.example/x",
        "ftp://a.results.example/x",
        "file:///etc/passwd",
        "data:text/html,hello",
        "javascript:alert(1)",
        # two readers, two hosts
        "https://user@a.results.example/x",
        "https://a.results.example:p@127.0.0.1:8001/x",
        "https://127.0.0.1:8001@evil.test/",
        "https://a.results.example\\@evil.test/",
        "https:\\\\a.results.example\\x",
        "https://a.results.example%00.evil.test/",
        "https://a.results.example%2f@evil.test/",
        "https://a.results.example./x",
        "https://a..results.example/x",
        "https://.results.example/x",
        "https://-a.results.example/x",
        "https://a_b.results.example/x",
        "https://a.results.example:/x",
        "https://a.results.example:0443/x",
        "https://a.results.example:99999/x",
        "https://a.results.example:\uff14\uff14\uff13/x",
        "https://a.results.example,b.results.example/x",
        # characters that some parsers drop
        " https://a.results.example/x",
        "https://a.results.example/x\n",
        "https://a.results.\texample/x",
        "https://a.results.example/\r\nHost: evil.test",
        "https://a.results.example/\x00",
        "https://a.results.example/\u202egnp.x",
        "https://a.results.example/\ud800",
        # other alphabets, and letters that fold into ASCII
        "https://\uff41.results.example/x",
        "https://a。results.example/x",
        "https://ⓐ.results.example/x",
        "https://bücher.results.example/x",
        "https://\U0001d7e327.0.0.1:8001/x",
        # loopback in other notations
        "http://2130706433:8001/x",
        "http://0x7f000001:8001/x",
        "http://0x7f.0.0.1:8001/x",
        "http://0177.0.0.1:8001/x",
        "http://127.1:8001/x",
        "http://127.0.0.1.:8001/x",
        "http://127.000.000.001:8001/x",
        "http://[127.0.0.1]:8001/x",
        "http://[0:0:0:0:0:0:0:1]:8001/x",
        "http://[::ffff:127.0.0.1]:8001/x",
        "http://[::ffff:7f00:1]:8001/x",
        "http://[::1%25lo]:8001/x",
        "http://[::1%lo]:8001/x",
        "http://[::1]extra:8001/x",
        "http://[64:ff9b::7f00:1]:8001/x",
        "https://a.results.example/" + "x" * 10_000,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(SourceForbiddenError):
        HOSTS.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://never-listed.example/x",
        "http://never-listed.example/x",
        "http://never-listed.example:8080/x",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_anywhere_is_every_host_as_it_is_asked_for(url: str) -> None:
    assert str(replace(HOSTS, anywhere=True).check(url)) == url


def test_anywhere_is_no_private_address_and_no_spelling_that_two_may_read_differently() -> None:
    anywhere = replace(HOSTS, anywhere=True)
    assert anywhere.allows_address("8.8.8.8", "never-listed.example", 80)
    assert anywhere.allows_address("127.0.0.1", "127.0.0.1", 8001)
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"):
        assert not anywhere.allows_address(address, "never-listed.example", 80)
    for url in ("http://2130706433/", "http://127.1/", "http://a@127.0.0.1/", "file:///etc/passwd"):
        with pytest.raises(SourceForbiddenError):
            anywhere.check(url)


def test_a_refusal_repeats_no_password_and_no_query() -> None:
    with pytest.raises(SourceForbiddenError) as refusal:
        HOSTS.check("https://user:secret@evil.test/secret?token=secret")

    assert "secret" not in refusal.value.message
    assert "evil.test" in refusal.value.message


def test_a_link_can_be_shown_without_its_query() -> None:
    url = HOSTS.check("https://files.example:8443/a/b.png?X-Amz-Signature=secret")

    assert url.without_query == "https://files.example:8443/a/b.png"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:80b::200e"],
)
def test_hosts_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.254", "0.0.0.0", "0.1.2.3",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.7",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378::1", "2001:db8::1", "3fff::1",
        "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
        "4000::1",
    ],
)  # fmt: skip
def test_no_other_address_is_public(address: str) -> None:
    assert not is_public(address)


def test_a_private_address_needs_an_entry_with_its_port() -> None:
    assert HOSTS.allows_address("127.0.0.1", "127.0.0.1", 8001)
    assert HOSTS.allows_address("::1", "localhost", 8001)
    assert HOSTS.allows_address("10.0.0.5", "files.example", 8443)
    assert not HOSTS.allows_address("127.0.0.1", "127.0.0.1", 8002)
    assert not HOSTS.allows_address("10.0.0.5", "files.example", 443)
    assert not HOSTS.allows_address("10.0.0.5", "cdn.songs.example", 443)
    assert not HOSTS.allows_address("169.254.169.254", "a.results.example", 443)
    assert HOSTS.allows_address("8.8.8.8", "a.results.example", 443)


@pytest.mark.parametrize(
    "entry",
    [
        "*", "*.com", "*.", "a.*.example", "**.example.org", "https://a.example", "a.example/x",
        "a example", "a.example:0", "a.example:70000", "a.example:https", "user@a.example",
        "a.example.", "127.0.0.1", "10.0.0.1", "[::1]", "::1", "::1:80", "localhost",
        "x.localhost", "*.127.0.0.1", "*.127.0.0.1:80", "2130706433:80", "0x7f.1:80",
        "[0:0:0:0:0:0:0:1]:80", "bücher.example",
    ],
)  # fmt: skip
def test_a_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ResultHosts.parse(f"a.example,{entry}")

    assert repr(entry) in str(refusal.value)


@pytest.mark.parametrize("text", ["", " ", ",,"])
def test_an_empty_list_is_a_mistake(text: str) -> None:
    with pytest.raises(ConfigurationError):
        ResultHosts.parse(text)


def test_a_wildcard_may_have_a_port_but_never_opens_private_addresses() -> None:
    hosts = ResultHosts.parse("*.results.example:8443")

    assert str(hosts.check("http://a.results.example:8443")) == "https://a.results.example:8443/"
    assert not hosts.allows_address("127.0.0.1", "a.results.example", 8443)
