"""The simulator as an object: listens when entered, hangs up when left."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from simulator.app import make_app
from simulator.connection import Server
from simulator.families import FAMILIES
from simulator.log import log
from simulator.service import Service
from simulator.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

_BACKLOG = 512


class PortTakenError(Exception):
    """Somebody else listens there."""


class KieSimulator:
    """
    A simulated Kie.ai in this process.

    Args:
        settings: What to start from.
        options: Fields of `Settings` that differ.

    Example:
        with KieSimulator(port=0, seconds=0.1) as sim:
            httpx.get(sim.base_url)

    """

    def __init__(self, settings: Settings | None = None, /, **options: Any) -> None:
        self.settings = replace(settings or Settings(), **options)

    @property
    def base_url(self) -> str:
        return f"http://{self.settings.host}:{self._server.port}"

    def start(self) -> None:
        """
        Listen, and go on with what the last run left behind.

        Raises:
            PortTakenError: The port is in use.

        """
        listener = _listen(self.settings.host, self.settings.port)
        own_url = f"http://{self.settings.host}:{listener.getsockname()[1]}"
        self._service = Service(self.settings, FAMILIES, own_url)
        self._server = Server(listener, make_app(self._service))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        log("-", f"simulated Kie.ai on {own_url}")
        self._service.resume()

    def stop(self) -> None:
        """Hang up; what is not done is taken up at the next start."""
        self._server.shutdown()
        self._server.close_connections()
        self._service.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    try:
        # A burst of callers waits here instead of being turned away.
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        raise PortTakenError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}"
        ) from error
