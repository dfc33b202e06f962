"""One AWS account and one Kie.ai for the tests of a module, and a way to run commands on them."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.cloud import reset_moto
from simulator.server import KieSimulator
from tests.deploy.aws import REGION, Account, new_account

ROOT = Path(__file__).parents[2]
API_KEY = "key-of-the-kie-account"
# What is set up already is not set up again.
MAKE = [
    *("make", "--no-print-directory"),
    *(word for done in ("build", ".venv/.done", ".venv-sam/.done") for word in ("-o", done)),
]

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = new_account(tmp_path_factory.mktemp("tls"))
    made.start()
    yield made
    made.stop()
    reset_moto()


@pytest.fixture(scope="module")
def kie() -> Iterator[KieSimulator]:
    with KieSimulator(port=0, api_key=API_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where deploy.toml lies."""
    return tmp_path_factory.mktemp("deploy")


@pytest.fixture(scope="module")
def run(account: Account, folder: Path) -> Run:
    """
    Run a `make` command as it stands in the README, with answers on its input.

    SAM is the real one. Nothing is built, which takes minutes and needs a package index: SAM packs
    the folders as they are.
    """

    def run(command: str, *, answers: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **account.environment,
            "DEPLOY_FILE": str(folder / "deploy.toml"),
            "AWS_REGION": REGION,
            # SAM looks every five seconds how far CloudFormation has come; moto is done at once.
            "SAM_CLI_POLL_DELAY": "0.2",
            # As if `make build` had been done.
            "TEMPLATE": str(ROOT / "template.yaml"),
            **environ,
        }
        return subprocess.run(
            [*MAKE, *shlex.split(command.removeprefix("make "))],
            input=answers,
            env={name: value for name, value in environment.items() if value},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run
