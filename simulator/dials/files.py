"""Dials for result files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.dials.kinds import TIMES, Dial, Fault, amount, switch, times_of

if TYPE_CHECKING:
    import re


def _status(found: re.Match[str]) -> Fault:
    return Fault("status", int(found[1]), times_of(found, 1))


DIALS = (
    Dial(
        "[file gone] [file gone once]",
        "result links answer 404; once: status calls return a good link after the first was tried",
        "file (gone|gone once)",
        "file",
        lambda found: found[1].lower(),
    ),
    Dial(
        "[file empty] [file short] [file cut] [file html]",
        "the file has no bytes; or its connection breaks off half-way; or it is half a file that "
        "looks whole; or a page of HTML in its place",
        "file (empty|short|cut|html)",
        "file",
        lambda found: found[1].lower(),
    ),
    switch("file wrong type", "the file's bytes are of another type than its name and headers say"),
    switch("file no length", "the file is sent without its length"),
    switch("file redirect", "the link leads to another one, and that to the file"),
    switch("file redirect loop", "the link leads to itself"),
    switch("file redirect inside", "the link leads to a private address of the caller's network"),
    switch("file small", "a picture is a thumbnail of 360x360"),
    amount("preview for", "20", "the same, in the first 20 s after the task's end"),
    amount("preview after", "5", "a picture is a thumbnail from 5 s after the task's end on"),
    switch("preview last", "the last of several pictures is a thumbnail"),
    Dial(
        "[picture none] [picture gone] [picture 2048x1152]",
        "music: tracks come without a picture, or the links of their pictures answer 404, or the "
        "pictures have that size; through createTask, pictures are named with these dials only",
        r"picture (none|gone|\d{2,4}x\d{2,4})",
        "picture",
        lambda found: found[1].lower(),
    ),
    Dial(
        "[preview first] [preview first 2]",
        "the first link leads to a thumbnail of 360x360; once it was read, status calls return "
        "the link of the picture; 2: the first two links",
        r"preview first(?: (\d{1,2}))?",
        "preview first",
        lambda found: float(found[1] or 1),
    ),
    Dial(
        "[file 403] [file 429] [file 503 x3]",
        "the first download is answered with that HTTP status; x3: the first three",
        f"file (401|403|404|410|429|500|502|503|504|524){TIMES}",
        "file_fault",
        _status,
    ),
    amount("file slow", "10", "the file takes 10 s to arrive"),
    amount("file large", "50", "the file is followed by 50 MB of padding"),
    amount(
        "file expires", "60", "links answer 403 60 s after the task's end; download-url still helps"
    ),
    switch("source works", "Suno: a track's source links give the file whatever other dials say"),
    switch("guess", "the file is also where clients guess it: /s/<id>_0.png, /v/<id>_<s>.mp4"),
)
