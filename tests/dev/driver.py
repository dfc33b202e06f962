"""Runs a stack as a program of its own, so that a test can kill it."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from dev.cloud import LocalCloud
from sam_template.template import Template

if __name__ == "__main__":
    folder, template = Path(sys.argv[1]), Template(Path(sys.argv[2]))
    with LocalCloud(template, state_folder=folder, prewarm=True) as cloud:
        facts = {"url": cloud.url, "access": cloud.access, "resources": cloud.resources}
        print(f"READY {json.dumps(facts)}", flush=True)
        threading.Event().wait()
