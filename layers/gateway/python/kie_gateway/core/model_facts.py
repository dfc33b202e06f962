"""What is known of a model before Kie.ai is asked: its kind and how long it usually takes."""

from dataclasses import dataclass

_VIDEO = (
    *("video", "kling", "seedance", "hailuo", "sora", "veo", "runway", "wan/", "pixverse"),
    *("omnihuman", "infinitalk", "happyhorse", "minimax"),
)
_AUDIO = ("elevenlabs", "tts", "music", "audio", "suno", "speech", "lyrics")
_IMAGE_AFTER_ALL = ("wan/2-7-image", "text-to-image", "image-to-image", "-identification")


@dataclass(frozen=True)
class ModelFacts:
    """`kind` is `image`, `video` or `audio`; `typical_seconds` the median time of a task."""

    kind: str
    typical_seconds: float


def model_facts(model: str) -> ModelFacts:
    """Judge a model by its id, as ids name what they make."""
    name = model.lower()
    if any(word in name for word in _IMAGE_AFTER_ALL):
        return ModelFacts("image", 45.0)
    if any(word in name for word in _AUDIO):
        return ModelFacts("audio", 60.0)
    if any(word in name for word in _VIDEO):
        return ModelFacts("video", 150.0)
    return ModelFacts("image", 45.0)
