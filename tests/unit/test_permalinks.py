"""Permalinks: who has made one, and which file it leads to for how long."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from kie_gateway.core.errors.caller_errors import LinkedFileNotFoundError
from kie_gateway.core.files.permalink import is_permalink_signature, permalink_path
from kie_gateway.core.results import Output
from kie_gateway.core.signing_key import derive_key
from kie_gateway.core.task import Status
from kie_gateway.flows.files.permalinks import FindLinkedFile, Permalinks
from tests.fakes import FakeTaskStore
from tests.makers import NOW, RESULT_URL, TASK_ID, storing_task

SECRET = "the secret of the tests"
KEY = derive_key(SECRET, "permalink")
OTHER_ID = TASK_ID[:-1] + ("a" if TASK_ID[-1] != "a" else "b")
PERMALINKS = Permalinks(lambda: SECRET)
OUTPUT = Output(0, "image", "image/png", 10, "ab", f"outputs/alice/{TASK_ID}/0.png", RESULT_URL)
PREVIEW = replace(OUTPUT, key=f"previews/alice/{TASK_ID}/0-1.png")
DONE = storing_task(
    status=Status.SUCCEEDED,
    outputs=(OUTPUT, replace(OUTPUT, index=1, key=OUTPUT.key.replace("0.png", "1.png"))),
    previews=(PREVIEW,),
    delete_at=NOW + timedelta(days=1),
)


def signature(task_id: str = TASK_ID, number: str = "0", key: bytes = KEY) -> str:
    return permalink_path(task_id, number, key).rpartition("/")[2]


# --- the signature ------------------------------------------------------------------------------


def test_each_purpose_has_a_key_of_its_own() -> None:
    expected = hmac.digest(SECRET.encode(), b"permalink", "sha256")
    assert derive_key(SECRET, "permalink") == expected
    assert len({KEY, derive_key(SECRET, "webhook"), derive_key("another", "permalink")}) == 3


def test_a_signature_is_the_same_each_time_and_has_all_its_bits() -> None:
    digest = hmac.new(KEY, f"{TASK_ID}/0".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature() + "=") == digest
    assert signature() == signature()
    assert is_permalink_signature(signature(), TASK_ID, "0", KEY)


def other_spelling(text: str) -> str:
    """Change the bits of the last character that decoding drops."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) ^ 1]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("nothing", lambda _: ""),
        ("its first half", lambda text: text[:22]),
        ("all but one character", lambda text: text[:-1]),
        ("one more character", lambda text: text + "A"),
        ("padding", lambda text: text + "="),
        ("another spelling of the same bytes", other_spelling),
        ("other letters", str.swapcase),
        ("the plain alphabet", lambda text: text.replace("-", "+").replace("_", "/") + "="),
        ("percent signs", lambda text: quote(text[:5]) + "%41" + text[6:]),
        ("hexadecimal", lambda text: base64.urlsafe_b64decode(text + "=").hex()),
        ("a space", lambda text: f" {text}"),
        ("another alphabet", lambda text: text[:-1] + "\N{CYRILLIC SMALL LETTER A}"),
        ("half a character", lambda text: text[:-1] + "\ud800"),
        ("a wrong key", lambda _: signature(key=derive_key("another", "permalink"))),
        ("a key for something else", lambda _: signature(key=derive_key(SECRET, "webhook"))),
        ("the secret itself", lambda _: signature(key=SECRET.encode())),
        ("another task's", lambda _: signature(OTHER_ID)),
        ("another file's", lambda _: signature(number="1")),
        ("that of a preview", lambda _: signature(number="0-1")),
    ],
)
def test_nothing_else_is_taken_for_the_signature(name: str, change: Callable[[str], str]) -> None:
    changed = change(signature())
    assert changed != signature(), name
    assert not is_permalink_signature(changed, TASK_ID, "0", KEY), name


@pytest.mark.parametrize(
    "number", ["00", "+0", " 0", "0.0", "", "0\ud800", "\N{ARABIC-INDIC DIGIT ZERO}"]
)
def test_a_file_has_one_number(number: str) -> None:
    assert not is_permalink_signature(signature(), TASK_ID, number, KEY)


# --- making and finding -------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "number"), [(OUTPUT, "0"), (PREVIEW, "0-1")])
def test_a_permalink_leads_back_to_its_file(output: Output, number: str) -> None:
    link = PERMALINKS.to(DONE, output, "https://gateway.test")
    assert link == f"https://gateway.test/files/{TASK_ID}/{number}/{signature(number=number)}"
    assert find()(TASK_ID, number, signature(number=number)) == (DONE, output)


def test_a_deployment_without_permalinks_makes_none_and_knows_none() -> None:
    without = Permalinks(None)
    assert (without.are_on, without.to(DONE, OUTPUT, "https://gateway.test")) == (False, None)
    with pytest.raises(LinkedFileNotFoundError):
        find(permalinks=without)(TASK_ID, "0", signature())


def find(
    permalinks: Permalinks = PERMALINKS,
    tasks: FakeTaskStore | None = None,
    now: datetime = NOW,
) -> FindLinkedFile:
    return FindLinkedFile(tasks or FakeTaskStore(DONE), permalinks, lambda: now)


def test_a_link_is_dead_in_the_same_words_whatever_has_happened() -> None:
    deleted = replace(DONE, deleted_at=NOW)
    gone = NOW + timedelta(days=1)
    attempts: list[tuple[FindLinkedFile, tuple[str, str, str]]] = [
        (find(), (TASK_ID, "0", "wrong")),
        (find(), (TASK_ID, "9", signature(number="9"))),
        (find(), (OTHER_ID, "0", signature(OTHER_ID))),
        (find(tasks=FakeTaskStore(deleted)), (TASK_ID, "0", signature())),
        (find(now=gone), (TASK_ID, "0", signature())),
        (find(permalinks=Permalinks(None)), (TASK_ID, "0", signature())),
    ]
    words = set()
    for finds, link in attempts:
        with pytest.raises(LinkedFileNotFoundError) as caught:
            finds(*link)
        words.add((str(caught.value), caught.value.code))
    assert len(words) == 1


def test_nothing_is_read_for_a_link_that_was_not_made_here() -> None:
    class Untouched(FakeTaskStore):
        def get(self, task_id: str) -> None:
            raise AssertionError(task_id)

    with pytest.raises(LinkedFileNotFoundError):
        find(tasks=Untouched())(TASK_ID, "0", signature(number="1"))
