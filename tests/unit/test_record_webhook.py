"""Taking in webhooks: proved to be Kie's, recorded once, and taken for claims."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from kie_gateway.core.callback_token import callback_token, callback_url
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.moves import ending_moves, submission_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.record_webhook import Delivery, Recorded, RecordWebhook
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie import signature
from kie_gateway.kie.webhook import KieWebhooks
from tests.fakes import FakeArchive, FakeExecutions, FakeQueue, FakeTaskStore
from tests.flows import REDACTION, SECRET
from tests.makers import (
    NOW,
    RESULT_URL,
    TASK_ID,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
)

TOKEN = callback_token(TASK_ID, SECRET)
HMAC_KEY = "webhook-key"
LATER = NOW + seconds(40)
FORBIDDEN_URL = "https://evil.test/x.png"


@dataclass
class Scene:
    """A recorder with everything around it."""

    task: Task
    hmac_key: str | None = None
    queue: FakeQueue = field(default_factory=FakeQueue)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    archive: FakeArchive = field(default_factory=FakeArchive)
    meanwhile: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.store = FakeTaskStore(self.task)

    def deliver(
        self,
        body: Any,
        *,
        task_id: str = TASK_ID,
        token: str = TOKEN,
        headers: dict[str, str] | None = None,
        delivery_id: str = "request-1",
    ) -> Recorded:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        recorder = RecordWebhook(
            tasks=self.store,
            reader=KieWebhooks(REDACTION, lambda: self.hmac_key),
            store_queue=self.queue,
            watches=Watches(self.store, self.executions, lambda: LATER),
            archive=self.archive,
            is_usable=self.is_usable,
            now=lambda: LATER,
        )
        delivery = Delivery(task_id, token, delivery_id, headers or {}, raw)
        return recorder(delivery)

    def is_usable(self, url: str) -> bool:
        self.meanwhile()
        return url != FORBIDDEN_URL

    @property
    def now(self) -> Task:
        """The record as it stands."""
        return self.store.the(self.task)

    @property
    def happened(self) -> list[Happened]:
        return self.store.happened(self.task)

    @property
    def is_untouched(self) -> bool:
        nothing_sent = not (self.queue.messages or self.executions.started or self.archive.bodies)
        return self.now == self.task and nothing_sent


def body(state: str = "success", upstream_task_id: str | None = UPSTREAM_ID, **more: Any) -> Any:
    """A webhook of the Market family."""
    return {
        "code": 200,
        "msg": "Playground task completed successfully.",
        "data": {"taskId": upstream_task_id, "model": "google/nano-banana", "state": state, **more},
    }


def success(*urls: str, **more: Any) -> Any:
    return body(resultJson=json.dumps({"resultUrls": urls or [RESULT_URL]}), **more)


def fail(message: str = "Internal Error", **more: Any) -> Any:
    return {**body("fail", failCode="500", failMsg=message, **more), "code": 501}


# --- a clear result -----------------------------------------------------------------------------


def test_a_track_with_one_link_that_may_be_fetched_is_a_clear_result() -> None:
    """Its first link led to a new host, and the track had another on one that is listed."""
    scene = Scene(running_task(family="suno", model="suno/generate", kind="audio"))
    other = "https://cdn1.suno.ai/a.mp3"
    track = {"id": "a", "audio_url": FORBIDDEN_URL, "source_audio_url": other, "duration": 12}
    told = {"callbackType": "complete", "task_id": UPSTREAM_ID, "data": [track]}
    said = {"code": 200, "msg": "All generated successfully.", "data": told}
    assert scene.deliver(said) is Recorded.ACCEPTED
    [source] = scene.now.sources
    assert (source.url, source.alternates) == (FORBIDDEN_URL, (other,))


def test_a_result_is_recorded_and_its_storing_asked_for() -> None:
    scene = Scene(running_task())
    assert scene.deliver(success(RESULT_URL, RESULT_URL + "2")) is Recorded.ACCEPTED
    assert (scene.now.status, scene.now.completed_by) == (Status.STORING, CompletedBy.WEBHOOK)
    assert [source.url for source in scene.now.sources] == [RESULT_URL, RESULT_URL + "2"]
    assert scene.happened == [Happened.WEBHOOK_ACCEPTED]
    assert scene.queue.messages == [("store", TASK_ID)]
    assert scene.executions.started == {}


def test_the_same_again_is_a_duplicate_and_asks_for_nothing() -> None:
    scene = Scene(running_task())
    scene.deliver(success())
    after = scene.now
    assert scene.deliver(success(), delivery_id="request-2") is Recorded.DUPLICATE
    assert scene.now == after
    assert scene.queue.messages == [("store", TASK_ID)]
    assert scene.happened == [Happened.WEBHOOK_ACCEPTED, Happened.WEBHOOK_DUPLICATE]
    assert len(scene.archive.bodies) == 2


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELED])
@pytest.mark.parametrize("told", [success(), fail(), b"not json"], ids=["success", "fail", "?"])
def test_a_task_with_a_verdict_is_left_alone(status: Status, told: Any) -> None:
    scene = Scene(storing_task(status=status))
    assert scene.deliver(told) is Recorded.DUPLICATE
    assert (scene.now, scene.queue.messages) == (scene.task, [])
    words = "not delivered" if status is Status.CANCELED else f"was {status.value} already"
    assert words in scene.store.words(scene.task)


@pytest.mark.parametrize("told", [success(), fail(), b"not json"], ids=["success", "fail", "?"])
@pytest.mark.parametrize(
    "sweep_at", [None, LATER + seconds(80)], ids=["followed", "expired before"]
)
def test_whoever_hears_again_of_results_that_nobody_copies_asks_for_their_copy(
    told: Any, sweep_at: datetime | None
) -> None:
    """The function that heard first ended after its write, or never saw that write's answer."""
    scene = Scene(storing_task(watches=2, sweep_at=sweep_at))
    assert scene.deliver(told) is Recorded.DUPLICATE
    assert (scene.now, scene.queue.messages) == (scene.task, [("store", TASK_ID)])
    assert scene.executions.started == ({(TASK_ID, 2): LATER} if sweep_at else {})


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"storing_until": LATER + seconds(5)}, id="copied"),
        pytest.param({"next_at": LATER + seconds(5)}, id="tried again later"),
        pytest.param({"next_at": LATER}, id="recorded at this moment"),
    ],
)
def test_a_copy_that_is_seen_to_is_not_asked_for_again(more: dict[str, Any]) -> None:
    scene = Scene(storing_task(**more))
    assert scene.deliver(success()) is Recorded.DUPLICATE
    assert scene.queue.messages == []


