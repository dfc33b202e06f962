"""
Ids of tasks that follow from what they belong to and their place in it.

So whoever creates such a task, and however often, creates the same one, and whoever knows the whole
can read its parts without a search. Like other ids they are ULIDs: the time is that of the whole,
and in the place of chance stand the place (three characters) and a digest (65 bits).
"""

import hashlib

# Crockford's Base32, as in the ULID specification.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_LENGTH, _PLACE_LENGTH, _DIGEST_LENGTH = 10, 3, 13
_TASK = "task_"


def derived_task_id(whole_id: str, place: int) -> str:
    """
    Return the id of a task at a place of a whole.

    Args:
        whole_id: Of a task or a batch: a word, `_` and a ULID in lower case.
        place: From 0, below 32,768.
    """
    time = whole_id.rpartition("_")[2][:_TIME_LENGTH]
    digest = hashlib.sha256(f"{whole_id}/{place}".encode()).digest()
    return (
        _TASK
        + time
        + _base32(place, _PLACE_LENGTH)
        + _base32(int.from_bytes(digest), _DIGEST_LENGTH)
    )


def _base32(value: int, length: int) -> str:
    return "".join(_ALPHABET[(value >> 5 * place) & 31] for place in reversed(range(length)))
