"""Creations under an idempotency key, made by the flow itself, so that a test may step between."""

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.flows.tasks.create_task import Created, NewTask
from kie_gateway.flows.tasks.draft_task import Draft
from tests.functional.world import MODEL, OWNER, World


def create_keyed(
    world: World, key: str, fingerprint: str, reservation: Reservation | None = None
) -> Created:
    """Create a kite."""
    gateway = world.gateway("ApiFunction")
    draft = Draft(
        owner=OWNER,
        model=MODEL,
        family="market",
        input={"prompt": "a kite"},
        metadata={},
        deadline_seconds=600,
        callback_base_url=world.cloud.url,
        reservation=reservation,
    )
    new = NewTask(draft, idempotency_key=key, fingerprint=fingerprint)
    created: Created = gateway.create_task(new)
    return created
