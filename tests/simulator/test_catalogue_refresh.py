"""`make catalogue` against the simulated Kie.ai."""

import json
from pathlib import Path

import pytest

from kie_gateway.catalogue.catalogue import PATH
from scripts.refresh_catalogue import main
from simulator.server import KieSimulator


def test_the_simulated_kie_tells_what_the_catalogue_knows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("KIE_API_KEY", raising=False)
    with KieSimulator(port=0) as kie:
        monkeypatch.setenv("KIE_BASE_URL", kie.base_url)
        copy = tmp_path / "models.json"
        copy.write_text(PATH.read_text())
        assert main([], path=copy) == 0
    told = capsys.readouterr().out.splitlines()
    known = {one["id"] for one in json.loads(PATH.read_text())}
    new = {line.removeprefix("new at Kie.ai: ") for line in told if line.startswith("new")}
    assert new == {"claude-opus-5", "gemini-3-1-pro"}
    assert {"runway", "veo-3-1", "4o-image-api", "ai-music-api/generate"} <= known
    assert not any(
        line == f"gone from Kie.ai: {one}" for line in told for one in ("runway", "veo-3-1")
    )
    assert copy.read_text() == PATH.read_text()
