"""What of event buses takes a cloud of its own."""

from __future__ import annotations

import io
import json

from dev.cloud import LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.outgoing import EVENTS_STACK, outgoing


def test_what_a_condition_leaves_out_is_not_there() -> None:
    with outgoing(Archived="false") as bare:
        assert "Archive" not in bare.cloud.resources
        entry = {"Source": "gateway", "DetailType": "x", "Detail": "{}"}
        entry["EventBusName"] = bare.cloud.resources["Bus"]
        assert bare.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_a_functions_process_reaches_its_bus_and_no_other() -> None:
    """service-authorization: events:PutEvents is granted for each bus."""
    with LocalCloud(Template(EVENTS_STACK), log=Log(io.StringIO()), poll_queues=False) as cloud:
        given = {"Source": "gateway", "DetailType": "x", "Detail": "{}"}
        own = [{**given, "EventBusName": cloud.resources["Bus"]}]
        [done] = cloud.invoke("NewsFunction", {"entries": json.dumps(own)})
        [received] = cloud.events.since()
        assert done["EventId"] == received.event["id"]
        refused = cloud.invoke("NewsFunction", {"entries": json.dumps([*own, given])})
        assert refused["code"] == "AccessDeniedException"
        assert "events:PutEvents on resource: arn:aws:events:us-east-1" in refused["words"]
        assert len(cloud.events.since()) == 1
