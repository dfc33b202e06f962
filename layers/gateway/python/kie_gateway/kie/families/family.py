"""
The shape that every family of Kie.ai's APIs has; one module each, listed in `registry.py`.

Most families are a `Family` with other places and names; what else differs, they override.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from kie_gateway.core.polling.report import Report
from kie_gateway.core.spelling import respelled
from kie_gateway.kie import reading


@dataclass(frozen=True)
class Call:
    """A request to Kie.ai, without its base URL and key."""

    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Family:
    """
    One wire protocol that several models share.

    Attributes:
        name: As in the task's `family`.
        typical_seconds: Median time of a task whose model the catalogue does not know.
        creations: Where a task is asked for, by model id in lower case.
        asking_path: Where a task is asked about.
        fields: What it takes besides `callBackUrl`, all models together: others are ignored there
            and charged for all the same.
        history_path: Its page in Kie's own dashboard (undocumented), "" without one.
        history_takes_key: Whether that page was seen open to API keys.
        link_path: Where an expired link is exchanged for one that works for 20 minutes.
        names_task_for_links: Whether that exchange wants the task's id too.
        hosts_inputs: Whether its inputs must lie at Kie.ai itself.
        result_keys: Names under which its results stand, in any of the usual holders.
    """

    name: str
    typical_seconds: float
    creations: Mapping[str, str]
    asking_path: str
    fields: tuple[str, ...] = ()
    history_path: str = ""
    history_takes_key: bool = False
    link_path: str = "/api/v1/common/download-url"
    names_task_for_links: bool = False
    hosts_inputs: bool = False
    result_keys: tuple[str, ...] = reading.RESULT_KEYS

    def speaks(self, model: str) -> bool:
        """Whether the model is one of this family."""
        return model.lower() in self.creations

    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a task, with the flat body that all families but the Market take."""
        body = {**respelled(task_input, self.fields), "callBackUrl": callback_url}
        return Call("POST", self.creations[model.lower()], body=body)

    def known_id(self, model: str, task_input: Mapping[str, Any]) -> str | None:
        """Return a task's id before Kie.ai names one; None where each gets one of its own."""
        del model, task_input
        return None

    def question(self, model: str, upstream_task_id: str, task_input: Mapping[str, Any]) -> Call:
        """Ask how a task stands."""
        del model, task_input
        return Call("GET", self.asking_path, {"taskId": upstream_task_id})

    def interpret(self, body: Any) -> Report:
        """Read any answer, webhook or history record, whatever it is; never raises."""
        _, _, data = reading.envelope(body)
        sources = reading.sources_of(reading.links(data, self.result_keys))
        return reading.conclude(reading.look(body, sources))

    def guesses(self, upstream_task_id: str, completed_at: datetime | None) -> Sequence[str]:
        """Return paths on the file host where the result may be; none without a pattern."""
        del upstream_task_id, completed_at
        return ()
