"""
Update the catalogue from Kie.ai's own lists: `make catalogue`.

The ids of Kie.ai's models are public. What is new there, gone or back again is printed, and nothing
is written: an id alone says neither what a model accepts nor what it makes. With a key, Kie.ai's
full list is read as well. New models are added (with an open schema, or Kie.ai's own with
`--schemas`), models that are gone are marked `unlisted`, and price texts are updated. Existing
schemas are never changed.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from kie_gateway.catalogue.catalogue import PATH
from kie_gateway.kie.families.registry import family_of

type Entry = dict[str, Any]

# They answer at once and make nothing that could be stored.
NO_TASKS = {"gemini-omni-audio", "gemini-omni-character"}
_CREATION = "/api/v1/jobs/createTask"
_PAUSE_SECONDS = 1.0
_KINDS = (
    (("video", "lip", "avatar"), "video"),
    (("speech", "music", "audio", "sound", "voice"), "audio"),
    (("image", "background", "upscale"), "image"),
)
_TYPICAL_SECONDS = {"image": 50, "video": 150, "audio": 30, "text": 30}


class IncompleteListError(Exception):
    """Kie's list lacks so much that it can hardly be the list."""


def refresh(
    entries: list[Entry], listed: list[Entry], schema_of: Callable[[str], Entry | None]
) -> tuple[list[Entry], list[str]]:
    """
    Merge Kie's list into the catalogue.

    Args:
        listed: `data.models` of Kie's answer.
        schema_of: Tells the input schema of a new model, None if there is none.

    Returns:
        The entries by id, and what was changed, in words.

    Raises:
        IncompleteListError: Most of what is known is not in the list.
    """
    by_id = {entry["id"]: dict(entry) for entry in entries}
    there = {one["model"]: one for one in listed}
    _make_sure_it_is_the_list(entries, there)
    changes: list[str] = []
    for model_id, one in there.items():
        if model_id in by_id:
            changes += _update(by_id[model_id], one)
        elif (new := _new(model_id, one, schema_of)) is not None:
            by_id[model_id] = new
            changes.append(f"new: {model_id}")
    for model_id, entry in by_id.items():
        if model_id not in there and _should_be_listed(entry):
            entry["status"] = "unlisted"
            changes.append(f"not listed any more: {model_id}")
    return [by_id[model_id] for model_id in sorted(by_id)], changes


def compare(entries: list[Entry], paths: list[str]) -> list[str]:
    """
    Compare the catalogue with the ids that Kie tells everybody.

    Returns:
        What differs, in words: new, gone, and changed: back again, or there although retired.

    Raises:
        IncompleteListError: Most of what is known is not in the list.
    """
    there: dict[str, Entry] = {one: {} for one in paths}
    _make_sure_it_is_the_list(entries, there)
    known = {name for entry in entries for name in (entry["id"], *entry.get("aliases", {}))}
    new = [f"new at Kie.ai: {one}" for one in sorted({*paths} - known - NO_TASKS)]
    gone = [
        f"gone from Kie.ai: {entry['id']}"
        for entry in entries
        if entry["id"] not in there and _should_be_listed(entry)
    ]
    changed = [
        f"changed: {entry['id']}: {entry['status']} here, and listed by Kie.ai"
        for entry in entries
        if entry["id"] in there and entry["status"] != "current"
    ]
    return [*new, *gone, *changed]


def _should_be_listed(entry: Entry) -> bool:
    return (entry["family"], entry["status"]) == ("market", "current")


def _make_sure_it_is_the_list(entries: list[Entry], there: Mapping[str, Entry]) -> None:
    known = [entry["id"] for entry in entries if _should_be_listed(entry)]
    found = sum(model_id in there for model_id in known)
    if found < len(known) / 2:
        raise IncompleteListError(f"only {found} of {len(known)} known models are listed")


def _update(entry: Entry, one: Entry) -> list[str]:
    changes = []
    if entry["status"] == "unlisted":
        entry["status"] = "current"
        changes.append(f"listed again: {entry['id']}")
    if entry["status"] == "retired":
        changes.append(f"listed although retired: {entry['id']} (look at it)")
    text = (one.get("pricingDesc") or "").strip()
    if text and text != entry["credits"]["text"]:
        entry["credits"] = {**entry["credits"], "text": text}
        changes.append(f"price: {entry['id']}: {text} (look at its rule)")
    return changes


def _new(model_id: str, one: Entry, schema_of: Callable[[str], Entry | None]) -> Entry | None:
    """Write the entry of a new model; None for chats and the like, which are no tasks."""
    types = [kind.lower() for kind in one.get("taskType") or []]
    kind = next((found for words in types if (found := _kind(words))), None)
    if kind is None or model_id in NO_TASKS:
        return None
    schema = schema_of(model_id) or {"type": "object"}
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    fill = {
        name: properties[name]["default"] for name in required if _has_default(properties, name)
    }
    if fill:
        schema = {**schema, "required": [name for name in required if name not in fill]}
    return {
        "id": model_id,
        "title": one.get("title") or model_id,
        "family": family_of(model_id).name,
        "kind": kind,
        "tasks": [words.replace(" ", "_") for words in types],
        "status": "current",
        "typical_seconds": _TYPICAL_SECONDS[kind],
        "typical_source": "prior",
        "confidence": "live",
        "credits": {"text": one.get("pricingDesc") or "not listed", "rule": None},
        **({"fill": fill} if fill else {}),
        "input": schema,
    }


