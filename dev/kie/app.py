"""Puts the routes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from dev.kie import common, files, history, inspection, uploads
from dev.kie.account import RefusedError
from dev.kie.answers import check_caller, envelope, json_body, outage
from dev.kie.connection import DROP
from dev.kie.database import DatabaseClosedError
from dev.kie.service import OutageError

if TYPE_CHECKING:
    from dev.kie.service import Service


def make_app(service: Service) -> Flask:
    """Make the application."""
    app = Flask("kie", static_folder=None)

    @app.before_request
    def check_key() -> None:
        if not request.path.startswith("/api/") or request.path.startswith("/api/v1/playground"):
            return
        try:
            check_caller(service.settings.api_key)
        except RefusedError as refused:
            if request.method == "POST":
                service.refuse(json_body(), refused)
            raise

    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(OutageError, _broken)
    app.register_error_handler(DatabaseClosedError, _hung_up)
    app.register_error_handler(HTTPException, _not_here)
    for family in service.families.values():
        app.register_blueprint(family.routes(service))
    for part in (common, files, history, inspection, uploads):
        app.register_blueprint(part.routes(service))
    return app


def _refused(refused: RefusedError) -> Response:
    return envelope(refused.code, refused.message)


def _broken(_: OutageError) -> Response:
    return outage()


def _hung_up(_: DatabaseClosedError) -> Response:
    request.environ[DROP] = True
    return Response()


def _not_here(error: HTTPException) -> Response:
    status = error.code or 500
    return envelope(status, error.name, status=status)
