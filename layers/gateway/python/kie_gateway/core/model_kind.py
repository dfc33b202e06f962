"""What a model makes, as far as its id tells, for models that the catalogue does not have."""

_VIDEO = (
    *("video", "kling", "seedance", "hailuo", "sora", "veo", "runway", "wan/", "pixverse"),
    *("omnihuman", "infinitalk", "happyhorse", "minimax"),
)
_AUDIO = ("elevenlabs", "tts", "music", "audio", "suno", "speech", "lyrics")
_IMAGE_AFTER_ALL = ("wan/2-7-image", "text-to-image", "image-to-image", "-identification")


def kind_of(model: str) -> str:
    """Return `image`, `video` or `audio`, as ids of models name what they make."""
    name = model.lower()
    if any(word in name for word in _IMAGE_AFTER_ALL):
        return "image"
    if any(word in name for word in _AUDIO):
        return "audio"
    return "video" if any(word in name for word in _VIDEO) else "image"
