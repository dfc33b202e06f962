"""Functions as processes: many at once, killed, timed out, broken at the start, replaced."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from dev.cloud import InvocationError
from dev.pool import MAX_PROCESSES
from tests.dev.support import FIXTURES, call, eventually

if TYPE_CHECKING:
    from dev.cloud import LocalCloud


def test_environment_is_the_templates_and_lambdas(cloud: LocalCloud) -> None:
    """Nothing of this process' own settings reaches a function."""
    found = cloud.invoke("EchoFunction", {"rawPath": "/environment"})
    env = found["env"]
    assert (env["GREETING"], env["WAIT"]) == ("hello", "1")
    assert env["TABLE_NAME"] == cloud.resources["Table"]
    assert env["SECRET_ARN"] == cloud.resources["Generated"]
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == cloud.resources["EchoFunction"]
    assert env["AWS_ENDPOINT_URL"] == cloud.aws.url
    # Over plain http botocore would send files in another way than on AWS.
    assert env["AWS_ENDPOINT_URL_S3"] == cloud.aws.url.replace("http:", "https:")
    assert "HOME" not in env
    assert (found["shared"], found["cwd"]) == ("shared", str(FIXTURES / "functions" / "echo"))


def test_context_tells_the_call(cloud: LocalCloud) -> None:
    """ARN, memory and remaining time are those of the template."""
    context = cloud.invoke("EchoFunction", {"rawPath": "/context"})
    assert context["arn"].endswith(f":function:{cloud.resources['EchoFunction']}")
    assert (context["name"], context["memory"]) == (cloud.resources["EchoFunction"], "256")
    assert 1000 < context["left"] <= 2000


def test_sequential_calls_share_a_process_and_are_quick(cloud: LocalCloud) -> None:
    """A warm call takes milliseconds, not the 40 of a delayed segment."""
    pids = {call(cloud.url, "/sleep/0").body for _ in range(3)}
    taken = []
    for _ in range(20):
        started = time.monotonic()
        pids.add(call(cloud.url, "/sleep/0").body)
        taken.append(time.monotonic() - started)
    assert len(pids) == 1
    # A delayed segment would hold up every one of them, a busy machine does not.
    assert min(taken) < 0.03


def test_twenty_parallel_requests_run_at_once(cloud: LocalCloud) -> None:
    """One request at a time per process, so there are many."""
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: call(cloud.url, "/sleep/0.2"), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert 1 < len(cloud.functions["EchoFunction"].processes()) <= MAX_PROCESSES


def test_killed_process_is_replaced(cloud: LocalCloud) -> None:
    """The call in hand fails, the next one works."""
    # One that dies while it starts fails the call that waits for it.
    pool: Any = cloud.functions["EchoFunction"]
    eventually(lambda: not pool._starting)
    killed = {process["pid"] for process in pool.processes()}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    # Until it has ended, a killed process may still be handed a call, as on Lambda.
    eventually(lambda: not killed & {process["pid"] for process in pool.processes()})
    assert call(cloud.url, "/sleep/0").status == 200
    with ThreadPoolExecutor(1) as threads:
        pending = threads.submit(cloud.invoke, "EchoFunction", {"rawPath": "/sleep/1.5"})
        [busy] = eventually(
            lambda: [p for p in cloud.functions["EchoFunction"].processes() if p["busy"]]
        )
        time.sleep(0.2)
        os.kill(busy["pid"], signal.SIGKILL)
        with pytest.raises(InvocationError) as caught:
            pending.result()
    assert caught.value.error["errorType"] == "Runtime.ExitError"
    assert caught.value.error["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert call(cloud.url, "/sleep/0").status == 200


def test_timeout_kills_and_names_itself(cloud: LocalCloud) -> None:
    """The template says two seconds."""
    started = time.monotonic()
    with pytest.raises(InvocationError) as caught:
        cloud.invoke("EchoFunction", {"rawPath": "/sleep/9"})
    assert caught.value.error["errorType"] == "Sandbox.Timedout"
    assert caught.value.error["errorMessage"].endswith("Task timed out after 2.00 seconds")
    assert 2 <= time.monotonic() - started < 8


def test_exceptions_carry_type_and_trace(cloud: LocalCloud) -> None:
    """As Lambda describes them."""
    with pytest.raises(InvocationError) as caught:
        cloud.invoke("EchoFunction", {"rawPath": "/raise"})
    assert caught.value.error["errorType"] == "LookupError"
    assert "nothing there" in caught.value.error["errorMessage"]
    assert "app.py" in caught.value.error["stackTrace"][0]


def test_who_waits_for_news_leaves_a_process_to_everybody_else(cloud: LocalCloud) -> None:
    """Ten who wait hold every process but one, whoever came first."""
    function = cloud.functions["EchoFunction"]
    slow, quick = b'{"rawPath": "/sleep/1.5"}', b'{"rawPath": "/sleep/0"}'
    function.submit(quick).result(20)
    waiting = [function.submit(slow, patient=True) for _ in range(10)]
    for _ in range(3):
        assert not function.submit(quick).result(20).failed
        assert not waiting[-1].done()
    assert not any(one.result(60).failed for one in waiting)
