"""Dials for uploads, which are written into the path, the name or the URL of the file."""

from __future__ import annotations

from simulator.dials.kinds import TIMES, Dial, Fault, amount, switch, times_of

DIALS = (
    Dial(
        "[upload 500] [upload 401] [upload 429] [upload 502 x2]",
        "the upload is answered with that HTTP status; x2: the first two with this dial",
        f"upload (400|401|405|413|429|500|502|503){TIMES}",
        "upload_fault",
        lambda found: Fault("status", int(found[1]), times_of(found)),
    ),
    Dial(
        "[upload drop]",
        "the connection is closed without an answer",
        "upload (drop)",
        "upload_fault",
        lambda _: Fault("drop"),
    ),
    amount("upload slow", "20", "the upload takes 20 s"),
    switch("upload quickstart", "the answer has the keys of the quick-start page"),
)
