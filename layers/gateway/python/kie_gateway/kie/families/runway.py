"""
Runway.

Source: Kie's Runway pages (documented). Answers hold `videoInfo.videoUrl`, webhooks `video_url`;
the picture beside them is a poster.
"""

from kie_gateway.kie.families.family import Family

FAMILY = Family(
    name="runway",
    typical_seconds=120.0,
    creations={
        "runway": "/api/v1/runway/generate",
        "runway/generate": "/api/v1/runway/generate",
        "runway/extend": "/api/v1/runway/extend",
    },
    asking_path="/api/v1/runway/record-detail",
    history_path="/client/v1/userRecord/runway-record/page",
    result_keys=("videoUrl", "video_url", "resultUrls", "result_urls", "resultVideoUrl"),
)
