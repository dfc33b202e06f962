"""Whatever is killed, every accepted task comes home, and nothing is created twice."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.running.driver import accepted_creations, assert_stored, create, happened, settle
from tests.running.gateway import Gateway

# What a kill leaves is in tests/dev as well, and functions that die are in the functional tests.
pytestmark = pytest.mark.long

PARAMETERS = "FirstPollSeconds=3 PollCapSeconds=2 DeadlineSeconds=240"
# What a task is doing when everything is killed, and the prompt that makes it do so.
DOING = {
    "queued": "x [create 433 x1]",
    "running": "x [slow 7]",
    "watched": "x [slow 7] [webhook lost]",
}


@dataclass
class Struck:
    """
    A gateway that was killed with tasks in every state, and started again.

    Attributes:
        tasks: Each as it was last seen before.
        outlived: Processes that were still there some seconds after their parent.
        cut_off: What became of the request that was being answered.
    """

    gateway: Gateway
    tasks: dict[str, dict[str, Any]]
    outlived: list[int]
    simulator_outlived: bool
    cut_off: "Future[httpx.Response]"


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Struck]:
    gateway = Gateway(tmp_path_factory.mktemp("struck"), PARAMETERS)
    with gateway.started():
        yield struck_down(gateway)


def struck_down(gateway: Gateway) -> Struck:
    simulator = gateway.simulator
    ids = {"succeeded": create(gateway.http, "a kite")["id"]}
    settle(gateway.http, ids["succeeded"])
    ids["storing"] = create(gateway.http, "x [file slow 20]")["id"]
    eventually(lambda: "storing_started" in happened(gateway.http, ids["storing"]))
    ids |= {doing: create(gateway.http, prompt)["id"] for doing, prompt in DOING.items()}
    with ThreadPoolExecutor(1) as pool:
        cut_off = pool.submit(create_by_key, gateway, "cut-off", "x [create slow 9]")
        eventually(lambda: gateway.processes("ApiFunction", busy=True))
        tasks = {doing: gateway.http.get(f"/v1/tasks/{ids[doing]}").json() for doing in ids}
        pids = gateway.processes()
        # Answered, and at once all is over.
        tasks["just accepted"] = create(gateway.http, "x [slow 1]")
        gateway.stop(signal.SIGKILL)
    with suppress(AssertionError):
        eventually(lambda: not any(map(alive, pids)), 5)
    outlived, simulator_outlived = [pid for pid in pids if alive(pid)], answers(simulator)
    gateway.start()
    return Struck(gateway, tasks, outlived, simulator_outlived, cut_off)


def create_by_key(gateway: Gateway, key: str, prompt: str, **more: Any) -> httpx.Response:
    body = {"model": "google/nano-banana", "input": {"prompt": prompt}, **more}
    return gateway.http.post("/v1/tasks", json=body, headers={"Idempotency-Key": key})


def eventually(found: Callable[[], Any], seconds: float = 20) -> Any:
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return value


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def dying(gateway: Gateway, *functions: str, every_seconds: float) -> Iterator[None]:
    """Kill every process of some functions again and again."""
    ended = threading.Event()

    def strike() -> None:
        while not ended.wait(every_seconds):
            for function in functions:
                kill(gateway.processes(function))

    with ThreadPoolExecutor(1) as pool:
        striking = pool.submit(strike)
        try:
            yield
        finally:
            ended.set()
        striking.result()


def assert_came_home(gateway: Gateway, task_id: str, within_seconds: float = 60) -> dict[str, Any]:
    settled = settle(gateway.http, task_id, within_seconds)
    assert (settled["status"], settled["attention"]) == ("succeeded", None), settled
    assert_stored(gateway.http, settled)
    assert accepted_creations(gateway.http, gateway.simulator, task_id) == 1
    return settled


def assert_home_or_never_sent(gateway: Gateway, task_id: str, within_seconds: float) -> None:
    """Whoever dies while sending may have sent; nobody can tell, so nobody sends it again."""
    settled = settle(gateway.http, task_id, within_seconds)
    created = accepted_creations(gateway.http, gateway.simulator, task_id)
    told = (settled["status"], settled["attention"], created)
    # Stalled: whoever was to send it died each time before it could, until the deadline.
    never_sent = (("expired", "submission_unknown", 0), ("expired", "stalled", 0))
    assert told in (("succeeded", None, 1), *never_sent), settled


# --- all of it ----------------------------------------------------------------------------------


def test_nothing_outlives_the_gateway(struck: Struck) -> None:
    assert struck.outlived == []
    assert not struck.simulator_outlived


def test_tasks_were_in_every_state(struck: Struck) -> None:
    states = {doing: task["status"] for doing, task in struck.tasks.items()}
    assert states == {
        **dict.fromkeys(("running", "watched", "just accepted"), "running"),
        **{status: status for status in ("succeeded", "queued", "storing")},
    }


@pytest.mark.parametrize("doing", ["succeeded", *DOING, "just accepted"])
def test_a_task_goes_on_where_it_was(struck: Struck, doing: str) -> None:
    settled = assert_came_home(struck.gateway, struck.tasks[doing]["id"])
    if doing == "succeeded":
        before = struck.tasks[doing]
        assert settled["completed_at"] == before["completed_at"]
        assert settled["outputs"][0]["sha256"] == before["outputs"][0]["sha256"]


def test_a_request_cut_off_by_it_is_found_again_by_its_key(struck: Struck) -> None:
    assert isinstance(struck.cut_off.exception(), httpx.TransportError)
    again = create_by_key(struck.gateway, "cut-off", "x [create slow 9]")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert_came_home(struck.gateway, again.json()["id"])


def test_a_copy_cut_off_is_begun_anew(struck: Struck) -> None:
    """Once nobody has renewed the dead copy's hold for 45 s."""
    task_id = struck.tasks["storing"]["id"]
    assert_came_home(struck.gateway, task_id, 120)
    assert happened(struck.gateway.http, task_id).count("storing_started") == 2


