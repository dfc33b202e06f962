"""Routers, to which each resource adds its routes as functions that can be imported."""

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter


def new_router() -> APIGatewayHttpRouter:
    """Make a router without routes; `app.py` includes it."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped
