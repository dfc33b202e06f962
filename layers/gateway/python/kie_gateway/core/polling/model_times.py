"""
How long a model takes, as this deployment has seen it.

Times are counted in buckets that grow by a fifth, so that any number of tasks takes the same space
and a quantile is right to a tenth. Until there are enough, the model's typical time is spread as
generators' times usually are (`core/polling/schedule.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

ENOUGH = 20
BUCKETS = 64
_GROWTH = 1.2


@dataclass(frozen=True)
class Observed:
    """Times of a model's finished tasks: how many, and quantiles in seconds."""

    count: int
    p50: float
    p80: float
    p95: float
    p99: float


def bucket_of(seconds: float) -> int:
    """Choose the bucket of a time: 0 up to 1 s, then each a fifth wider, the last without end."""
    if seconds <= 1:
        return 0
    return min(math.ceil(math.log(seconds, _GROWTH)), BUCKETS - 1)


def observe(counts: Mapping[int, int]) -> Observed | None:
    """Read quantiles from the counts of buckets; None while there are too few tasks."""
    count = sum(counts.values())
    if count < ENOUGH:
        return None
    p50, p80, p95, p99 = (_quantile(counts, count * q) for q in (0.5, 0.8, 0.95, 0.99))
    return Observed(count, p50, p80, p95, p99)


def _quantile(counts: Mapping[int, int], rank: float) -> float:
    passed = 0
    for bucket in sorted(counts):
        if passed + counts[bucket] >= rank:
            low, high = _GROWTH ** (bucket - 1) if bucket else 0.0, _GROWTH**bucket
            return round(low + (high - low) * (rank - passed) / counts[bucket], 1)
        passed += counts[bucket]
    return round(_GROWTH ** max(counts), 1)
