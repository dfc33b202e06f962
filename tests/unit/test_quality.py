"""When a picture is only a preview: far below what was asked for, and never a real result."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_gateway.catalogue import catalogue
from kie_gateway.core.files.media_facts import MediaFacts
from kie_gateway.core.files.quality import Wanted, wanted, why_preview

THUMBNAIL = MediaFacts(360, 360)
KILO = 1024 * 1024
SIZE_FIELDS = (
    *("size", "image_size", "resolution", "image_resolution", "imageResolution"),
    *("aspect_ratio", "aspectRatio", "ratio"),
)


# --- what was asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_input", "pixels", "ratio"),
    [
        ({}, None, None),
        ({"prompt": "2048x1152"}, None, None),
        # as a size
        ({"size": "2048x1152"}, 2048 * 1152, 2048 / 1152),
        ({"size": " 2048 X 1152 "}, 2048 * 1152, 2048 / 1152),
        ({"size": "1024*768"}, 1024 * 768, 4 / 3),
        ({"image_size": "64x64"}, 64 * 64, 1),
        ({"resolution": "1920x1080"}, 1920 * 1080, 16 / 9),
        ({"width": 2048, "height": 1152}, 2048 * 1152, 2048 / 1152),
        ({"size": "auto", "width": 300, "height": 200}, 60_000, 1.5),
        # as thousands
        ({"resolution": "1K"}, KILO, None),
        ({"resolution": "2k"}, 4 * KILO, None),
        ({"size": "1.5K"}, 2.25 * KILO, None),
        ({"image_resolution": "4K"}, 16 * KILO, None),
        ({"imageResolution": "4K"}, 16 * KILO, None),
        ({"resolution": "2K", "aspect_ratio": "16:9"}, 4 * KILO, 16 / 9),
        # as a shape
        ({"aspect_ratio": "16:9"}, None, 16 / 9),
        ({"aspectRatio": "1:1"}, None, 1),
        ({"ratio": "9:16"}, None, 9 / 16),
        ({"image_size": "4:3"}, None, 4 / 3),
        ({"size": "2:3"}, None, 2 / 3),
        ({"image_size": "landscape_16_9"}, None, 16 / 9),
        ({"image_size": "portrait_16_9"}, None, 9 / 16),
        ({"size": "1024x1024", "aspect_ratio": "16:9"}, KILO, 1),
        # nothing that can be understood
        ({"size": "1024\u00d71024"}, None, None),
        ({"size": "auto", "aspect_ratio": "adaptive", "image_size": "square_hd"}, None, None),
        ({"resolution": "720p", "size": "512P"}, None, None),
        ({"size": 1024, "width": "2048", "height": "1152"}, None, None),
        ({"image_size": {"width": 2048, "height": 1152}}, None, None),
        ({"width": 2048}, None, None),
        ({"width": 0, "height": 1152}, None, None),
        ({"width": -1, "height": -1}, None, None),
        # shapes that no picture has
        ({"aspect_ratio": "0:1"}, None, None),
        ({"aspect_ratio": "1:0"}, None, None),
        ({"image_size": "portrait_0_9"}, None, None),
        ({"size": "00x10"}, 0, None),
    ],
)
def test_a_size_is_read_wherever_models_take_one(
    task_input: dict[str, Any], pixels: float | None, ratio: float | None
) -> None:
    found = wanted(task_input)
    assert found.pixels == pixels
    assert found.ratio == pytest.approx(ratio)


def test_where_nothing_is_asked_the_smallest_that_the_model_delivers_counts() -> None:
    assert why_preview(MediaFacts(511, 512), wanted({}, (512, 512))) is not None
    assert why_preview(MediaFacts(512, 512), wanted({}, (512, 512))) is None
    # The caller's own word is the better one.
    assert wanted({"size": "100x100"}, (512, 512)) == Wanted(10_000, 1)
    assert wanted({"resolution": "1K"}, (2048, 2048)) == Wanted(KILO, None)


# --- what is a preview ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "asked", "words"),
    [
        # below a quarter of the pixels
        (360, 360, {"size": "2048x1152"}, "360x360 is far smaller than requested"),
        (511, 512, {"size": "1024x1024"}, "far smaller"),
        (512, 512, {"size": "1024x1024"}, None),
        (513, 511, {"resolution": "1K"}, "far smaller"),
        (1024, 1023, {"resolution": "2K"}, "far smaller"),
        (1024, 1024, {"resolution": "2K"}, None),
        (256, 1024, {"resolution": "1K", "aspect_ratio": "1:4"}, None),
        # a large picture is a result, whatever was asked for: models take liberties
        (1024, 1024, {"resolution": "4K"}, "far smaller"),
        (1025, 1024, {"resolution": "4K"}, None),
        (1025, 10, {"resolution": "4K"}, None),
        (2048, 1152, {"resolution": "4K", "aspect_ratio": "16:9"}, None),
        # a small picture of another shape
        (
            360,
            360,
            {"aspect_ratio": "16:9"},
            "360x360 is a small picture with a different aspect ratio",
        ),
        (360, 360, {"aspect_ratio": "9:16"}, "with a different aspect ratio"),
        (500, 400, {"aspect_ratio": "1:1"}, None),
        (501, 400, {"aspect_ratio": "1:1"}, "with a different aspect ratio"),
        (400, 500, {"aspect_ratio": "1:1"}, None),
        (400, 501, {"aspect_ratio": "1:1"}, "with a different aspect ratio"),
        (512, 512, {"aspect_ratio": "16:9"}, "with a different aspect ratio"),
        (513, 512, {"aspect_ratio": "16:9"}, None),
        (360, 360, {"aspect_ratio": "1:1"}, None),
        # nothing asked, nothing kept back
        (1, 1, {}, None),
        (1, 1, {"image_size": "square_hd"}, None),
        (1, 1, {"aspect_ratio": "0:1"}, None),
        (1, 1, {"size": "00x10"}, None),
        # nothing known of the picture
        (None, None, {"size": "2048x1152"}, None),
        (360, None, {"size": "2048x1152"}, None),
    ],
)
def test_a_picture_is_a_preview_or_a_result(
    width: int | None, height: int | None, asked: dict[str, Any], words: str | None
) -> None:
    why = why_preview(MediaFacts(width, height), wanted(asked))
    assert (why is None) if words is None else (why is not None and words in why)


@given(
    asked=st.dictionaries(
        st.sampled_from([*SIZE_FIELDS, "width", "height"]),
        st.one_of(
            st.integers(-5, 5000),
            st.none(),
            st.from_regex(r"\d{1,5}[x*:]\d{1,5}", fullmatch=True),
            st.from_regex(r"(portrait|landscape)_\d{1,2}_\d{1,2}", fullmatch=True),
            st.from_regex(r"\d(\.\d)?[kK]", fullmatch=True),
        ),
    ),
    width=st.integers(0, 20_000),
    height=st.integers(0, 20_000),
)
def test_any_wish_and_any_picture_have_an_answer(
    asked: dict[str, Any], width: int, height: int
) -> None:
    why = why_preview(MediaFacts(width, height), wanted(asked))
    assert why is None or max(width, height) <= 1024


# --- real results ---------------------------------------------------------------------------------


def sizes_of_models() -> list[dict[str, str]]:
    """Every combination of resolution and shape that a model of pictures lets callers ask for."""
    found = {}
    for model in catalogue.every():
        if model.kind != "image":
            continue
        choices = {
            name: [*(str(value) for schema in model.properties(name) for value in schema["enum"])]
            for name in SIZE_FIELDS
            if any("enum" in schema for schema in model.properties(name))
        }
        for resolution in choices.get("resolution", choices.get("image_resolution", [""])):
            for name, shapes in choices.items():
                for shape in shapes:
                    found[resolution, name, shape] = {"resolution": resolution} | {name: shape}
    return list(found.values())


@pytest.mark.parametrize("asked", sizes_of_models(), ids=str)
def test_no_real_result_of_any_model_is_kept_back(asked: dict[str, str]) -> None:
    """Models round sizes, and deliver the pixels of one step less in any shape."""
    size = wanted(asked)
    ratio = size.ratio or 1
    # Without a resolution most models deliver about a million pixels, the smallest half of them.
    pixels = (size.pixels or KILO) * 0.5
    for liberty in (0.8, 1, 1.25):
        height = (pixels / (ratio * liberty)) ** 0.5
        result = MediaFacts(int(height * ratio * liberty), int(height))
        assert why_preview(result, size) is None


@pytest.mark.parametrize("asked", [{"size": "2048x1152"}, {"resolution": "2K"}])
def test_the_known_thumbnail_never_passes_for_a_large_picture(asked: dict[str, str]) -> None:
    assert why_preview(THUMBNAIL, wanted(asked)) is not None