def test_a_result_before_the_creation_was_answered_brings_its_id() -> None:
    scene = Scene(make_task())
    assert scene.deliver(success()) is Recorded.ACCEPTED
    assert (scene.now.status, scene.now.upstream_task_id) == (Status.STORING, UPSTREAM_ID)
    answered = submission_moves.submitted(scene.now, UPSTREAM_ID, next_at=LATER, now=LATER)
    assert answered is None


def test_a_result_adopts_a_creation_in_doubt() -> None:
    doubt = {"submission": Submission.UNKNOWN, "attention": Attention.SUBMISSION_UNKNOWN}
    scene = Scene(make_task(**doubt))
    assert scene.deliver(success()) is Recorded.ACCEPTED
    assert (scene.now.submission, scene.now.attention) == (Submission.ACCEPTED, None)


@pytest.mark.parametrize("error", [None, BackendUnavailableError("Step Functions: down")])
def test_a_late_result_settles_an_expired_task_under_a_new_watch(
    error: GatewayError | None,
) -> None:
    expired = running_task(status=Status.EXPIRED, attention=Attention.STALLED)
    scene = Scene(expired, executions=FakeExecutions(error))
    assert scene.deliver(success()) is Recorded.ACCEPTED
    assert (scene.now.status, scene.now.attention) == (Status.STORING, None)
    assert scene.queue.messages == [("store", TASK_ID)]
    assert scene.executions.started == ({} if error else {(TASK_ID, 2): LATER})


# --- claims that are no clear result ------------------------------------------------------------

UNCLEAR: list[tuple[str, Any, str]] = [
    (
        "failed",
        fail("The prompt is odd."),
        "The webhook says failed: The prompt is odd. Kie.ai is asked",
    ),
    ("links elsewhere", success(FORBIDDEN_URL), "The webhook gives no clear verdict"),
    (
        "one link elsewhere",
        success(RESULT_URL, FORBIDDEN_URL),
        "The webhook gives no clear verdict",
    ),
    ("no links", body(resultJson="{}"), "The webhook gives no clear verdict"),
    ("another task", success(upstream_task_id="another"), "The webhook gives no clear verdict"),
    (
        "half a result",
        body(resultJson=json.dumps({"data": [{"audio_url": RESULT_URL}, {"audio_url": ""}]})),
        "Kie.ai says: success. Of 2 results promised 1 can be had yet. Kie.ai is asked.",
    ),
    ("an unknown state", body("transcending"), "The webhook gives no clear verdict"),
    ("nothing", b"", "The webhook gives no clear verdict"),
    ("no JSON", b"not json", "The webhook gives no clear verdict"),
    ("no UTF-8", b"\xff\xfe{}", "The webhook gives no clear verdict"),
    ("no object", b"[1]", "The webhook gives no clear verdict"),
    ("null", b"null", "The webhook gives no clear verdict"),
    ("nested without end", b"[" * 100_000, "The webhook gives no clear verdict"),
]


