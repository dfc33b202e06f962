"""Who may call a route: each declares the scope that it takes."""

from collections.abc import Callable
from typing import Any

from kie_gateway.core.callers.api_key import Scope

_NEEDS: dict[Callable[..., Any], Scope | None] = {}


def needs[Handler: Callable[..., Any]](scope: Scope | None) -> Callable[[Handler], Handler]:
    """
    Declare which scope a route takes; None opens it to everybody, without a key.

    A route that declares nothing is for admins only.
    """

    def mark(handler: Handler) -> Handler:
        _NEEDS[handler] = scope
        return handler

    return mark


def scope_of(handler: Callable[..., Any]) -> Scope | None:
    """Return the scope that a route takes, None if it is open to everybody."""
    return _NEEDS.get(handler, Scope.ADMIN)


def is_declared(handler: Callable[..., Any]) -> bool:
    """Whether a route says who may call it."""
    return handler in _NEEDS
