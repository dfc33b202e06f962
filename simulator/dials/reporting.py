"""Dials for what records and webhooks look like, whichever way they travel."""

from __future__ import annotations

from simulator.dials.kinds import NUMBER, Dial, choice, switch

DIALS = (
    choice(
        "times",
        ("iso", "s", "string", "ms"),
        "times are ISO, unix seconds, `2026-09-10 10:25:00`, or unix milliseconds",
    ),
    choice(
        "credits",
        ("string", "old", "snake", "none"),
        "creditsConsumed is a string; is called consumeCredits (with remainedCredits) as in 2025, "
        "or credits_consumed; or is missing",
    ),
    switch("flag string", "successFlag is a string"),
    choice(
        "fields",
        ("april", "docs", "live"),
        "records as of April 2026 (Market), as in the documentation (Market), or as recorded (Veo "
        "and Aleph, whose documentation differs)",
    ),
    switch(
        "param broken", "what repeats the request (param, paramJson, promptJson) is not valid JSON"
    ),
    Dial(
        "[result double] [result text] [result object]",
        "results are encoded twice; once, where they usually are not; not at all",
        "result (double|text|object)",
        "result encoding",
        lambda found: found[1].lower(),
    ),
    Dial(
        "[result null] [result string] [result objects]",
        "lists of links are null, or one link, or objects with resultUrl",
        "result (null|string|objects)",
        "result links",
        lambda found: found[1].lower(),
    ),
    switch("result snake", "results have keys such as result_urls and audio_url"),
    switch("result nested", "results are one level deeper, under `data`"),
    switch("result top", "the link is directly under `data` (Flux; Veo: a list as a string)"),
    Dial(
        "[result key videoUrl] [result key audio_url]",
        "the link has that key",
        r"result key (\w+)",
        "result key",
        lambda found: found[1],
    ),
    Dial(
        "[result empty] [result empty 5]",
        "the task succeeds without any result; 5: in its first 5 s",
        f"result empty(?: {NUMBER})?",
        "result empty",
        lambda found: float(found[1] or "inf"),
    ),
    switch("result hosts", "links lead to a host that is not Kie.ai's"),
)
