"""What callers do with tasks: cancel, retry, and have thumbnails drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.credits.reservation import Reservation, as_credits
from kie_gateway.core.errors.caller_errors import (
    InvalidRequestError,
    TaskNotFailedError,
    TaskSettledError,
)
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.groups.task_spec import TaskSpec
from kie_gateway.core.results import Output
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.files.make_thumbnail import WIDTHS, MakeThumbnail
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.plan_group import PlanGroup
from kie_gateway.flows.inputs.check_references import CheckReferences
from kie_gateway.flows.inputs.create_upload import CreateUpload
from kie_gateway.flows.inputs.use_uploads import CheckUploads
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.create_task import Created, NewTask
from kie_gateway.flows.tasks.draft_task import DraftTask
from kie_gateway.flows.tasks.request_task import RequestTask, TaskRequest
from kie_gateway.flows.tasks.retry_task import Retry, RetryTask
from tests.fakes import FakeTaskStore
from tests.makers import NOW, TASK_ID, make_task, running_task, seconds, typical_seconds

BASE = "https://gateway.test"
FAILED = running_task(
    status=Status.FAILED,
    error=Failure("500", Category.UPSTREAM, "x", retryable=True),
    metadata={"order": "1"},
    retention_days=7,
)


# --- cancel -------------------------------------------------------------------------------------


def test_an_open_task_is_canceled_once() -> None:
    tasks, task = FakeTaskStore(), running_task()
    tasks.create(task, [], None)
    cancel = CancelTask(tasks, Cascade(tasks), lambda: NOW)
    assert cancel(task).status is Status.CANCELED
    with pytest.raises(TaskSettledError, match="already ended as canceled"):
        cancel(task)


# --- retry and request --------------------------------------------------------------------------


@dataclass
class FakeModels:
    """Knows what one model makes and costs."""

    def family(self, model: str) -> str:
        return "market"

    def kind(self, model: str) -> str | None:
        return "video" if model == "known" else None

    def estimate(self, model: str, task_input: Mapping[str, Any]) -> Decimal | None:
        return Decimal(4) if model == "known" else None


@dataclass
class Creations:
    """Notes what was to be created, and runs the check that comes with it."""

    created: list[NewTask] = field(default_factory=list)
    tried_links: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, new: NewTask, check: Any = None) -> Created:
        if check is not None:
            check()
        self.created.append(new)
        return Created(make_task(), replayed=False)

    def request(self) -> RequestTask:
        checks = (CheckUploads(lambda _: None), CheckReferences(FakeTaskStore()))
        draft = DraftTask(
            FakeModels(),
            as_it_is,
            checks,
            lambda one: Reservation(as_credits(one or 1), 60),
            lambda model: round(typical_seconds(model)),
        )
        return RequestTask(
            plan=PlanGroup(draft),
            create=self,
            check_links=self.tried_links.append,
            new_task_id=lambda: TASK_ID,
        )


def as_it_is(
    model_id: str, given: Mapping[str, Any], *, checked: bool, examples: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Take any input of any model."""
    del model_id, checked, examples
    return given


def wish(*, check_inputs: bool = False, **changes: Any) -> TaskRequest:
    task = TaskSpec(model="known", input={"prompt": "x"}, deadline_seconds=3600)
    return TaskRequest(
        owner="alice",
        task=replace(task, **changes),
        callback_base_url=BASE,
        tasks_at_once=3,
        fingerprint="f",
        check_inputs=check_inputs,
    )


def test_a_request_is_completed_by_what_is_known_of_its_model() -> None:
    creations = Creations()
    creations.request()(wish())
    creations.request()(wish(model="new", deadline_seconds=60))
    known, new = (one.draft for one in creations.created)
    assert (known.kind, known.credits_estimated, known.deadline_seconds) == (
        "video",
        Decimal(4),
        3600,
    )
    assert known.reservation is not None
    assert known.reservation.credits == 4
    assert (new.kind, new.credits_estimated, new.deadline_seconds) == ("image", None, 60)


def test_links_are_tried_only_where_that_is_asked_for() -> None:
    creations = Creations()
    creations.request()(wish())
    assert creations.tried_links == []
    creations.request()(wish(check_inputs=True))
    assert creations.tried_links == [{"prompt": "x"}]


