"""
Midjourney, which is gone from Kie's documentation and may still answer.

Sources: Kie's page of 2025 (documented then), with objects in `resultInfoJson.resultUrls`; plain
links in the webhook (one receiver). `taskType` in the input says what is made.
"""

from kie_gateway.kie.families.family import Family

FAMILY = Family(
    name="midjourney",
    typical_seconds=90.0,
    creations=dict.fromkeys(("midjourney", "mj"), "/api/v1/mj/generate"),
    fields=("taskType", "prompt", "fileUrl", "aspectRatio", "version", "speed"),
    asking_path="/api/v1/mj/record-info",
    history_path="/client/v1/userRecord/mj/page",
)
