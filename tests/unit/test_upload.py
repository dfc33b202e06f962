"""References to uploaded files: found wherever they stand, and only among the owner's own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.files.bucket_keys import upload_key
from kie_gateway.core.inputs import upload
from kie_gateway.flows.inputs.use_uploads import CheckUploads, link_uploads
from kie_gateway.wiring.ids import new_upload_id

NAME = "upload_01kjd3x7h8000000000000000a.png"
OTHER = "upload_01kjd3x7h8000000000000000b.mp4"
DETAIL = "no such upload; first send the file with the form from POST /v1/uploads"


def test_a_reference_leads_back_to_its_name() -> None:
    for extension in upload.EXTENSIONS.values():
        name = f"{new_upload_id()}.{extension}"
        assert upload.name_in(upload.reference_of(name)) == name


@pytest.mark.parametrize(
    "value",
    [
        "",
        "kg-upload://",
        NAME,
        f"https://{NAME}",
        f"KG-UPLOAD://{NAME}",
        f"kg-upload://{NAME} ",
        f"kg-upload://{NAME}\n",
        f" kg-upload://{NAME}",
        f"kg-upload://bob/{NAME}",
        f"kg-upload://../bob/{NAME}",
        f"kg-upload://{NAME.upper()}",
        f"kg-upload://{NAME}/..",
        f"kg-upload://{NAME}?x=1",
        "kg-upload://upload_01kjd3x7h8000000000000000a",
        "kg-upload://upload_01kjd3x7h8000000000000000a.",
        "kg-upload://upload_01kjd3x7h8000000000000000.png",
        "kg-upload://upload_01kjd3x7h8000000000000000aa.png",
        "kg-upload://task_01kjd3x7h8000000000000000a.png",
    ],
)
def test_what_was_never_given_out_is_no_reference(value: str) -> None:
    assert upload.name_in(value) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, []),
        ({"prompt": f"see {upload.reference_of(NAME)}"}, []),
        ({"image": "kg-upload://a"}, [("/in/image", "kg-upload://a")]),
        ({"urls": ["x", "kg-upload://a", "kg-upload://b"]}, [
            ("/in/urls/1", "kg-upload://a"),
            ("/in/urls/2", "kg-upload://b"),
        ]),
        ({"a": {"b": [{"c": "kg-upload://a"}]}}, [("/in/a/b/0/c", "kg-upload://a")]),
        ({"a/b": {"~": "kg-upload://a"}}, [("/in/a~1b/~0", "kg-upload://a")]),
        ({"n": [1, None, True, 2.5]}, []),
        # What stands for a name is none.
        ({"kg-upload://a": "x"}, []),
    ],
)  # fmt: skip
def test_references_are_found_wherever_they_stand(
    value: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert list(upload.references(value, "/in")) == found


def test_an_input_whose_files_have_arrived_is_fine() -> None:
    asked: list[str] = []

    def size_of(key: str) -> int:
        asked.append(key)
        return 0

    references = [upload.reference_of(NAME), upload.reference_of(OTHER)]
    CheckUploads(size_of)({"image": references[0], "more": {"video": references[1]}}, "alice")
    CheckUploads(size_of)({"prompt": "a red kite"}, "alice")
    # Among the files of her own only, whatever the reference says.
    assert asked == [f"uploads/alice/{NAME}", f"uploads/alice/{OTHER}"]


def test_every_reference_that_leads_nowhere_is_named() -> None:
    arrived = {upload_key("alice", NAME): 8}
    task_input = {
        "image": upload.reference_of(NAME),
        "urls": [upload.reference_of(OTHER), "kg-upload://../bob/x.png"],
    }
    with pytest.raises(InvalidRequestError) as refusal:
        CheckUploads(arrived.get)(task_input, "alice")
    assert refusal.value.faults == (
        FieldFault("/input/urls/0", DETAIL),
        FieldFault("/input/urls/1", DETAIL),
    )
    with pytest.raises(InvalidRequestError):
        CheckUploads(arrived.get)(task_input, "bob")


def test_references_become_links_and_all_else_stays() -> None:
    task_input = {
        "prompt": "see kg-upload://a",
        "image": upload.reference_of(NAME),
        "deep": [{"n": 1, "none": None, "video": upload.reference_of(OTHER)}, True],
        "bad": "kg-upload://../x",
    }
    linked = link_uploads(task_input, "alice", lambda key: f"https://bucket.test/{key}?sig")
    assert linked == {
        "prompt": "see kg-upload://a",
        "image": f"https://bucket.test/uploads/alice/{NAME}?sig",
        "deep": [
            {"n": 1, "none": None, "video": f"https://bucket.test/uploads/alice/{OTHER}?sig"},
            True,
        ],
        "bad": "kg-upload://../x",
    }


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(max_size=5),
            st.sampled_from([upload.reference_of(NAME), "kg-upload://x", NAME]),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_no_usable_reference_is_left_in_any_input(value: Any) -> None:
    names = [upload.name_in(reference) for _, reference in upload.references(value)]
    asked: list[str] = []

    def link(key: str) -> str:
        asked.append(key)
        return "https://bucket.test"

    left = [upload.name_in(one) for _, one in upload.references(link_uploads(value, "bob", link))]
    assert not any(left)
    assert asked == [f"uploads/bob/{name}" for name in names if name]
