"""
Runway Aleph, which edits videos.

Sources: Kie's Aleph pages (documented); times in milliseconds (recorded live traffic). The webhook
names the task beside its `data`; the picture beside the video is a poster.
"""

from kie_gateway.kie.families.family import Family

FAMILY = Family(
    name="aleph",
    typical_seconds=240.0,
    creations=dict.fromkeys(("runway/aleph", "aleph", "aleph/generate"), "/api/v1/aleph/generate"),
    fields=(
        *("prompt", "videoUrl", "aspectRatio", "seed", "referenceImage", "waterMark", "uploadCn"),
    ),
    asking_path="/api/v1/aleph/record-info",
    history_path="/client/v1/userRecord/aleph/page",
    result_keys=("resultVideoUrl", "result_video_url", "resultUrls", "result_urls"),
)