def test_every_task_is_in_the_ledger_once(struck: Struck) -> None:
    gateway = struck.gateway
    assert_came_home(gateway, struck.tasks["running"]["id"])
    for _ in range(20):
        tasks = {task["id"]: task for task in listed(gateway, "/v1/tasks", 100)}
        account = gateway.http.get("/v1/credits").json()
        rows = listed(gateway, "/v1/credits/ledger", 1000)
        if account == gateway.http.get("/v1/credits").json():
            break
    reserved = {row["task_id"]: row["credits"] for row in rows if row["target"] == "reserved"}
    spent = {row["task_id"]: row["credits"] for row in rows if row["target"] == "spent"}
    ended = {row["task_id"] for row in rows if row["source"] == "reserved"}
    assert len(rows) == len(reserved) + len(ended)
    assert reserved.keys() == tasks.keys()
    assert account["reserved"] == sum(reserved[one] for one in reserved.keys() - ended)
    assert account["spent"] == sum(spent.values())
    for task_id, task in tasks.items():
        if task["status"] == "succeeded":
            assert spent[task_id] == task["credits"]["charged"] == 4


def listed(gateway: Gateway, path: str, limit: int) -> list[dict[str, Any]]:
    """Read a list of no more than a page."""
    page = gateway.http.get(path, params={"limit": limit}).json()
    assert not page["has_more"]
    found: list[dict[str, Any]] = page["data"]
    return found


# --- one function -------------------------------------------------------------------------------


def test_a_creation_whose_function_dies_is_found_again_by_its_key(struck: Struck) -> None:
    gateway, prompt = struck.gateway, "x [create slow 8]"
    with ThreadPoolExecutor(1) as pool:
        cut_off = pool.submit(create_by_key, gateway, "died", prompt)
        eventually(lambda: gateway.processes("ApiFunction", busy=True))
        # Kie.ai has it, and nobody here knows.
        eventually(lambda: prompt in httpx.get(f"{gateway.simulator}/sim/tasks").text)
        kill(gateway.processes("ApiFunction", busy=True))
    assert cut_off.result().status_code == 500
    again = create_by_key(gateway, "died", prompt)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert_came_home(gateway, again.json()["id"])


def test_webhooks_whose_function_dies_are_made_up_for(struck: Struck) -> None:
    gateway = struck.gateway
    with dying(gateway, "CallbackFunction", every_seconds=0.05):
        tasks = [create(gateway.http, f"kite {n}")["id"] for n in range(3)]
        eventually(lambda: all(webhook_statuses(gateway, task_id) for task_id in tasks))
    assert all(200 not in webhook_statuses(gateway, task_id)[:1] for task_id in tasks)
    for task_id in tasks:
        assert_came_home(gateway, task_id)


def webhook_statuses(gateway: Gateway, task_id: str) -> list[int | None]:
    """Tell how Kie.ai's deliveries were answered."""
    [found] = [
        task["webhooks"]
        for task in httpx.get(f"{gateway.simulator}/sim/tasks").json()
        if task_id in task["callBackUrl"]
    ]
    return [attempt["status"] for attempt in found]


def test_a_creation_killed_at_any_moment_is_never_sent_twice(struck: Struck) -> None:
    gateway, tasks = struck.gateway, []
    for n in range(15):
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(create_by_key, gateway, f"moment-{n}", "x", deadline_seconds=12)
            busy: list[int] = []
            while not busy and not asking.done():
                busy = gateway.processes("ApiFunction", busy=True)
            time.sleep(n * 0.002)
            kill(busy)
        # A process that is dying may be given the repetition as well.
        while (again := create_by_key(gateway, f"moment-{n}", "x", deadline_seconds=12)).is_error:
            assert again.status_code == 500
        tasks.append(again.json()["id"])
    for task_id in tasks:
        assert_home_or_never_sent(gateway, task_id, 60)


def test_a_copy_killed_three_times_is_begun_a_fourth_time(struck: Struck) -> None:
    gateway = struck.gateway
    task_id = create(gateway.http, "x [file slow 4]")["id"]

    def attempts() -> int:
        return happened(gateway.http, task_id).count("storing_started")

    for attempt in (1, 2, 3):
        eventually(lambda: attempts() == attempt, 70)  # noqa: B023 - called before the next
        for function in ("StoreFunction", "WatchFunction"):
            kill(gateway.processes(function, busy=True))
    assert_came_home(gateway, task_id, 120)
    assert attempts() == 4


def test_everything_behind_the_api_may_die_for_a_while(struck: Struck) -> None:
    gateway = struck.gateway
    prompts = ["kite", "kite [webhook lost]", "kite [create 433 x1]", "kite [file slow 1]"] * 4
    with dying(gateway, "CallbackFunction", "StoreFunction", "WatchFunction", every_seconds=0.7):
        tasks = [create(gateway.http, prompt, deadline_seconds=90)["id"] for prompt in prompts]
        time.sleep(8)
    for task_id in tasks:
        assert_home_or_never_sent(gateway, task_id, 200)
