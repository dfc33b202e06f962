"""How the models that a task is tried with are written into its item, and read."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from kie_gateway.core.alternatives import Alternative, Attempt, AttemptStatus
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.keepable import keepable

# Of what Kie.ai says of an attempt.
_LONGEST_CODE = 200


def alternative_values(one: Alternative) -> dict[str, Any]:
    """Write an alternative as values of JSON; what says nothing is left out."""
    values = {
        **vars(one),
        "price": f"{one.price:f}",
        "credits_estimated": _amount(one.credits_estimated),
    }
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


def read_alternative(values: Mapping[str, Any]) -> Alternative:
    """Read an alternative."""
    estimated = values.get("credits_estimated")
    return Alternative(
        model=values["model"],
        family=values["family"],
        kind=values["kind"],
        input=values["input"],
        price=Decimal(values["price"]),
        credits_estimated=None if estimated is None else Decimal(estimated),
        input_bytes=values.get("input_bytes"),
        input_file=values.get("input_file", 0),
        expected_seconds=values.get("expected_seconds"),
        is_retired=values.get("is_retired", False),
    )


def attempt_values(attempt: Attempt) -> dict[str, Any]:
    """Write an attempt as values of JSON."""
    error = attempt.error
    return {
        "tried": alternative_values(attempt.tried),
        "status": attempt.status.value,
        "error": {
            "code": keepable(error.code, _LONGEST_CODE),
            "category": error.category.value,
            "message": keepable(error.message),
            "retryable": error.retryable,
        },
        "ended_at": attempt.ended_at.isoformat(),
        "credits": f"{attempt.credits:f}",
        "upstream_task_id": attempt.upstream_task_id,
        "submitted_at": attempt.submitted_at.isoformat() if attempt.submitted_at else None,
    }


def read_attempt(values: Mapping[str, Any]) -> Attempt:
    """Read an attempt."""
    error, submitted_at = values["error"], values.get("submitted_at")
    return Attempt(
        tried=read_alternative(values["tried"]),
        status=AttemptStatus(values["status"]),
        error=Failure(
            error["code"], Category(error["category"]), error["message"], error["retryable"]
        ),
        ended_at=datetime.fromisoformat(values["ended_at"]),
        credits=Decimal(values["credits"]),
        upstream_task_id=values.get("upstream_task_id"),
        submitted_at=datetime.fromisoformat(submitted_at) if submitted_at else None,
    )


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
