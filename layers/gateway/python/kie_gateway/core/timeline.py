"""The timeline of a task: one entry for everything that happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Happened(StrEnum):
    """What an entry tells of."""

    CREATED = "created"
    SUBMITTED = "submitted"
    SUBMISSION_WAITING = "submission_waiting"
    SUBMISSION_STARTED = "submission_started"
    SUBMISSION_REFUSED = "submission_refused"
    SUBMISSION_UNKNOWN = "submission_unknown"
    WEBHOOK_ACCEPTED = "webhook_accepted"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_REFUSED = "webhook_refused"
    WEBHOOK_UNCLEAR = "webhook_unclear"
    IMPORTED = "imported"
    KIE_ASKED = "kie_asked"
    HISTORY_ASKED = "history_asked"
    LINKS_GUESSED = "links_guessed"
    RESULT_REPORTED = "result_reported"
    STORING_STARTED = "storing_started"
    STORING_FAILED = "storing_failed"
    HOST_NOT_LISTED = "host_not_listed"
    STORED = "stored"
    PREVIEW_KEPT = "preview_kept"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FELL_BACK = "fell_back"
    CANCELED = "canceled"
    EXPIRED = "expired"
    CREDITS_SETTLED = "credits_settled"
    DELETED = "deleted"
    REFRESHED = "refreshed"
    WATCH_STARTED = "watch_started"
    CHILD_CREATED = "child_created"
    CHILD_UNNEEDED = "child_unneeded"
    CHILDREN_SKIPPED = "children_skipped"


@dataclass(frozen=True)
class Entry:
    """
    One entry.

    Attributes:
        message: A sentence for people, without secrets.
        facts: Short facts for programs; strings, numbers and booleans.
    """

    happened: Happened
    at: datetime
    message: str
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