def _kind(task_type: str) -> str | None:
    """Return what a type of task makes; what stands after `to` counts."""
    made = task_type.rpartition(" to ")[2]
    if made == "text":
        return "text"
    return next((kind for words, kind in _KINDS if any(word in made for word in words)), None)


def _has_default(properties: Entry, name: str) -> bool:
    return "default" in properties.get(name, {})


def input_schema(document: Entry | None) -> Entry | None:
    """Find the schema of `input` in the OpenAPI document of a model; None if it has no tasks."""
    try:
        operation = (document or {})["paths"][_CREATION]["post"]
        body = _inlined(operation["requestBody"], document or {})
        schema = body["content"]["application/json"]["schema"]["properties"]["input"]
    except (KeyError, TypeError):
        return None
    ways = schema.pop("oneOf", None)
    if ways is not None:
        schema["anyOf"] = [{"title": f"way {n}", **way} for n, way in enumerate(ways, 1)]
    return {"type": "object", **schema}


def _inlined(value: Any, document: Entry, depth: int = 0) -> Any:
    """Put what references lead to in their place; examples and remarks for editors are left out."""
    match value:
        case {"$ref": str(reference)} if depth < 30:
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[unquote(part).replace("~1", "/").replace("~0", "~")]
            return _inlined(target, document, depth + 1)
        case dict():
            return {
                name: _inlined(inner, document, depth + 1)
                for name, inner in value.items()
                if not name.startswith(("x-", "example"))
            }
        case list():
            return [_inlined(inner, document, depth + 1) for inner in value]
        case _:
            return value


def write(entries: list[Entry], path: Path) -> None:
    """Write one model a line, so that changes can be read."""
    lines = [json.dumps(entry, ensure_ascii=False, separators=(", ", ": ")) for entry in entries]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


class KieList:
    """Kie's lists of models, asked for politely: one request a second."""

    def __init__(self, http: httpx.Client, pause: Callable[[float], None]) -> None:
        self._http = http
        self._pause = pause

    def paths(self) -> list[str]:
        """Ask for the ids of all models, which needs no key."""
        return [path for path in self._data("/api/v1/playground/model-paths") if path]

    def models(self) -> list[Entry]:
        """Ask for all models."""
        found: list[Entry] = self._data("/api/v1/models")["models"]
        return found

    def schema_of(self, model_id: str) -> Entry | None:
        """Ask for the input schema of a model; None if Kie has none or says something else."""
        self._pause(_PAUSE_SECONDS)
        try:
            return input_schema(self._data(f"/api/v1/models/{model_id}/schema").get("openapi"))
        except (httpx.HTTPError, ValueError, KeyError, AttributeError) as error:
            print(f"no schema of {model_id}: {error}", file=sys.stderr)
            return None

    def _data(self, path: str) -> Any:
        answer = self._http.get(path).raise_for_status().json()
        if answer.get("code") != 200:
            raise ValueError(f"Kie.ai answered {answer.get('code')}: {answer.get('msg')}")
        return answer["data"]


def main(
    arguments: list[str] | None = None,
    *,
    path: Path = PATH,
    transport: httpx.BaseTransport | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Refresh, and say what has changed."""
    parser = argparse.ArgumentParser(prog="refresh_catalogue", description="see `make help`")
    parser.add_argument("--from", dest="file", type=Path, help="Kie.ai's answer in a file")
    parser.add_argument("--schemas", action="store_true", help="ask for the schemas of new models")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    key = os.environ.get("KIE_API_KEY", "")
    if not key and options.schemas:
        parser.error("set KIE_API_KEY: Kie.ai shows schemas to nobody else")
    base_url = os.environ.get("KIE_BASE_URL", "https://api.kie.ai")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, transport=transport) as http:
        kie = KieList(http, pause)
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if options.file is None:
                print("\n".join(compare(known, kie.paths())) or "the ids are the same at Kie.ai")
                if not key:
                    print(
                        "prices and new models: set KIE_API_KEY, or give Kie's answer with --from"
                    )
                    return 0
            listed = _listed_in(options.file) if options.file else kie.models()
            entries, changes = refresh(
                known, listed, kie.schema_of if options.schemas else lambda _: None
            )
        except (httpx.HTTPError, ValueError, KeyError, IncompleteListError) as error:
            print(f"nothing was changed: {error}", file=sys.stderr)
            return 1
    print("\n".join(changes) or "nothing has changed")
    if changes and not options.dry_run:
        write(entries, path)
    return 0


def _listed_in(file: Path) -> list[Entry]:
    found: list[Entry] = json.loads(file.read_text(encoding="utf-8"))["data"]["models"]
    return found


if __name__ == "__main__":
    sys.exit(main())
