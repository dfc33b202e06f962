"""The upload API, on the same server; its errors are real HTTP statuses."""

from __future__ import annotations

import base64
import binascii
import math
import mimetypes
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx
from flask import Blueprint, Response, request

from simulator import timestamps
from simulator.access import UPLOADS, check_key
from simulator.answers import hang_up, json_answer, json_body
from simulator.dials import read_dials
from simulator.log import log
from simulator.refusals import RefusedError
from simulator.store import ACCOUNT, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.service import Service

    type Found = tuple[bytes, str]

_DATA_URL = re.compile(r"data:([\w/+.-]*);base64,", re.IGNORECASE)
_FETCH_SECONDS = 30.0
_MOST_FETCHED = 100_000_000
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class _UploadError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    uploads = Blueprint("uploads", __name__)

    def add(name: str, fields: Callable[[], Mapping[str, Any]], read: Callable[..., Found]) -> None:
        def upload() -> Response:
            return _answer(service, fields, read)

        path = f"{UPLOADS}{name}-upload"
        uploads.add_url_rule(path, name, upload, methods=_METHODS)

    add("base64", json_body, _from_base64)
    add("url", json_body, _from_url)
    add("stream", lambda: request.form, _from_form)

    @uploads.get(f"{PREFIX}<path:path>")
    def read_upload(path: str) -> Response:
        body = service.store.get(f"{PREFIX}{path}".removeprefix("/"))
        if body is None:
            return Response("404\n", 404, content_type="text/plain; charset=UTF-8")
        # The type follows the name, whatever the bytes are.
        return Response(body, 200, content_type=_mime(path))

    return uploads


def _answer(
    service: Service, fields: Callable[[], Mapping[str, Any]], read: Callable[..., Found]
) -> Response:
    if request.method != "POST":
        return _no(405, "Request method is not supported")
    try:
        check_key(service.settings.api_key)
        return _upload(service, fields(), read)
    except RefusedError:
        return _no(401, "Authentication failed: Invalid API Key")
    except _UploadError as error:
        return _no(error.status, str(error))


def _upload(service: Service, given: Mapping[str, Any], read: Callable[..., Found]) -> Response:
    texts = [unquote(str(given.get(name) or "")) for name in ("uploadPath", "fileName", "fileUrl")]
    dials = read_dials(" ".join(texts))
    time.sleep(dials.number("upload slow"))
    fault = dials.fault("upload_fault")
    if fault and fault.kind == "drop":
        return hang_up()
    if fault and service.count(" ".join(texts)) <= (fault.times or math.inf):
        raise _UploadError(fault.code, "Internal server error")
    if not texts[0].strip("/"):
        raise _UploadError(400, "Missing required parameter: uploadPath")
    body, ending = read(given)
    name = texts[1] or f"{int(time.time() * 1000)}-{uuid4().hex[:8]}{ending}"
    path = f"{PREFIX}{ACCOUNT}/{texts[0].strip('/')}/{name}".removeprefix("/")
    service.store.put(path, body)
    log("-", f"upload of {len(body)} bytes to {path}")
    made = _quick_start if dials.on("upload quickstart") else _made
    data = made(path, name, body, f"{service.base_url}/{path}")
    answer = {"success": True, "code": 200, "msg": "File uploaded successfully", "data": data}
    return json_answer(answer)


def _from_base64(given: Mapping[str, Any]) -> Found:
    text = str(_needed(given, "base64Data"))
    head = _DATA_URL.match(text)
    try:
        body = base64.b64decode(text[head.end() :] if head else text, validate=True)
    except (binascii.Error, ValueError):
        raise _UploadError(400, "Base64 decoding failed: Invalid Base64 format") from None
    return body, (mimetypes.guess_extension(head[1]) if head else None) or ""


def _from_form(_: Mapping[str, Any]) -> Found:
    file = request.files.get("file")
    if file is None:
        raise _UploadError(400, "Missing required parameter: file")
    return file.read(), _ending(file.filename or "")


def _from_url(given: Mapping[str, Any]) -> Found:
    url = str(_needed(given, "fileUrl"))
    try:
        with httpx.stream(
            "GET", url, timeout=_FETCH_SECONDS, trust_env=False, follow_redirects=True
        ) as response:
            response.raise_for_status()
            body = b""
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _MOST_FETCHED:
                    raise _UploadError(400, "The file is too large")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise _UploadError(400, "Failed to download the file from the URL") from None
    return body, _ending(urlsplit(url).path)


def _needed(given: Mapping[str, Any], name: str) -> Any:
    if not given.get(name):
        raise _UploadError(400, f"Missing required parameter: {name}")
    return given[name]


def _made(path: str, name: str, body: bytes, link: str) -> dict[str, Any]:
    return {
        "success": True,
        "fileName": name,
        "filePath": path,
        "downloadUrl": link,
        "fileSize": len(body),
        "mimeType": _mime(name),
        "uploadedAt": timestamps.written(time.time(), "iso ms"),
    }


def _quick_start(path: str, name: str, body: bytes, link: str) -> dict[str, Any]:
    return {
        "fileId": f"file_{uuid4().hex[:9]}",
        "fileName": name,
        "originalName": name,
        "fileSize": len(body),
        "mimeType": _mime(name),
        "uploadPath": path.rpartition("/")[0],
        "fileUrl": link,
        "downloadUrl": link,
        "uploadTime": timestamps.written(time.time(), "iso"),
        "expiresAt": timestamps.written(time.time() + 3 * 86_400, "iso"),
    }


def _mime(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _ending(name: str) -> str:
    return f".{name.rpartition('.')[2].lower()}" if "." in name.rpartition("/")[2] else ""


def _no(status: int, message: str) -> Response:
    return json_answer({"success": False, "code": status, "msg": message}, status)
