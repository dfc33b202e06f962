"""
SAM's own translator, which lives in the SAM CLI's environment (see requirements-sam.in).

It is asked in a process of its own, which takes about a second, and what it said is kept in
`.dev/translated` under a hash of all that it depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sam_template.template import ROOT

if TYPE_CHECKING:
    from sam_template.template import Document

PYTHON = ROOT / ".venv-sam" / "bin" / "python"
KEPT = ROOT / ".dev" / "translated"
_VERSIONS = ROOT / "requirements-sam.txt"
# Run over there, so it may import nothing of ours.
_PROGRAM = """
import json, sys
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

question = json.load(sys.stdin)
json.dump(transform(question["document"], question["values"], NoManagedPolicies()), sys.stdout)
"""


class TranslationError(Exception):
    """The template cannot be translated; the message says why."""


def translate(document: Document, values: dict[str, str]) -> Document:
    """
    Expand a SAM template into CloudFormation's own resources.

    Args:
        document: The template; the places of code must already be addresses in S3.
        values: Of the parameters that SAM itself has to know; all others stay references.

    Raises:
        TranslationError: SAM refuses the template, or its environment is missing.

    """
    question = json.dumps({"document": document, "values": values}, sort_keys=True)
    everything = "\0".join((question, _PROGRAM, _VERSIONS.read_text()))
    kept = KEPT / f"{hashlib.sha256(everything.encode()).hexdigest()}.json"
    with suppress(OSError, ValueError):
        known: Document = json.loads(kept.read_text())
        return known
    answer = _ask(question)
    _keep(kept, answer)
    translated: Document = json.loads(answer)
    return translated


def _ask(question: str) -> str:
    if not PYTHON.exists():
        raise TranslationError("the SAM CLI's environment is missing: run `make .venv-sam/.done`")
    # The translator wants to know of a region; what it writes is the same for all of them.
    environment = {"PATH": os.defpath, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [PYTHON, "-I", "-c", _PROGRAM],
        input=question,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TranslationError(done.stderr.strip().rpartition("\n")[2])
    return done.stdout


def _keep(kept: Path, answer: str) -> None:
    """Write the whole file or none: several processes may do so at once."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as written:
        written.write(answer)
    Path(written.name).replace(kept)
