"""The models that a task is tried with, one after the other: what was asked for, and `fallback`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kie_gateway.core.failure import Category, Failure


@dataclass(frozen=True)
class Alternative:
    """
    A model that a task may be tried with.

    Attributes:
        input: As this model takes it; an excerpt where the whole lies beside the record.
        price: What it is expected to cost; what is set aside for unknown prices if nobody knows.
        credits_estimated: The catalogue's estimate, None if there is none.
        input_bytes: Size of the whole input where `input` is an excerpt, or else None.
        input_file: Number of the file that holds the whole input.
        expected_seconds: How long it is expected to take, None if nobody knows.
        is_retired: Whether Kie.ai is known not to offer it any more, so that it is passed over.
    """

    model: str
    family: str
    kind: str
    input: Mapping[str, Any]
    price: Decimal
    credits_estimated: Decimal | None = None
    input_bytes: int | None = None
    input_file: int = 0
    expected_seconds: int | None = None
    is_retired: bool = False


class AttemptStatus(StrEnum):
    """What became of an attempt that is over: Kie.ai did not take it, or took it and failed."""

    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Attempt:
    """
    An attempt that came to nothing, so that another model is tried.

    Attributes:
        credits: What it cost: Kie.ai charges nothing for a refusal or a failure.
        upstream_task_id: Kie's id of it; None if Kie.ai never took it.
        submitted_at: When Kie.ai took it.
    """

    tried: Alternative
    status: AttemptStatus
    error: Failure
    ended_at: datetime
    credits: Decimal = Decimal(0)
    upstream_task_id: str | None = None
    submitted_at: datetime | None = None


def retired_attempt(model: Alternative, now: datetime) -> Attempt:
    """Return the attempt with a model that needs no question, as Kie.ai is known to refuse it."""
    words = "Kie.ai has retired the model."
    failure = Failure("model_retired", Category.UPSTREAM, words, retryable=False)
    return Attempt(model, AttemptStatus.REFUSED, failure, now)
