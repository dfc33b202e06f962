"""Stop new tasks and let them be created again, for admins."""

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.api_key import Scope
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import StopCreations
from kie_gateway.web.resolver import OF_A_BODY, answers


def add_creation_routes(desk: Desk) -> None:
    """Add the routes."""
    app, gateway = desk.app, desk.gateway

    @app.post("/v1/creations/stop", responses=answers({204: "Stopped"}, *OF_A_BODY), tags=["keys"])
    @app.needs(Scope.ADMIN)
    def stop_creations(body: StopCreations) -> Response[None]:
        """Stop new tasks, everywhere within 10 seconds; what runs goes on."""
        gateway.creation_switch.stop(body.reason, gateway.now())
        return Response(204)

    @app.delete("/v1/creations/stop", responses=answers({204: "Resumed"}), tags=["keys"])
    @app.needs(Scope.ADMIN)
    def resume_creations() -> Response[None]:
        """Let tasks be created again, everywhere within 10 seconds."""
        gateway.creation_switch.resume()
        return Response(204)
