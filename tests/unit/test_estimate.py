"""Estimates follow the price list, and there is none where the list says nothing."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.catalogue.catalogue import Model, every, find
from kie_gateway.catalogue.check import fill
from kie_gateway.catalogue.estimate import estimate
from tests.inputs import LINK, smallest_input

# Their prices go by something that may be left out without anybody telling what is made then.
OPEN_WITHOUT_MORE = {
    "ai-music-api/separate-vocals",
    "grok-imagine/image-to-video",
    "grok-imagine/text-to-video",
    "kling-3.0-omni/transformation",
    "veo3/extend",
    "wan/2-5-image-to-video",
    "wan/2-5-text-to-video",
}


def cost(model_id: str, **given: Any) -> Decimal | None:
    model = find(model_id)
    assert model is not None
    return estimate(model, given)


@pytest.mark.parametrize(
    ("model_id", "given", "credits_"),
    [
        # one price
        ("google/nano-banana", {}, 4),
        ("z-image", {}, 0.8),
        ("suno/midi", {}, 0),
        # by a field, and by its default
        ("nano-banana-2", {}, 8),
        ("nano-banana-2", {"resolution": "4K"}, 18),
        ("gpt-image-2-text-to-image", {}, 6),
        ("ideogram/v3-text-to-image", {}, 7),
        ("grok-imagine/text-to-image", {"enable_pro": True}, 5),
        ("veo3", {"resolution": "4k"}, 370),
        ("suno/vocal-removal", {"type": "split_stem"}, 50),
        # by two fields
        ("runway/generate", {"duration": 5, "quality": "1080p"}, 30),
        ("runway", {"duration": 10, "quality": "720p"}, 30),
        ("runway/extend-ai-video", {"quality": "720p"}, 12),
        ("runway/gen4-aleph", {}, 110),
        ("veo-3-1", {"resolution": "4k"}, 180),
        ("veo-3-1", {}, 60),
        ("veo/get-1080p-video", {}, 5),
        ("4o-image-api", {}, 6),
        ("V6", {}, 12),
        ("wan/2-6-text-to-video", {"duration": "15", "resolution": "720p"}, 209.5),
        ("gemini-omni-video", {"duration": "8", "resolution": "4k"}, 189),
        ("google/gemini-omni-flash-1-1", {"duration": "8", "resolution": "4k"}, 189),
        # by the second
        ("bytedance/seedance-2", {"duration": 10, "resolution": "1080p"}, 1020),
        ("bytedance/seedance-2", {}, 205),
        ("kling-3.0/video", {"duration": "5", "mode": "std", "sound": True}, 100),
        ("wan/3-0-video", {"duration": -1, "resolution": "480P"}, 40),
        ("hailuo/02-text-to-video-pro", {}, 57),
        # twice with sound
        ("bytedance/seedance-1.5-pro", {"duration": 4, "generate_audio": True}, 28),
        ("kling-2.6/text-to-video", {"duration": "10", "sound": True}, 220),
        ("kling-2.6/text-to-video", {"duration": "10", "sound": False}, 110),
        # by the picture
        ("bytedance/seedream-v4-edit", {"max_images": 3}, 15),
        ("ideogram/character", {"num_images": "3", "rendering_speed": "TURBO"}, 36),
        ("wan/2-7-image", {"n": 1}, 4.8),
        ("wan/2-7-image", {}, 19.2),
        # more for pictures that are given
        ("qwen3/image-to-image", {"image_urls": [LINK] * 2}, 5.8),
        ("seedream/5-pro-image-to-image", {"quality": "high", "image_urls": [LINK] * 3}, 15),
        ("minimax-h3/reference-to-video", {"reference_image_urls": [LINK] * 6}, 82),
        # otherwise with a video
        ("gemini-omni-video", {"duration": "4", "video_list": [{"url": LINK}]}, 168),
        ("bytedance/seedance-2", {"reference_video_urls": []}, 205),
        ("bytedance/seedance-2", {"reference_video_urls": [LINK]}, None),
        ("kling-3.0-omni/reference-to-video", {"video_urls": [LINK]}, None),
        # by the character
        ("elevenlabs/text-to-speech-turbo-2-5", {"text": "x" * 500}, 3),
        ("elevenlabs/text-to-dialogue-v3", {"dialogue": [{"text": "x" * 50}] * 2}, 1.4),
        ("elevenlabs/text-to-speech-turbo-2-5", {}, 0),
        # nobody knows
        ("ideogram/v3-remix", {}, None),
        ("kling/ai-avatar-pro", {}, None),
        ("grok-imagine/text-to-video", {}, None),
        # inputs that were not checked
        ("nano-banana-2", {"resolution": "8K"}, None),
        ("nano-banana-2", {"resolution": ["1K"]}, None),
        ("bytedance/seedance-2", {"duration": "long"}, None),
        ("bytedance/seedance-2", {"duration": "inf"}, None),
        ("bytedance/seedance-2", {"duration": "nan"}, None),
        ("bytedance/seedance-2", {"duration": [5]}, None),
        ("qwen3/image-to-image", {"image_urls": 7}, 4.8),
        ("elevenlabs/text-to-dialogue-v3", {"dialogue": ["x", {"text": 7}]}, 0.014),
    ],
)
def test_prices_follow_the_input(
    model_id: str, given: dict[str, Any], credits_: float | None
) -> None:
    assert cost(model_id, **given) == (None if credits_ is None else Decimal(str(credits_)))


@pytest.mark.parametrize(("given", "credits_"), [({}, 2), ({"prompt_extend": False}, 1)])
def test_a_switch_that_is_on_by_default_can_be_switched_off(
    given: dict[str, Any], credits_: float
) -> None:
    model = find("qwen3/text-to-image")
    assert model is not None
    rule = {"amount": {"field": "prompt_extend", "values": {"true": 2, "false": 1}}}
    assert estimate(replace(model, credits={"rule": rule}), given) == credits_


@pytest.mark.parametrize("model", every(), ids=lambda model: model.id)
def test_every_rule_gives_a_price_for_the_smallest_input(model: Model) -> None:
    price = estimate(model, fill(model, smallest_input(model.input)))
    is_open = model.credits["rule"] is None or model.id in OPEN_WITHOUT_MORE
    assert (price is None) == is_open
    assert price is None or price >= 0


@pytest.mark.parametrize("model", every(), ids=lambda model: model.id)
def test_every_rule_speaks_of_fields_and_values_that_there_are(model: Model) -> None:
    look_at_rule(model.credits["rule"], model)


def look_at_rule(rule: dict[str, Any] | None, model: Model) -> None:
    if rule is None:
        return
    look_at_amount(rule["amount"], model)
    others = rule.get("if_given", {})
    names = {rule.get(part) for part in ("per", "of", "double_if")} | {*others}
    names.add(rule.get("plus", {}).get("field"))
    assert names - {None, "kchar"} <= {*model.field_names()}
    for other in others.values():
        look_at_rule(other, model)


def look_at_amount(amount: Any, model: Model) -> None:
    if not isinstance(amount, dict):
        assert amount >= 0
        return
    schemas = list(model.properties(amount["field"]))
    assert schemas
    for schema in schemas:
        switch = {"true", "false"} if schema["type"] == "boolean" else set()
        assert {*amount["values"]} <= switch | {str(value) for value in schema.get("enum", ())}
    for inner in amount["values"].values():
        look_at_amount(inner, model)
