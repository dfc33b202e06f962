"""
Bring the catalogue up to date with Kie's own list: `make catalogue`.

Adds models that are new (with an open schema, or Kie's own with `--schemas`), marks those that are
gone as `unlisted`, and takes over price texts. Schemas that are there are never touched.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from kie_gateway.catalogue.catalogue import PATH
from kie_gateway.kie.families.registry import family_of

type Entry = dict[str, Any]

# Names in Kie's list that are no ids of its API.
SLUGS = {"veo-3-1": "veo3_fast", "runway": "runway/generate", "4o-image-api": "gpt4o-image"} | {
    "flux1-kontext": "flux-kontext-pro"
}
_PAUSE_SECONDS = 1.0
_KINDS = (("video", "video"), ("music", "audio"), ("speech", "audio"), ("audio", "audio"))


def refresh(
    entries: list[Entry], listed: list[Entry], schema_of: Callable[[str], Entry | None]
) -> tuple[list[Entry], list[str]]:
    """
    Merge Kie's list into the catalogue.

    Args:
        listed: `data.models` of Kie's answer.
        schema_of: Tells the schema of a new model, None if there is none.

    Returns:
        The entries by id, and what was changed, in words.
    """
    by_id = {entry["id"]: dict(entry) for entry in entries}
    changes: list[str] = []
    seen = set()
    for one in listed:
        model_id: str = SLUGS.get(one["model"]) or one["model"]
        seen.add(model_id)
        if model_id not in by_id:
            by_id[model_id] = _new(model_id, one, schema_of(model_id))
            changes.append(f"new: {model_id}")
            continue
        changes += _update(by_id[model_id], one)
    for model_id, entry in by_id.items():
        if model_id not in seen and entry["family"] == "market" and entry["status"] == "current":
            entry["status"] = "unlisted"
            changes.append(f"not listed any more: {model_id}")
    return [by_id[model_id] for model_id in sorted(by_id)], changes


def _update(entry: Entry, one: Entry) -> list[str]:
    changes = []
    if entry["status"] == "unlisted":
        entry["status"] = "current"
        changes.append(f"listed again: {entry['id']}")
    text = (one.get("pricingDesc") or "").strip()
    if text and text != entry["credits"]["text"]:
        entry["credits"] = {**entry["credits"], "text": text}
        changes.append(f"price: {entry['id']}: {text} (look at its rule)")
    return changes


def _new(model_id: str, one: Entry, schema: Entry | None) -> Entry:
    words = " ".join(one.get("taskType") or []).lower()
    kind = next((kind for word, kind in _KINDS if word in words), "image")
    return {
        "id": model_id,
        "family": family_of(model_id).name,
        "kind": kind,
        "task": words.split(" / ")[0].replace(" ", "_") or "other",
        "status": "current",
        "typical_seconds": {"image": 50, "video": 150, "audio": 30}[kind],
        "typical_source": "prior",
        "confidence": "live",
        "credits": {"text": one.get("pricingDesc") or "not listed", "rule": None},
        "input": schema or {"type": "object"},
    }


def write(entries: list[Entry], path: Path = PATH) -> None:
    """Write one model a line, so that changes can be read."""
    lines = [json.dumps(entry, ensure_ascii=False, separators=(", ", ": ")) for entry in entries]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def main() -> int:
    """Refresh, and say what has changed."""
    parser = argparse.ArgumentParser(prog="refresh_catalogue", description=__doc__.split(":")[0])
    parser.add_argument("--from", dest="file", type=Path, help="Kie's answer in a file")
    parser.add_argument("--schemas", action="store_true", help="ask for the schemas of new models")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    key = os.environ.get("KIE_API_KEY")
    if options.file is None and not key:
        parser.error("set KIE_API_KEY, or give Kie's answer with --from")
    http = httpx.Client(
        base_url=os.environ.get("KIE_BASE_URL", "https://api.kie.ai"),
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )

    def schema_of(model_id: str) -> Entry | None:
        if not options.schemas:
            return None
        time.sleep(_PAUSE_SECONDS)
        answer = http.get(f"/api/v1/models/{model_id}/schema").json()
        schema = answer.get("data") if answer.get("code") == 200 else None
        return schema if isinstance(schema, dict) and schema.get("type") == "object" else None

    answer = (
        json.loads(options.file.read_text(encoding="utf-8"))
        if options.file
        else http.get("/api/v1/models").json()
    )
    if answer.get("code") != 200:
        print(f"Kie.ai answered {answer.get('code')}: {answer.get('msg')}", file=sys.stderr)
        return 1
    known = json.loads(PATH.read_text(encoding="utf-8"))
    entries, changes = refresh(known, answer["data"]["models"], schema_of)
    print("\n".join(changes) or "nothing has changed")
    if changes and not options.dry_run:
        write(entries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
