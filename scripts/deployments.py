"""The answers given to `make deploy`, in a file beside the Makefile that git ignores."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "deploy.toml"
USUAL_STACK = "kie-gateway"
_HEAD = """\
# The answers given to `make deploy`. It contains no secrets, and you may edit it: settings that
# are not in it have the template's defaults. `stack` is the default of STACK=.
"""
_PLACE = ("region", "account", "profile")
# CloudFormation's own rule.
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class DeploymentsError(Exception):
    """The file, or a name in it, cannot be used."""


@dataclass(frozen=True)
class Deployment:
    """
    One stack of this gateway.

    Attributes:
        account: Its number in AWS.
        profile: Of AWS's configuration files; empty for the usual one.
        parameters: The template's parameters that differ from their defaults.
    """

    stack: str
    region: str
    account: str = ""
    profile: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def file() -> Path:
    """Return where it is; DEPLOY_FILE names another one."""
    return Path(os.environ.get("DEPLOY_FILE") or FILE)


def usual_stack() -> str | None:
    """Return the stack that is meant if none is named; None before the first deployment."""
    stack = os.environ.get("STACK") or _read().get("stack")
    return check_name(str(stack)) if stack else None


def find(stack: str) -> Deployment | None:
    """
    Read what is known of a stack.

    Raises:
        DeploymentsError: The file cannot be read.
    """
    known = _read().get("stacks", {}).get(stack)
    if known is None:
        return None
    parameters = {name: str(value) for name, value in known.get("parameters", {}).items()}
    told = {name: str(known.get(name, "")) for name in _PLACE}
    return Deployment(stack, parameters=parameters, **told)


def keep(deployment: Deployment) -> None:
    """Write it down for the next time, and for `make key` and the other commands."""
    document = _read()
    stacks = document.setdefault("stacks", {})
    stacks[deployment.stack] = {
        **{name: getattr(deployment, name) for name in _PLACE},
        "parameters": dict(deployment.parameters),
    }
    lines = [_HEAD, f"stack = {json.dumps(document.get('stack') or deployment.stack)}\n"]
    for name, one in stacks.items():
        lines.append(f"\n[stacks.{name}]\n")
        lines += [f"{key} = {json.dumps(one[key])}\n" for key in _PLACE if one.get(key)]
        lines.append(f"\n[stacks.{name}.parameters]\n")
        lines += [f"{key} = {json.dumps(str(value))}\n" for key, value in one["parameters"].items()]
    new = file().with_suffix(".new")
    new.write_text("".join(lines))
    new.replace(file())


def with_parameters(deployment: Deployment, parameters: Mapping[str, str]) -> Deployment:
    """Return a deployment with other parameters."""
    return replace(deployment, parameters=dict(parameters))


def check_name(stack: str) -> str:
    """
    Return a stack's name if CloudFormation would accept it.

    Raises:
        DeploymentsError: It would not.
    """
    if _STACK_NAME.fullmatch(stack) is None:
        raise DeploymentsError(f"a stack's name has letters, digits and hyphens: not {stack!r}")
    return stack


def _read() -> dict[str, Any]:
    try:
        return tomllib.loads(file().read_text())
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise DeploymentsError(f"{file()}: {error}") from error
