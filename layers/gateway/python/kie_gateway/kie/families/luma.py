"""
Luma Modify, which is gone from Kie's documentation and may still answer.

Source: one public client; flag 4 says that the callback failed, whatever became of the video.
"""

from kie_gateway.kie.families.family import Family

FAMILY = Family(
    name="luma",
    typical_seconds=240.0,
    creations=dict.fromkeys(("luma/modify", "luma"), "/api/v1/modify/generate"),
    fields=("prompt", "videoUrl"),
    asking_path="/api/v1/modify/record-info",
    history_path="/client/v1/userRecord/modify/page",
)