@pytest.mark.parametrize(
    ("told", "words"), [case[1:] for case in UNCLEAR], ids=[case[0] for case in UNCLEAR]
)
@pytest.mark.parametrize("status", [Status.RUNNING, Status.EXPIRED])
def test_an_unclear_claim_makes_us_ask(told: Any, words: str, status: Status) -> None:
    scene = Scene(running_task(status=status))
    assert scene.deliver(told) is Recorded.UNCLEAR
    # The execution of an expired task has ended: what the queue finds out must be watched.
    watches = 2 if status is Status.EXPIRED else 1
    # Of a failure it is known by now that Kie.ai has the task; nothing else of the claim is kept.
    state = "fail" if words.startswith("The webhook says failed") else None
    assert scene.now == replace(
        scene.task,
        watches=watches,
        upstream_state=state,
        version=scene.task.version + watches - 1 + (state is not None),
    )
    assert scene.queue.messages == [("ask", TASK_ID)]
    followed = [Happened.WATCH_STARTED] if status is Status.EXPIRED else []
    assert scene.happened == [Happened.WEBHOOK_UNCLEAR, *followed]
    assert words in scene.store.words(scene.task)
    assert len(scene.archive.bodies) == 1


@pytest.mark.parametrize("submission", [Submission.SENDING, Submission.UNKNOWN])
def test_an_unclear_claim_brings_an_id_to_ask_about(submission: Submission) -> None:
    scene = Scene(make_task(submission=submission))
    assert scene.deliver(fail()) is Recorded.UNCLEAR
    assert (scene.now.status, scene.now.upstream_task_id) == (Status.RUNNING, UPSTREAM_ID)
    assert scene.queue.messages == [("ask", TASK_ID)]


def test_progress_is_noted_and_nothing_else() -> None:
    scene = Scene(running_task())
    assert scene.deliver(body("generating")) is Recorded.PROGRESS
    assert (scene.now, scene.queue.messages) == (scene.task, [])
    assert scene.happened == [Happened.WEBHOOK_ACCEPTED]
    assert "generating" in scene.store.words(scene.task)


# --- races --------------------------------------------------------------------------------------


def poll_was_faster(task: Task) -> Move | None:
    return verdict_moves.report_finished(
        task,
        Finished("success", (Source(RESULT_URL + "?from=poll"),)),
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.POLL,
        happened=Happened.RESULT_REPORTED,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("meanwhile", "status"),
    [
        (poll_was_faster, Status.STORING),
        (lambda task: ending_moves.cancel(task, NOW), Status.CANCELED),
    ],
)
def test_whoever_was_faster_stays_right(
    meanwhile: Callable[[Task], Move | None], status: Status
) -> None:
    scene = Scene(running_task())
    scene.meanwhile = lambda: scene.store.move(scene.task, meanwhile)
    assert scene.deliver(success()) is Recorded.DUPLICATE
    assert scene.now.status is status
    assert scene.now.completed_by is not CompletedBy.WEBHOOK
    # The poll was long ago, and nobody has begun to copy.
    assert scene.queue.messages == [("store", TASK_ID)] * (status is Status.STORING)


def test_two_at_once_are_one_result_and_one_duplicate() -> None:
    scene = Scene(running_task())
    answers = []

    def second() -> None:
        scene.meanwhile = lambda: None
        answers.append(scene.deliver(success(), delivery_id="second"))

    scene.meanwhile = second
    answers.append(scene.deliver(success(), delivery_id="first"))
    assert answers == [Recorded.ACCEPTED, Recorded.DUPLICATE]
    assert scene.queue.messages == [("store", TASK_ID)]


# --- trouble of our own -------------------------------------------------------------------------


@pytest.mark.parametrize("told", [success(), fail()], ids=["success", "fail"])
def test_recorded_is_recorded_although_queue_and_archive_are_down(told: Any) -> None:
    scene = Scene(
        running_task(),
        queue=FakeQueue(BackendUnavailableError("SQS: down")),
        archive=FakeArchive(StorageError("S3 refused storing")),
    )
    assert scene.deliver(told) in (Recorded.ACCEPTED, Recorded.UNCLEAR)
    assert len(scene.happened) == 1


