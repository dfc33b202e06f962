"""
Record a true body of each event.

`python -m tests.functional.event_examples` writes them anew, with ids and times that stay.
"""

import json
from typing import Any

from kie_gateway.core.events.event_type import EventType
from kie_gateway.web.events.examples import PATH
from tests.functional.examples import ADMIN, PROMPT, Recorder, make_admin
from tests.functional.test_groups import child
from tests.functional.world import MODEL, OWNER, World
from tests.receiver import Receiver, Said, receiving

_ENDPOINT = "we_01kjd3x7h80000000000000099"
_RECEIVER = "https://app.example/hooks/kie"


def record_events(world: World, receiver: Receiver) -> dict[str, dict[str, Any]]:
    """Let everything happen that is told, and return the first body of each type."""
    make_admin(world)
    world.run()
    world.outgoing.on_the_bus()
    recorder = Recorder(world)
    wish = {"prompt": PROMPT, "aspect_ratio": "16:9"}
    _create(world, {"model": MODEL, "input": wish, "metadata": {"order": "4711"}})
    world.run()
    _create(world, child("a kite that Kie.ai does not make [fail 501 Internal Error]"))
    _create(world, {**child("a kite that comes late [slow 100]"), "deadline_seconds": 60})
    _create(world, {**child("a kite [create drop] [webhook lost]"), "deadline_seconds": 600})
    unwanted = _create(world, child("another kite [slow 60]"))
    world.http.post(f"/v1/tasks/{unwanted}/cancel").raise_for_status()
    world.run()
    world.http.post("/v1/batches", json={"item": child(PROMPT), "count": 2}).raise_for_status()
    world.run()
    _disable(world, receiver)
    _spend(world)
    return _cleaned(recorder, _first_of_each(world, receiver))


def _create(world: World, body: dict[str, Any]) -> str:
    answer = world.http.post("/v1/tasks", json=body)
    assert answer.status_code == 202, answer.text
    world.settle_down()
    task_id: str = answer.json()["id"]
    return task_id


def _disable(world: World, receiver: Receiver) -> None:
    """Let a receiver be tried, and then be gone."""
    answer = world.http.post("/v1/webhook-endpoints", json={"url": receiver.url})
    place = f"/v1/webhook-endpoints/{answer.json()['id']}"
    world.http.post(f"{place}/test").raise_for_status()
    world.run()
    receiver.answer = lambda _, __: Said(410)
    world.create("a kite that nobody is told of")
    world.run()


def _spend(world: World) -> None:
    """Let a balance fall below what is low."""
    grant = {"owner": OWNER, "credits": 102, "reason": "invoice 2026-117"}
    headers = {"Authorization": f"Bearer {ADMIN}"}
    world.http.post("/v1/credits/grant", json=grant, headers=headers).raise_for_status()
    world.create("one more kite")
    world.run()


def _first_of_each(world: World, receiver: Receiver) -> dict[str, dict[str, Any]]:
    told = [*world.outgoing.on_the_bus(), *(one.event for one in receiver.got)]
    found: dict[str, dict[str, Any]] = {}
    for one in told:
        found.setdefault(one["type"], {name: one[name] for name in one if name != "owner"})
    return {type_.value: found[type_] for type_ in EventType}


def _cleaned(recorder: Recorder, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    recorder.found = found
    cleaned = recorder.examples()
    for event in cleaned.values():
        data = event["data"]
        if "endpoint_id" in data:
            data["endpoint_id"] = _ENDPOINT
        if data.get("object") == "webhook_endpoint":
            data |= {"id": _ENDPOINT, "url": _RECEIVER}
        if "id" in data:
            number = event["id"].rpartition("_")[2]
            event["id"] = f"evt_{data['id'].partition('_')[2]}_{number}"
        elif event["type"] == EventType.WEBHOOK_TEST:
            event["id"] = "evt_01kjd3x7h80000000000000098"
        event["timestamp"] = event["timestamp"].replace("Z", ".000Z")
    return cleaned


if __name__ == "__main__":
    with receiving() as gone:
        parameters = {"WebhookHosts": gone.place}
        with World(tells=True, parameters=parameters) as whole_world:
            bodies = record_events(whole_world, gone)
    PATH.write_text(json.dumps(bodies, indent=1, ensure_ascii=False) + "\n")
