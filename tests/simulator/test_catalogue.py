"""The lists of models and prices."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.models import models
from tests.simulator.support import WEB, Client

KEYS = {"model", "slug", "title", "provider", "taskType", "description", "pricingDesc"}


def listed(kie: Client, **asked: str) -> list[Any]:
    data = kie.http.get("/api/v1/models", params=asked).json()["data"]
    assert data["total"] == len(data["models"])
    found: list[Any] = data["models"]
    return found


def test_all_models_are_listed(kie: Client) -> None:
    found = listed(kie)
    assert {frozenset(one) for one in found} == {frozenset(KEYS)}
    names = {one["model"] for one in found}
    assert names == set(models())
    assert names >= {"veo-3-1", "runway", "4o-image-api", "flux1-kontext"}


def test_the_paths_of_all_models_need_no_key(kie: Client) -> None:
    answer = WEB.get(f"{kie.http.base_url}/api/v1/playground/model-paths").json()
    assert (answer["code"], answer["msg"]) == (200, "success")
    assert all(isinstance(path, str) for path in answer["data"])
    assert set(models()) < set(answer["data"])
    assert "claude-opus-5" in answer["data"]


@pytest.mark.parametrize(
    ("asked", "name", "other"),
    [
        ({"taskType": "text-to-video"}, "wan/2-7-text-to-video", "nano-banana-2"),
        ({"provider": "google"}, "nano-banana-2", "wan/2-7-text-to-video"),
        ({"q": "BANANA"}, "nano-banana-2", "wan/2-7-text-to-video"),
    ],
)
def test_some_models_are_listed(kie: Client, asked: dict[str, str], name: str, other: str) -> None:
    names = [one["model"] for one in listed(kie, **asked)]
    assert name in names
    assert other not in names


def test_one_model_with_slashes_in_its_name(kie: Client) -> None:
    name = "google/nano-banana-edit"
    base = f"/api/v1/models/{name}"
    assert kie.http.get(base).json()["data"]["model"] == name
    schema = kie.http.get(f"{base}/schema").json()["data"]["input"]
    assert schema["required"] == ["image_urls", "prompt"]
    assert schema["properties"]["prompt"] == {"type": "string", "maxLength": 5000}
    assert "16:9" in schema["properties"]["aspect_ratio"]["enum"]
    price = kie.http.get(f"{base}/price").json()["data"]
    assert price["creditPrice"] == "4"
    rates = kie.http.get(f"{base}/success-rate").json()["data"]["points"]
    assert len(rates) == 144
    assert rates[1]["time"] - rates[0]["time"] == 600_000


@pytest.mark.parametrize("path", ["nobody", "nobody/knows", "nobody/schema", "schema"])
def test_an_unknown_model(kie: Client, path: str) -> None:
    response = kie.http.get(f"/api/v1/models/{path}")
    assert response.status_code == 200
    assert response.json() == {"code": 404, "msg": "Model not found", "data": None}


def test_prices_need_no_key(kie: Client) -> None:
    url = f"{kie.http.base_url}/client/v1/model-pricing/page"
    body = {"pageNum": 2, "pageSize": 500, "interfaceType": ""}
    data = WEB.post(url, json=body).json()["data"]
    assert set(data) == {"records", "total", "size", "current", "pages"}
    assert (data["size"], data["current"], data["pages"]) == (100, 2, 2)
    assert set(data["records"][0]) == {
        *("modelDescription", "interfaceType", "provider", "creditPrice", "creditUnit"),
        *("usdPrice", "falPrice", "discountRate", "anchor"),
    }
    body = {"pageNum": 1, "pageSize": 1, "interfaceType": "image"}
    [record] = WEB.post(url, json=body).json()["data"]["records"]
    assert record["anchor"].endswith("?model=bytedance%2Fseedream")
