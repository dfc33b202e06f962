"""
How `python -m dev` is set up: the environment, and the template's parameters.

`GATEWAY_REGION` says where the stack stands, such as `eu-south-1`; `AWS_REGION` is not read, for it
belongs to a person's own account. `GATEWAY_DIALS` turns dials (dials.py), such as
`GATEWAY_DIALS="index_lag_seconds=2 conflict_share=0.05 throttle_share=0.01"`; while the gateway
runs, `POST /_dev/dials` does, with JSON such as `{"conflict_next": 3}`.

Some of the template's parameters have other defaults here, while Kie.ai is simulated: the first
question to Kie.ai comes after 4 s where the template's own default (0) waits for the model's
typical time. `GATEWAY_PARAMETERS="FirstPollSeconds=0"` brings that back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dev.dials import DialError, Dials, parse
from dev.ports import choose_port, is_free
from sam_template import parameters
from sam_template.template import ROOT
from scripts import kie_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sam_template.template import Template

LOCAL_KEY = "kg_local_dev"
LOCAL_KIE_KEY = "local"
LOCAL_HISTORY_TOKEN = "sim-history-token"  # noqa: S105 - the simulator's own, good for nothing else
LOCAL_HMAC_KEY = "local-webhook-key"
# A simulated task takes seconds, so nobody should wait for what a real one takes.
_FAST = {"FirstPollSeconds": "4", "PollCapSeconds": "5", "DeadlineSeconds": "600"}
# Nothing is paid for, and there is one caller, who may want to see how much it takes.
_UNLIMITED = {"RequestsPerMinute": "0", "TasksAtOnce": "0"}


# As late as an account's own indexes and replicas usually are, and a patience that people have.
_DIALS = {"index_lag_seconds": 0.1, "read_lag_seconds": 0.05, "retry_seconds": 2.0}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class SettingsError(Exception):
    """Something in the environment that `python -m dev` cannot work with."""


@dataclass(frozen=True)
class Settings:
    """
    Everything the local cloud is told.

    Attributes:
        kie_url: Where Kie.ai answers, the simulator included.
        simulator_port: Where the simulator is to listen; None when there is none.
        values: The value of every template parameter.
        kie_keys: What the secret with Kie.ai's keys holds.
        region: Where the stack stands.
        dials: How late and how busy AWS is.

    """

    public_url: str
    kie_url: str
    simulator_port: int | None
    state_folder: Path
    values: Mapping[str, str]
    kie_keys: Mapping[str, str]
    region: str
    dials: Dials


def read(environ: Mapping[str, str], template: Template) -> Settings:
    """Read the environment; the simulator's port is chosen on the way."""
    port = read_port(environ)
    outside = environ.get("KIE_BASE_URL", "").rstrip("/")
    folder = Path(environ.get("GATEWAY_STATE") or ROOT / ".dev" / f"{port}-{_slug(outside)}")
    simulator_port = None if outside else _simulator_port(port, folder)
    kie_url = outside or f"http://127.0.0.1:{simulator_port}"
    public_url = environ.get("PUBLIC_URL", "").rstrip("/") or f"http://127.0.0.1:{port}"
    keys = _kie_keys(environ, simulated=not outside)
    given = _given(template, kie_url, public_url)
    try:
        overrides = parameters.parse_overrides(environ.get("GATEWAY_PARAMETERS", ""))
        values = parameters.resolve_all(template, {**given, **overrides})
    except parameters.ParameterError as exc:
        raise SettingsError(f"GATEWAY_PARAMETERS: {exc}") from exc
    try:
        dials = parse(environ.get("GATEWAY_DIALS", ""), **_DIALS)
    except (DialError, ValueError) as exc:
        raise SettingsError(f"GATEWAY_DIALS: {exc}") from exc
    region, state = _region(environ), folder.resolve()
    return Settings(public_url, kie_url, simulator_port, state, values, keys, region, dials)


def _region(environ: Mapping[str, str]) -> str:
    region = environ.get("GATEWAY_REGION") or "us-east-1"
    if not _REGION.fullmatch(region):
        raise SettingsError(f"GATEWAY_REGION={region} is not a region, such as eu-south-1")
    return region


def _kie_keys(environ: Mapping[str, str], *, simulated: bool) -> dict[str, str]:
    """Read Kie.ai's keys; the simulator has some of its own, good for nothing else."""
    own = {"api_key": LOCAL_KIE_KEY}
    if simulated:
        own |= {"webhook_hmac_key": LOCAL_HMAC_KEY, "history_token": LOCAL_HISTORY_TOKEN}
    try:
        return {**own, **kie_keys.read_environment(environ)}
    except kie_keys.KeyFormatError as exc:
        raise SettingsError(str(exc)) from exc


def _given(template: Template, kie_url: str, public_url: str) -> dict[str, str]:
    """Choose what takes the place of the template's defaults, before anyone overrides it."""
    given = {
        "KieBaseUrl": kie_url,
        "PublicBaseUrl": public_url,
        "AllowedOrigins": "*",
        "LiveUpdates": "true",
    }
    address = urlsplit(kie_url)
    if address.hostname in {"127.0.0.1", "localhost", "::1"}:
        hosts = template.parameters.get("ResultHosts", {}).get("Default", "")
        given["ResultHosts"] = f"{hosts},{address.netloc}".lstrip(",")
        given["KieUploadBaseUrl"] = given["GuessBaseUrl"] = kie_url
        given |= _FAST | _UNLIMITED
    return {name: value for name, value in given.items() if name in template.parameters}


def read_port(environ: Mapping[str, str]) -> int:
    """Read the port of the front, which is taken before anything else is done."""
    text = environ.get("GATEWAY_PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"GATEWAY_PORT={text} is not a port")
    return int(text)


def _slug(kie_url: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", urlsplit(kie_url).netloc.lower()) or "simulator"


def _simulator_port(port: int, folder: Path) -> int:
    """Take the port of last time if it is free: stored tasks name the simulator's links."""
    kept = folder / "simulator-port"
    last = [int(kept.read_text())] if kept.exists() else []
    chosen = next((p for p in (*last, port + 1) if is_free(p)), None) or choose_port()
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(str(chosen))
    return chosen
