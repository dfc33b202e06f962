"""
Runway, at its old endpoints; `runway` is a model of the Market.

Source: Kie's Runway pages (documented). Answers hold `videoInfo.videoUrl`, webhooks `video_url`;
the picture beside them is a poster.
"""

from kie_gateway.kie.families.family import Family

FAMILY = Family(
    name="runway",
    typical_seconds=120.0,
    creations={
        "runway/generate": "/api/v1/runway/generate",
        "runway/extend": "/api/v1/runway/extend",
    },
    fields=(*("taskId", "prompt", "duration", "quality", "imageUrl", "aspectRatio", "waterMark"),),
    asking_path="/api/v1/runway/record-detail",
    history_path="/client/v1/userRecord/runway-record/page",
    result_keys=("videoUrl", "video_url", "resultUrls", "result_urls", "resultVideoUrl"),
)
