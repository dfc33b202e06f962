"""Results in shapes that no page of Kie.ai shows are found, and echoes of inputs are not."""

import base64
import json
from typing import Any

import pytest

from kie_gateway.core.polling.report import Finished, NotUnderstood, Report
from kie_gateway.core.results import Source
from kie_gateway.kie.families.registry import family
from kie_gateway.kie.gathering import LONGEST_INLINE

HOST = "https://tempfile.aiquickdraw.com"
A, B = f"{HOST}/r/a.png", f"{HOST}/r/b.mp4"
INPUT = f"{HOST}/u/input.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
INLINE = "data:image/png;base64," + base64.b64encode(PNG).decode()


def read(data: Any, name: str = "market", code: int = 200) -> Report:
    return family(name).interpret({"code": code, "msg": "success", "data": data})


def links(report: Report) -> list[str]:
    assert isinstance(report, Finished), report
    return [source.url for source in report.sources]


def done(result: Any, **more: Any) -> dict[str, Any]:
    return {"taskId": "t", "state": "success", "resultJson": result, **more}


SHAPES: list[tuple[Any, list[str]]] = [
    ({"url": A}, [A]),
    ({"images": [{"url": A}, {"url": B}]}, [A, B]),
    ({"video": {"url": B}}, [B]),
    ({"output": [A, B]}, [A, B]),
    ({"output": A}, [A]),
    ({"image_url": A}, [A]),
    ({"data": [{"url": A}]}, [A]),
    ({"data": {"images": [A]}}, [A]),
    ({"outputs": [{"content": {"image_url": {"url": A}}}]}, [A]),
    ({"result": {"videos": [{"download_url": B, "width": 1280}]}}, [B]),
    ({"files": [{"fileUrl": A, "mimeType": "image/png"}]}, [A]),
    ({"urls": [A, A, B]}, [A, B]),
    ({"artifacts": [{"uri": A}]}, [A]),
    ({"video": {"url": B, "thumbnail_url": A}}, [B]),
    ({"video_url": B, "image_url": A}, [B]),
    ({"videos": [{"videoFile": B, "image": A, "previewUrl": A}]}, [B]),
    ({"tracks": [{"audio_url": f"{HOST}/r/a.mp3", "image_url": A}]}, [f"{HOST}/r/a.mp3"]),
    ([A, B], [A, B]),
    (A, [A]),
]


@pytest.mark.parametrize("encode", [lambda value: value, json.dumps], ids=["object", "string"])
@pytest.mark.parametrize(("result", "expected"), SHAPES)
def test_results_are_found_in_any_of_these_shapes(
    result: Any, expected: list[str], encode: Any
) -> None:
    assert links(read(done(encode(result)))) == expected


@pytest.mark.parametrize(("result", "expected"), SHAPES[:-2])
def test_the_same_shapes_are_found_in_a_response(result: Any, expected: list[str]) -> None:
    record = {"taskId": "t", "successFlag": 1, "response": result}
    assert links(read(record, "gpt4o")) == expected


@pytest.mark.parametrize("data", [[A, B], [{"url": A}, {"url": B}], json.dumps([A, B])])
def test_the_data_itself_may_be_a_list_of_links(data: Any) -> None:
    assert links(read(data)) == [A, B]


@pytest.mark.parametrize("data", [[], [A, "no link"], [{"image_url": A}], [{"url": 1}], [1], [[A]]])
def test_a_list_of_other_things_is_no_result(data: Any) -> None:
    assert not isinstance(read(data), Finished)


@pytest.mark.parametrize(
    "result",
    [
        {"input": {"url": INPUT}},
        {"input_url": INPUT},
        {"source_image": INPUT},
        {"originalUrl": INPUT},
        {"reference_images": [INPUT]},
        {"callback_url": INPUT},
        {"docs": {"url": INPUT}},
        {"thumbnail": {"url": INPUT}},
        {"stream_url": INPUT},
        {"message": f"look at {INPUT}"},
        {"message": INPUT},
        {"meta": {"model": INPUT}},
        {"video": None, "image": INPUT},
        {"videoUrl": "", "imageUrl": INPUT},
        {"a": {"b": {"c": {"d": {"e": {"url": INPUT}}}}}},
    ],
)
def test_what_is_no_result_is_not_taken_for_one(result: Any) -> None:
    assert isinstance(read(done(json.dumps(result))), NotUnderstood)


