"""Whose pages may call the API with a key."""

import pytest

from kie_gateway.core.callers.origins import AllowedOrigins

APP = "https://app.example.com"


@pytest.mark.parametrize(
    ("listed", "origin", "is_allowed"),
    [
        ("*", APP, True),
        ("*", "null", True),
        (APP, APP, True),
        (f"https://else.example.com, {APP}", APP, True),
        ("https://*.example.com", APP, True),
        ("https://*", APP, True),
        ("https://*", "http://app.example.com", False),
        (APP, f"{APP}.evil.example", False),
        (APP, f"{APP}:8443", False),
        (APP, "https://appXexample.com", False),
        (APP, "null", False),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("", APP, False),
        (" , ", "", False),
    ],
)
def test_the_list_is_read_as_that_of_a_bucket(listed: str, origin: str, is_allowed: bool) -> None:
    assert AllowedOrigins.parse(listed).allow(origin) is is_allowed


def test_programs_and_the_apis_own_pages_are_no_strangers() -> None:
    origins = AllowedOrigins.parse(APP)
    assert origins.allow(None)
    assert origins.allow("https://gateway.test", own=["https://gateway.test"])
    assert not origins.allow("https://gateway.test", own=["https://api.test"])