def test_what_could_not_be_recorded_shall_be_delivered_again() -> None:
    scene = Scene(running_task())
    scene.store.unavailable = True
    with pytest.raises(BackendUnavailableError):
        scene.deliver(success())
    scene.store.unavailable = False
    assert scene.is_untouched
    assert scene.deliver(success()) is Recorded.ACCEPTED


# --- proof --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token", ["", "forged", TOKEN[:-1], TOKEN + "=", callback_token("task_another", SECRET)]
)
def test_a_forged_token_changes_nothing(token: str) -> None:
    scene = Scene(running_task())
    with pytest.raises(WebhookRefusedError) as refused:
        scene.deliver(success(), token=token)
    assert refused.value.reason == "token_mismatch"
    assert (scene.is_untouched, scene.happened) == (True, [])


def test_a_task_that_is_gone_gets_no_record() -> None:
    scene = Scene(running_task())
    gone = "task_gone"
    token = callback_token(gone, SECRET)
    assert scene.deliver(success(), task_id=gone, token=token) is Recorded.UNDELIVERED
    assert (scene.is_untouched, scene.store.get(gone)) == (True, None)


def signed(upstream_task_id: str = UPSTREAM_ID, *, age: int = 0, key: str = HMAC_KEY) -> Any:
    sent_at = int(LATER.timestamp()) - age
    return {
        signature.SIGNATURE_HEADER: signature.sign(upstream_task_id, sent_at, key),
        signature.TIMESTAMP_HEADER: str(sent_at),
    }


@pytest.mark.parametrize(
    ("task", "told", "headers"),
    [
        (running_task(), success(), signed()),
        # Before the id is on record, the body names it; where the body names none, the record does.
        (make_task(), success(), signed()),
        (running_task(), b"not json", signed()),
    ],
)
def test_a_signed_delivery_is_taken(task: Task, told: Any, headers: Any) -> None:
    scene = Scene(task, HMAC_KEY)
    assert scene.deliver(told, headers=headers) in (Recorded.ACCEPTED, Recorded.UNCLEAR)


REFUSED: list[tuple[str, Any, str]] = [
    ("unsigned", {}, "signature_missing"),
    ("stale", signed(age=301), "timestamp_stale"),
    ("from the future", signed(age=-301), "timestamp_stale"),
    ("another key", signed(key="other"), "signature_mismatch"),
    ("another task", signed("another"), "signature_mismatch"),
]


@pytest.mark.parametrize(
    ("headers", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_delivery_without_proof_changes_nothing_and_is_noted_once(
    headers: Any, reason: str
) -> None:
    scene = Scene(running_task(), HMAC_KEY)
    for _ in range(3):
        with pytest.raises(WebhookRefusedError) as refused:
            scene.deliver(success(), headers=headers)
        assert refused.value.reason == reason
    assert (scene.is_untouched, scene.happened) == (True, [Happened.WEBHOOK_REFUSED])
    told = scene.store.words(scene.task)
    assert reason in told
    assert not any(value in told for value in (TOKEN, HMAC_KEY, *headers.values()))


def test_a_signature_is_not_asked_for_without_a_key() -> None:
    assert Scene(running_task()).deliver(success()) is Recorded.ACCEPTED


# --- archive ------------------------------------------------------------------------------------


def test_a_body_is_kept_as_it_came_but_for_the_token() -> None:
    url = callback_url("https://gateway.test", TASK_ID, SECRET)
    inner = json.dumps({"callBackUrl": url, "prompt": "a red kite"})
    raw = json.dumps(success(param=inner, callBackUrl=url)).encode()
    scene = Scene(running_task())
    scene.deliver(raw, delivery_id="request-7")
    key = f"webhooks/{TASK_ID}/20260301T120040000000Z-request-7.json"
    assert scene.archive.bodies == {key: raw.replace(TOKEN.encode(), b"[token]")}
    assert raw.count(TOKEN.encode()) == 2


@pytest.mark.parametrize(
    "told",
    [
        fail(f"cannot call {TOKEN}"),
        body(f"calling {TOKEN}"),
        success(upstream_task_id=f"id-{TOKEN}"),
        {"code": 500, "msg": TOKEN},
    ],
)
def test_no_word_of_a_webhook_carries_the_token_into_the_record(told: Any) -> None:
    for task in (running_task(), make_task()):
        scene = Scene(task)
        scene.deliver(told)
        assert TOKEN not in f"{scene.now} {scene.store.words(task)} {scene.archive.bodies}"


def test_a_task_of_another_name_has_another_token() -> None:
    other = replace(running_task(), task_id="task_another")
    scene = Scene(other)
    with pytest.raises(WebhookRefusedError):
        scene.deliver(success(), task_id=other.task_id, token=TOKEN)
    assert scene.is_untouched
