"""Ports of this machine that a server may take a moment after they were chosen."""

import random
import socket

# Below 32768 (Linux) and 49152 (macOS, Windows) no system hands out ports to connections, which
# could take one between choosing and listening.
_FIRST, _LAST = 10240, 29999


def is_free(port: int) -> bool:
    """Return whether a server could listen on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def choose_port() -> int:
    """Choose a free loopback port that no outgoing connection is given."""
    # Not what a test has seeded: two processes would choose the same.
    chance = random.SystemRandom()
    while not is_free(port := chance.randint(_FIRST, _LAST)):
        pass
    return port
