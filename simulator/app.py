"""Puts the routes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from simulator import (
    access,
    catalogue,
    common,
    files,
    history,
    inspection,
    uploads,
)
from simulator.answers import envelope, hang_up, json_body, refusal
from simulator.database import DatabaseClosedError
from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from simulator.service import Service


def make_app(service: Service) -> Flask:
    """Make the application."""
    app = Flask("kie", static_folder=None)

    @app.before_request
    def check_caller() -> None:
        try:
            access.check(service.settings)
        except RefusedError as refused:
            if request.method == "POST":
                service.refuse(json_body(), refused)
            raise

    app.register_error_handler(RefusedError, refusal)
    app.register_error_handler(DatabaseClosedError, _hung_up)
    app.register_error_handler(HTTPException, _not_here)
    for family in service.families.values():
        app.register_blueprint(family.routes(service))
    for part in (common, files, history, inspection, uploads):
        app.register_blueprint(part.routes(service))
    app.register_blueprint(catalogue.routes())
    return app


def _hung_up(_: DatabaseClosedError) -> Response:
    return hang_up()


def _not_here(error: HTTPException) -> Response:
    status = error.code or 500
    return envelope(status, error.name, status=status)