def test_an_upload_that_has_not_arrived_is_refused_before_anything_is_created() -> None:
    creations = Creations()
    reference = "kg-upload://upload_01kjd3x7h8000000000000000a.png"
    with pytest.raises(InvalidRequestError) as refused:
        creations.request()(wish(input={"image": reference}))
    assert [fault.pointer for fault in refused.value.faults] == ["/input/image"]
    assert creations.created == []


def test_a_retry_repeats_the_whole_input_for_the_same_owner() -> None:
    creations = Creations()
    whole = {"prompt": "all of it"}
    retry = RetryTask(lambda task: replace(task, input=whole), lambda _: (), creations.request())
    retry(Retry(FAILED, BASE, tasks_at_once=3, idempotency_key="again"))
    [created] = creations.created
    new = created.draft
    assert (new.owner, new.input, new.metadata) == ("alice", whole, {"order": "1"})
    assert (new.retry_of, created.idempotency_key) == (FAILED.task_id, "again")
    assert (new.deadline_seconds, new.retention_days) == (3600, 7)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAILED])
def test_only_a_failed_task_is_retried(status: Status) -> None:
    creations = Creations()
    task: Task = replace(FAILED, status=status)
    with pytest.raises(TaskNotFailedError, match=status.value):
        RetryTask(lambda task: task, lambda _: (), creations.request())(
            Retry(task, BASE, tasks_at_once=0)
        )
    assert creations.created == []


# --- files --------------------------------------------------------------------------------------

PICTURE = Output(
    *(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", "https://x.example/0.png"),
    width=4096,
    height=4096,
)


@dataclass
class Drawer:
    """Draws thumbnails, or says why it does not."""

    why_not: str | None = None
    drawn: list[tuple[str, str, int]] = field(default_factory=list)

    def make(self, source: str, target: str, width: int) -> str | None:
        self.drawn.append((source, target, width))
        return self.why_not


@pytest.mark.parametrize(
    ("asked", "width"), [(16, 160), (160, 160), (161, 320), (700, 1280), (WIDTHS[-1], 1280)]
)
def test_a_thumbnail_is_drawn_in_the_next_larger_of_a_few_widths(asked: int, width: int) -> None:
    drawer = Drawer()
    key = MakeThumbnail(lambda _: None, drawer)(PICTURE, asked)
    assert key == f"thumbnails/alice/x/0-w{width}.webp"
    assert drawer.drawn == [(PICTURE.key, key, width)]


def test_a_thumbnail_that_is_there_is_not_drawn_again() -> None:
    drawer = Drawer()
    MakeThumbnail(lambda _: 1, drawer)(PICTURE, 160)
    assert drawer.drawn == []


def test_a_preview_is_its_own_thumbnail() -> None:
    preview = replace(PICTURE, key="previews/alice/x/0-1.png")
    assert MakeThumbnail(lambda _: None, Drawer())(preview, 160) == preview.key


def test_a_picture_that_is_small_enough_is_its_own_thumbnail() -> None:
    small = replace(PICTURE, width=160)
    assert MakeThumbnail(lambda _: None, Drawer())(small, 100) == PICTURE.key


@pytest.mark.parametrize(
    ("output", "why_not"),
    [(replace(PICTURE, media="video"), None), (PICTURE, "the picture cannot be read")],
)
def test_what_has_no_thumbnail_is_refused_by_name(output: Output, why_not: str | None) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        MakeThumbnail(lambda _: None, Drawer(why_not))(output, 160)
    assert [fault.pointer for fault in refused.value.faults] == ["/w"]


def test_an_upload_gets_a_form_for_an_hour_and_is_kept_for_a_week() -> None:
    class Forms:
        def presign_upload(
            self, key: str, *, content_type: str, size: int, lifetime_seconds: int
        ) -> tuple[str, dict[str, str]]:
            assert (content_type, size, lifetime_seconds) == ("image/png", 10, 3600)
            return "https://bucket.test/", {"key": key}

    upload = CreateUpload(Forms(), lambda: "upload_1", lambda: NOW)("alice", "image/png", 10)
    assert upload.reference == "kg-upload://upload_1.png"
    assert upload.form_fields == {"key": "uploads/alice/upload_1.png"}
    assert (upload.expires_at, upload.delete_at) == (NOW + seconds(3600), NOW + seconds(604_800))
