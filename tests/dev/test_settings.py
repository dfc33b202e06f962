"""Parameters and environment: what is given wins, what is wrong is named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dev import settings
from sam_template import parameters
from sam_template.parameters import ParameterError
from sam_template.template import Template, fill
from tests.dev.support import ROOT, SMALL_STACK

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Template(SMALL_STACK)
REAL = Template()


def test_overrides_are_written_as_for_sam_deploy() -> None:
    """Quotes hold words together; an equals sign may be part of a value."""
    text = "Name=Value Other='a b' Third=\"x=y\" Empty="
    expected = {"Name": "Value", "Other": "a b", "Third": "x=y", "Empty": ""}
    assert parameters.parse_overrides(text) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Nope=1 Wait=2", "unknown parameter Nope"),
        ("Greeting=UPPER", r"Greeting=UPPER must match \[a-z\]\+"),
        ("Wait=0", "Wait=0 must be at least 1"),
        ("Wait=10", "Wait=10 must be at most 9"),
        ("Wait=soon", "Wait=soon must be a number"),
        ("Mode=other", "Mode=other must be one of"),
        ("Hidden=toolong", "^Hidden must be at most 5 characters"),
        ("word", "'word' is not of the form Name=Value"),
        ("Other='a", "cannot be read"),
    ],
)
def test_wrong_parameters_are_named(given: str, message: str) -> None:
    """In one line, with the names that exist; a secret's value is not repeated."""
    with pytest.raises(ParameterError, match=message) as caught:
        parameters.resolve(SMALL.parameters, parameters.parse_overrides(given))
    assert "\n" not in str(caught.value)
    assert "toolong" not in str(caught.value)


def test_parameters_without_default_need_a_value() -> None:
    """As in CloudFormation."""
    with pytest.raises(ParameterError, match="Key needs a value; parameters are Key"):
        parameters.resolve({"Key": {"Type": "String"}}, {})


def test_simulator_brings_its_own_defaults(tmp_path: Path) -> None:
    """Fast polling, its host among those results may come from, one port further on."""
    environ = {"GATEWAY_STATE": str(tmp_path), "GATEWAY_PORT": "18000"}
    chosen = settings.read(environ, REAL)
    values = chosen.values
    port = chosen.simulator_port
    assert chosen.kie_url == values["KieBaseUrl"] == f"http://127.0.0.1:{port}"
    assert values["PublicBaseUrl"] == chosen.public_url == "http://127.0.0.1:18000"
    assert values["ResultHosts"].endswith(f",127.0.0.1:{port}")
    assert (values["FirstPollSeconds"], values["DeadlineSeconds"]) == ("4", "600")
    assert (chosen.kie_keys["api_key"], values["AllowedOrigins"]) == ("local", "*")
    assert settings.read(environ, REAL).simulator_port == port


def test_simulator_avoids_a_port_in_use(tmp_path: Path) -> None:
    """And takes the same one next time."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {"GATEWAY_STATE": str(tmp_path), "GATEWAY_PORT": str(port - 1)}
        chosen = settings.read(environ, REAL).simulator_port
        assert chosen not in {None, 0, port}
        assert settings.read(environ, REAL).simulator_port == chosen


def test_real_kie_keeps_the_templates_timing() -> None:
    """Its state is kept apart from the simulator's, and the tunnel's address is taken."""
    environ = {
        "KIE_BASE_URL": "https://api.kie.ai/",
        "KIE_API_KEY": "k",
        "PUBLIC_URL": "https://tunnel.example.com/",
        "GATEWAY_PARAMETERS": "PollCapSeconds=7 ResultHosts=only.example.com",
    }
    chosen = settings.read(environ, REAL)
    assert chosen.simulator_port is None
    assert chosen.state_folder == ROOT / ".dev" / "8000-api-kie-ai"
    assert chosen.values["FirstPollSeconds"] == "0"
    assert chosen.values["PollCapSeconds"] == "7"
    assert chosen.values["ResultHosts"] == "only.example.com"
    assert chosen.values["PublicBaseUrl"] == "https://tunnel.example.com"
    assert chosen.kie_keys == {"api_key": "k"}


def test_definitions_keep_the_context_object() -> None:
    """`$$.` is not a place to fill."""
    assert fill("${A} $$.Execution.Name $.x", {"A": "1"}) == "1 $$.Execution.Name $.x"


def started(**environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m dev`, which is expected to refuse."""
    command = [sys.executable, "-m", "dev"]
    env = {**os.environ, **environ}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=20, check=False
    )


def test_busy_port_is_said_in_one_line() -> None:
    """No traceback, and nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = started(GATEWAY_PORT=str(port), KIE_BASE_URL="http://127.0.0.1:9")
    assert refused.returncode == 2
    assert refused.stderr == f"port {port} is in use; set GATEWAY_PORT to another\n"


def test_wrong_parameters_end_the_program() -> None:
    """With status 2 and one line."""
    refused = started(GATEWAY_PARAMETERS="DeadlineSecond=60", KIE_BASE_URL="http://127.0.0.1:9")
    assert refused.returncode == 2
    assert refused.stderr.startswith("GATEWAY_PARAMETERS: unknown parameter DeadlineSecond; ")
    assert refused.stderr.count("\n") == 1
    assert "DeadlineSeconds" in refused.stderr


def test_region_and_dials_are_read(tmp_path: Path) -> None:
    """A person's own AWS_REGION is left alone; what is wrong is named."""
    environ = {"GATEWAY_STATE": str(tmp_path), "GATEWAY_PORT": "8123", "AWS_REGION": "eu-west-1"}
    usual = settings.read(environ, REAL)
    assert usual.region == "us-east-1"
    assert 0 < usual.dials.index_lag_seconds < 1
    chosen = settings.read(
        {**environ, "GATEWAY_REGION": "eu-south-1", "GATEWAY_DIALS": "index_lag_seconds=3"}, REAL
    )
    assert (chosen.region, chosen.dials.index_lag_seconds) == ("eu-south-1", 3)
    for wrong in ({"GATEWAY_REGION": "Milan"}, {"GATEWAY_DIALS": "speed=9"}):
        with pytest.raises(settings.SettingsError, match=next(iter(wrong))):
            settings.read({**environ, **wrong}, REAL)
