"""Make the HTTP API from its use cases."""

from kie_gateway.web.batches.routes import router as batches
from kie_gateway.web.catalogue.routes import router as catalogue
from kie_gateway.web.credits.routes import router as credit_accounts
from kie_gateway.web.keys.routes import router as keys
from kie_gateway.web.outputs.permalink_routes import router as permalinks
from kie_gateway.web.outputs.routes import router as outputs
from kie_gateway.web.realtime.routes import router as realtime
from kie_gateway.web.recipes.routes import router as recipes
from kie_gateway.web.resolver import GatewayResolver
from kie_gateway.web.service.creation_switch import router as creation_switch
from kie_gateway.web.service.routes import router as service
from kie_gateway.web.tasks.creation_routes import router as task_creations
from kie_gateway.web.tasks.import_routes import router as imports
from kie_gateway.web.tasks.routes import router as tasks
from kie_gateway.web.uploads.routes import router as uploads
from kie_gateway.web.use_cases import UseCases
from kie_gateway.web.webhooks.delivery_routes import router as deliveries
from kie_gateway.web.webhooks.routes import router as webhook_endpoints

# In the order of the API's document.
ROUTERS = (
    *(task_creations, tasks, batches, imports, outputs, permalinks, uploads, catalogue, recipes),
    *(webhook_endpoints, deliveries, realtime),
    *(credit_accounts, keys, creation_switch, service),
)


def make_app(use_cases: UseCases | None) -> GatewayResolver:
    """
    Make the HTTP API.

    Args:
        use_cases: None for an application that only describes itself.
    """
    app = GatewayResolver(use_cases)
    for router in ROUTERS:
        app.include_router(router)
    return app
