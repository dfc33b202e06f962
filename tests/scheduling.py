"""How `pytest -n` hands the tests out: what takes long first, and who shares a gateway together."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

# So that at the end no process of pytest is left alone with what takes minutes.
FIRST = ("faults", "running", "functional", "deploy", "dev", "contract", "simulator")
# The session's gateways take seconds to start, and each process of pytest would have its own.
ON_ONE_GATEWAY = frozenset(
    f"tests/running/test_{name}.py"
    for name in (
        *("api", "browser", "credits", "dials", "families", "live_updates"),
        *("refusals", "waiting"),
    )
)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # as above
    """Keeps the tests of a file in one process, and those that share a running gateway."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/running on one gateway" if file in ON_ONE_GATEWAY else file


def rank(nodeid: str) -> int:
    """Say how early a test is to begin."""
    folder = nodeid.partition("/")[2].partition("/")[0]
    return FIRST.index(folder) if folder in FIRST else len(FIRST)
