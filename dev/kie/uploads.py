"""Kie.ai's file upload API; what was sent is served from memory, for as long as we run."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from flask import Blueprint, Response, request

from dev.kie.answers import json_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.kie.service import Service

_LARGEST_FETCH_BYTES = 100 * 1024 * 1024


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    uploads = Blueprint("uploads", __name__)
    desk = _Desk(service.own_url)
    for way, take in (("base64", desk.base64), ("stream", desk.stream), ("url", desk.url)):
        uploads.add_url_rule(f"/api/file-{way}-upload", way, take, methods=["POST"])
    uploads.add_url_rule("/uploaded/<path:path>", "uploaded", desk.read)
    return uploads


class _Desk:
    """Where files are handed in and out."""

    def __init__(self, own_url: str) -> None:
        self._own_url = own_url
        self._files: dict[str, bytes] = {}

    def base64(self) -> Response:
        body = json_body()
        text = str(body.get("base64Data") or "").rpartition("base64,")[2]
        if not text:
            return _answer(400, "base64Data is required")
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return _answer(400, "Invalid base64 data")
        return self._keep(raw, body)

    def stream(self) -> Response:
        file = request.files.get("file")
        return self._keep(file.read(), request.form) if file else _answer(400, "file is required")

    def url(self) -> Response:
        body = json_body()
        try:
            link = str(body.get("fileUrl") or "")
            found = httpx.get(link, timeout=30, trust_env=False).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL):
            return _answer(500, "File download failed")
        return self._keep(found.content[:_LARGEST_FETCH_BYTES], body)

    def read(self, path: str) -> Response:
        if path not in self._files:
            return Response("Not Found", 404, content_type="text/plain")
        return Response(self._files[path], content_type=_kind(path))

    def _keep(self, raw: bytes, told: Mapping[str, Any]) -> Response:
        if not told.get("uploadPath"):
            return _answer(400, "uploadPath is required")
        name = told.get("fileName") or f"{int(time.time() * 1000)}-{uuid4().hex[:8]}.bin"
        path = f"kieai/100001/{told['uploadPath']}/{name}"
        self._files[path] = raw
        data = {
            "success": True,
            "fileName": name,
            "filePath": path,
            "downloadUrl": f"{self._own_url}/uploaded/{path}",
            "fileSize": len(raw),
            "mimeType": _kind(path),
            "uploadedAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        }
        return _answer(200, "File uploaded successfully", data)


def _kind(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _answer(code: int, message: str, data: object = None) -> Response:
    body: dict[str, object] = {"success": code == 200, "code": code, "msg": message}
    if data is not None:
        body["data"] = data
    return Response(json.dumps(body), code, content_type="application/json;charset=UTF-8")
