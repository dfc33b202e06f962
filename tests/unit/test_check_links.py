"""Links of an input: found wherever they stand, and refused only where they are proven bad."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kie_gateway.core.deadline import CREATION_SECONDS, RECORDING_SECONDS
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.inputs.input_links import input_links
from kie_gateway.flows.inputs.check_links import MOST_LINKS, MOST_SECONDS, CheckLinks

LINK = "https://a.example/x.png"
KEPT_SECONDS = CREATION_SECONDS + RECORDING_SECONDS


class KnownLinks:
    """Hosts of which everything is known, and what they were asked."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self._faults = faults
        self.asked: list[tuple[list[str], float]] = []

    def faults(self, urls: Sequence[str], seconds: float) -> Mapping[str, str]:
        self.asked.append((list(urls), seconds))
        return {url: self._faults[url] for url in urls if url in self._faults}


@pytest.mark.parametrize(
    ("task_input", "found"),
    [
        ({"image_url": LINK}, [("/input/image_url", LINK)]),
        ({"image_url": f" {LINK}\n"}, [("/input/image_url", LINK)]),
        ({"image_url": "HTTP://A.example/x"}, [("/input/image_url", "HTTP://A.example/x")]),
        ({"urls": ["", LINK, 7, LINK]}, [("/input/urls/1", LINK), ("/input/urls/3", LINK)]),
        ({"a/b": [{"c~d": LINK}]}, [("/input/a~1b/0/c~0d", LINK)]),
        ({"prompt": f"like {LINK}"}, []),
        ({"prompt": f"{LINK} but red"}, []),
        ({LINK: "x", "link": "https://", "none": None, "flag": True}, []),
        ({"image": "data:image/png;base64,aGk=", "video": "ftp://a.example/x"}, []),
        ({"image": "kg-upload://upload_01kjd3x7h8000000000000000a.png"}, []),
    ],
)
def test_links_are_found_wherever_they_stand(
    task_input: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert list(input_links(task_input, "/input")) == found


def test_every_place_of_a_bad_link_is_named_and_the_link_is_asked_once() -> None:
    links = KnownLinks({LINK: "leads to nothing"})
    good = "https://a.example/good.png"
    with pytest.raises(InvalidRequestError) as refusal:
        CheckLinks(links, lambda: 29)({"first": LINK, "all": [good, LINK]})

    assert refusal.value.faults == (
        FieldFault("/input/first", "leads to nothing"),
        FieldFault("/input/all/1", "leads to nothing"),
    )
    assert links.asked == [([LINK, good], MOST_SECONDS)]


def test_good_links_pass() -> None:
    links = KnownLinks({})
    CheckLinks(links, lambda: 29)({"image_url": LINK})

    assert len(links.asked) == 1


def test_links_beyond_the_thirtieth_pass() -> None:
    urls = [f"{LINK}?{n}" for n in range(MOST_LINKS + 1)]
    links = KnownLinks({urls[-1]: "leads to nothing"})
    CheckLinks(links, lambda: 29)({"urls": urls})

    assert links.asked == [(urls[:-1], MOST_SECONDS)]


@pytest.mark.parametrize(
    ("time_left", "seconds"), [(KEPT_SECONDS + 5, [5.0]), (KEPT_SECONDS + 0.5, []), (0.0, [])]
)
def test_the_creation_keeps_the_time_that_it_takes(time_left: float, seconds: list[float]) -> None:
    links = KnownLinks({})
    CheckLinks(links, lambda: time_left)({"image_url": LINK})

    assert [given for _, given in links.asked] == seconds


def test_an_input_without_links_asks_nobody() -> None:
    links = KnownLinks({})
    CheckLinks(links, lambda: 29)({"prompt": "a kite"})

    assert links.asked == []
