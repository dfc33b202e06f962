"""Every known body of Kie.ai means exactly what it means."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderError,
    ProviderInputError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    SubmissionUnknownError,
)
from kie_gateway.core.polling.report import Failed, Finished, NotUnderstood, NotVisible, Report
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.families.registry import family
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.uploads import KieUploads
from tests.flows import REDACTION
from tests.makers import make_task, running_task

FOLDER = Path(__file__).parents[1] / "payloads"
EXPECTED: dict[str, dict[str, Any]] = json.loads(
    (FOLDER / "expected" / "interpretations.json").read_text()
)
TASK_ID = "5be2c07a9d41463f8e70a1c2d3e4f506"
# What a creation's answer proves: an id, or which kind of no.
CREATIONS: dict[str, str | type[GatewayError]] = {
    "jobs.createTask.ok.json": TASK_ID,
    "jobs.createTask.ok-docs.json": "",
    "jobs.createTask.ok-message-key.json": "",
    "jobs.createTask.error-401-in-200.json": ProviderAuthError,
    "jobs.createTask.error-402.json": ProviderNoCreditsError,
    "jobs.createTask.error-422-field.json": ProviderInputError,
    "jobs.createTask.error-422-length.json": ProviderInputError,
    "jobs.createTask.error-422-model.json": ProviderInputError,
    "jobs.createTask.error-429-frequency.json": ProviderBusyError,
    "jobs.createTask.error-429.json": ProviderBusyError,
    "jobs.createTask.error-433.json": ProviderBusyError,
    "jobs.createTask.error-455.json": ProviderBusyError,
    "jobs.createTask.error-500-credits.json": ProviderNoCreditsError,
    "jobs.createTask.error-500-enum.json": ProviderInputError,
    "jobs.createTask.error-500-length.json": ProviderInputError,
    "jobs.createTask.error-500-paused.json": ProviderRejectedError,
    "jobs.createTask.error-500-server-exception.json": SubmissionUnknownError,
    "jobs.createTask.error-500-validation.json": ProviderInputError,
    "jobs.createTask.error-505.json": ProviderRejectedError,
    "gpt4o.generate.ok.json": "",
    "flux.generate.ok.json": "",
    "runway.generate.ok.json": "",
    "suno.generate.ok.json": "",
    "suno.generate.error-422-callback.json": ProviderInputError,
    "suno.generate.error-429-credits.json": ProviderNoCreditsError,
    "suno.generate.error-430.json": ProviderBusyError,
    "suno.tool.error-422.json": ProviderInputError,
    "veo.generate.ok.json": "",
    "veo.generate.error-422.json": ProviderInputError,
    "veo.get4k.accepted.json": "veo_task_fedcba654321",
}
UPLOADS: dict[str, bool | type[GatewayError]] = {
    "upload.base64.ok.json": True,
    "upload.stream.ok.json": True,
    "upload.url.ok.json": True,
    "upload.ok-quickstart.json": True,
    "upload.error-400-base64.json": ProviderInputError,
    "upload.error-400-missing.json": ProviderInputError,
    "upload.error-401.json": ProviderAuthError,
    "upload.error-405.json": ProviderInputError,
    "upload.error-500.json": ProviderBusyError,
}
HISTORY = {
    "history.gpt4o.page.json": ("gpt4o", Finished),
    "history.doris.page.json": ("market", NotUnderstood),
    "history.userRecord.page.json": ("veo", NotUnderstood),
}
LINKS = {
    "downloadUrl.ok.json": True,
    "gpt4o.downloadUrl.ok.json": True,
    "downloadUrl.error-422.json": False,
    "gpt4o.downloadUrl.not-found.json": False,
}
# Requests of ours, what we answer, and what other parts read.
OTHERS = {
    *("jobs.createTask.request.json", "suno.generate.request.json", "veo.generate.request.json"),
    *("callback.ack.json", "models.list.ok.json", "models.item.not-found.json"),
    *("pricing.page.ok.json", "credit.ok.json", "credit.error-401-in-200.json"),
    "history.page.error-401.json",
}


def body(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def answering(name: str, status: int = 200) -> httpx.Client:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=(FOLDER / name).read_bytes())

    return httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(answer))


def client(name: str) -> KieClient:
    return KieClient(
        KieHttp(answering(name), lambda: "secret-key", sleep=lambda _: None), REDACTION
    )


def told(report: Report) -> dict[str, Any]:
    """Write a report as the table does."""
    found: dict[str, Any] = {"kind": type(report).__name__}
    match report:
        case Finished():
            sources = report.sources
            found |= {
                "links": [source.url for source in sources if source.url],
                "documents": [one.content_type for one in sources if one.content is not None],
                "alternates": [list(one.alternates) for one in sources if one.alternates],
                "durations": [one.duration_seconds for one in sources if one.duration_seconds],
                "credits": None if report.credits is None else float(report.credits),
                "facts": dict(report.facts),
            }
        case Failed(failure=failure):
            found |= {"code": failure.code, "category": failure.category.value}
            found |= {"message": failure.message, "retryable": failure.retryable}
        case NotVisible():
            return found
        case NotUnderstood():
            pass
        case _:
            return {**found, "state": report.state}
    if isinstance(report, Finished | NotUnderstood) and report.completed_at:
        found["completed_at"] = report.completed_at.isoformat()
    empty: tuple[Any, ...] = ([], {}, None)
    return {name: value for name, value in found.items() if value not in empty or name == "links"}


def test_every_body_is_accounted_for() -> None:
    names = {path.name for path in FOLDER.glob("*.json")}
    tables: list[Mapping[str, Any]] = [
        EXPECTED,
        CREATIONS,
        UPLOADS,
        HISTORY,
        LINKS,
        dict.fromkeys(OTHERS),
    ]
    assert names == {name for table in tables for name in table}
    assert sum(map(len, tables)) == len(names)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_body_means_what_the_table_says(name: str) -> None:
    expected = {key: value for key, value in EXPECTED[name].items() if key not in ("family", "why")}
    assert told(family(EXPECTED[name]["family"]).interpret(body(name))) == expected


@pytest.mark.parametrize("name", CREATIONS)
def test_an_answer_to_a_creation_proves_what_the_table_says(name: str) -> None:
    expected = CREATIONS[name]
    model = {"suno": "suno/generate", "veo": "veo3"}.get(
        name.split(".", maxsplit=1)[0], "google/nano-banana"
    )
    if isinstance(expected, str):
        accepted = client(name).create(make_task(model=model), {})
        assert accepted.upstream_task_id
        assert expected in ("", accepted.upstream_task_id)
        return
    with pytest.raises(expected) as refused:
        client(name).create(make_task(model=model), {})
    assert type(refused.value) is expected
    assert "secret-key" not in str(refused.value)


@pytest.mark.parametrize("name", UPLOADS)
def test_an_answer_to_an_upload_gives_a_link_or_a_reason(name: str) -> None:
    expected = UPLOADS[name]
    status = 200 if expected is True else int(name.split("-")[1].split(".", maxsplit=1)[0])
    uploads = KieUploads(answering(name, status), lambda: "secret-key", lambda: "name")
    if expected is True:
        link = uploads.take_url("https://files.example.org/a.png", "png")
        assert ".redpandaai.co/" in link
        return
    assert isinstance(expected, type)
    with pytest.raises(expected):
        uploads.take_url("https://files.example.org/a.png", "png")


@pytest.mark.parametrize("name", HISTORY)
def test_a_history_page_is_searched_by_the_exact_id(name: str) -> None:
    family_name, kind = HISTORY[name]
    history = KieHistory(answering(name), lambda: Session("token"), REDACTION)
    task = running_task(family=family_name, upstream_task_id=TASK_ID)
    record = history.find(task)
    assert record is not None
    assert isinstance(record.report, kind)
    assert record.at is not None
    unknown = running_task(family=family_name, upstream_task_id=TASK_ID[:-1])
    assert history.find(unknown) is None


def test_an_ended_session_closes_the_history() -> None:
    history = KieHistory(
        answering("history.page.error-401.json"), lambda: Session("token"), REDACTION
    )
    with pytest.raises(ProviderAuthError):
        history.find(running_task(family="gpt4o"))


@pytest.mark.parametrize("name", LINKS)
def test_an_expired_link_is_exchanged_if_kie_knows_it(name: str) -> None:
    link = client(name).fresh_link(running_task(), "https://tempfile.aiquickdraw.com/r/a.png")
    assert (link is not None) is LINKS[name]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("jobs.recordInfo.error-401-in-200.json", ProviderAuthError),
        ("jobs.recordInfo.error-429.json", ProviderBusyError),
        ("jobs.createTask.error-455.json", ProviderBusyError),
        ("jobs.createTask.error-500-server-exception.json", ProviderBusyError),
    ],
)
def test_an_answer_that_says_nothing_of_the_task_is_no_report(
    name: str, error: type[ProviderError]
) -> None:
    with pytest.raises(error):
        client(name).ask(running_task())
