"""The service itself: health, its description, and its pages; no key needed."""

from aws_lambda_powertools.event_handler import Response

from kie_gateway.version import VERSION
from kie_gateway.web.desk import Desk
from kie_gateway.web.docs_page import docs_page
from kie_gateway.web.models import HealthBody


def add_service_routes(desk: Desk) -> None:
    """Add the routes."""
    app = desk.app

    @app.get("/v1/health", tags=["service"], security=[])
    @app.needs(None)
    def health() -> HealthBody:
        """Tell that the gateway answers. No key needed."""
        return HealthBody(version=VERSION)

    @app.get("/v1/openapi.json", include_in_schema=False)
    @app.needs(None)
    def openapi() -> Response[str]:
        """Describe the API. No key needed."""
        return Response(200, content_type="application/json", body=app.get_openapi_json_schema())

    @app.get("/docs", include_in_schema=False)
    @app.needs(None)
    def docs() -> Response[str]:
        """Show the API to people. No key needed."""
        page = docs_page(app.get_openapi_json_schema())
        return Response(200, content_type="text/html; charset=utf-8", body=page)

    @app.get("/", include_in_schema=False)
    @app.needs(None)
    def root() -> Response[None]:
        """Lead people to the documentation."""
        return Response(302, headers={"Location": "/docs"})

    @app.get("/docs/", include_in_schema=False)
    @app.needs(None)
    def docs_with_a_slash() -> Response[None]:
        """Lead people to the documentation, too."""
        return Response(308, headers={"Location": "/docs"})

    @app.get("/favicon.ico", include_in_schema=False)
    @app.needs(None)
    def icon() -> Response[None]:
        """Have no icon, so that browsers do not ask again."""
        return Response(204, headers={"Cache-Control": "public, max-age=86400"})
