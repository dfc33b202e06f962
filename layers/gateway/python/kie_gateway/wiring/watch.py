"""WatchFunction."""

from kie_gateway.core.task import CompletedBy
from kie_gateway.flows.watch_task import Watch
from kie_gateway.settings import WatchFunctionSettings, load
from kie_gateway.wiring.storing import Storing


class WatchGateway(Storing):
    """Everything WatchFunction uses."""

    def __init__(self) -> None:
        super().__init__(load(WatchFunctionSettings))
        self.watch = Watch(
            tasks=self.tasks,
            submit=self.submit,
            ask=lambda task: self.ask(task, CompletedBy.POLL),
            store=self.store,
            line=self.line,
            now=self._tell_time,
            pause=self._pause,
        )