@pytest.mark.parametrize("echo", ["param", "paramJson", "generateParam", "input"])
@pytest.mark.parametrize("query", ["", "?X-Amz-Signature=abc"])
def test_an_input_that_is_echoed_is_no_result_wherever_it_turns_up(echo: str, query: str) -> None:
    """Some makers hand the reference picture back beside the result, or before there is one."""
    asked = {"input": json.dumps({"image_urls": [INPUT + query], "prompt": "x"})}
    more = {echo: json.dumps(asked)}
    assert links(read(done({"images": [{"url": INPUT}, {"url": A}]}, **more))) == [A]
    assert isinstance(read(done({"images": [{"url": INPUT}]}, **more)), NotUnderstood)


@pytest.mark.parametrize("name", ["veo", "runway", "aleph"])
def test_families_that_name_their_places_are_not_searched(name: str) -> None:
    """A picture beside an empty clip is its poster."""
    record = {"taskId": "t", "state": "success", "successFlag": 1, "response": {"imageUrls": [A]}}
    assert not isinstance(read(record, name), Finished)


def test_while_a_task_runs_nothing_is_taken() -> None:
    record = {"taskId": "t", "state": "generating", "resultJson": json.dumps({"url": A})}
    assert not isinstance(read(record), Finished)


def test_the_usual_places_go_first() -> None:
    assert links(read(done({"resultUrls": [A], "images": [{"url": B}]}))) == [A]


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        (f"{HOST}/r/my song 1.mp3", f"{HOST}/r/my%20song%201.mp3"),
        (f"{HOST}/r/a b.png?x=1", f"{HOST}/r/a%20b.png?x=1"),
        (f" {A} ", A),
    ],
)
def test_a_raw_space_in_a_link_is_written_as_links_are(given: str, clean: str) -> None:
    assert links(read(done(json.dumps({"resultUrls": [given]})))) == [clean]


@pytest.mark.parametrize(
    "text", [f"{A} is ready", f"{HOST}/r/ and more", "https://e vil/x.png", f"{A}\n{B}"]
)
def test_a_sentence_that_begins_with_a_link_is_none(text: str) -> None:
    assert not isinstance(read(done(json.dumps({"resultUrls": [text]}))), Finished)


@pytest.mark.parametrize(
    "result", [{"resultUrls": [INLINE]}, {"images": [{"url": INLINE}]}, {"image": INLINE}]
)
def test_a_file_in_the_answer_itself_keeps_its_bytes(result: Any) -> None:
    report = read(done(json.dumps(result)))
    assert isinstance(report, Finished)
    [source] = report.sources
    assert (source.url, source.content_type, source.body) == ("", "image/png", PNG)


def test_a_file_in_the_answer_may_be_text() -> None:
    report = read(done({"resultUrls": ["data:text/plain;charset=utf-8,Gr%C3%BC%C3%9Fe"]}))
    assert isinstance(report, Finished)
    assert [source.body for source in report.sources] == ["Grüße".encode()]


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,not base64!",
        "data:image/png;base64,????",
        "data:image/png;base64,",
        "data:,",
        "data:image/png;base64," + "A" * (2 * LONGEST_INLINE),
        "data:text/plain," + "A" * (LONGEST_INLINE + 1),
    ],
)
def test_what_is_no_file_or_too_large_for_a_record_is_asked_about_again(url: str) -> None:
    assert isinstance(read(done({"resultUrls": [url]})), NotUnderstood)


def test_files_that_only_together_are_too_large_are_not_taken_in_part() -> None:
    half = base64.b64encode(bytes(LONGEST_INLINE // 2)).decode()
    urls = [f"data:image/png;base64,{half}", f"data:image/jpeg;base64,{half}"]
    report = read(done({"resultUrls": urls}))
    assert isinstance(report, Finished)
    assert len(report.sources) == 2
    assert isinstance(read(done({"resultUrls": [*urls, INLINE, A]})), NotUnderstood)


def test_an_empty_file_beside_a_link_is_only_a_placeholder() -> None:
    assert links(read(done({"resultUrls": ["data:image/gif;base64,", A]}))) == [A]


def test_a_source_of_text_and_one_of_bytes_hand_out_what_was_put_in() -> None:
    assert Source("", content="é", content_type="text/plain").body == "é".encode()
    assert Source.of_bytes(PNG, "image/png").body == PNG
    assert Source(A).body is None
