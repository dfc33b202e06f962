"""What an operator's redrive of a failed execution does, and which schedule runs by default."""

from sam_template.template import Template
from tests.functional.story import Story
from tests.functional.world import World


def expired(world: World, prompt: str) -> Story:
    """Let a task expire without a verdict, which fails its execution."""
    task = world.create(prompt, deadline_seconds=600)
    world.run_for(700)
    assert task.execution()["status"] == "FAILED"
    assert task.end()[0] == "expired"
    return task


def redrive(task: Story) -> None:
    task.world.sfn.redrive_execution(executionArn=task._execution_arn(1))
    task.world.settle_down()


def test_redrive_of_an_expired_task_asks_again_and_settles(world: World) -> None:
    task = expired(world, "a kite [webhook lost] [slow 5000]")
    world.run_for(5000)
    asked = len(world.functions.calls.kie)
    redrive(task)
    world.run()
    assert len(world.functions.calls.kie) > asked
    assert task.end() == ("succeeded", "poll", None)
    assert task.execution()["status"] == "SUCCEEDED"
    assert task.accepted_creations() == 1


def test_redrive_without_a_verdict_fails_again_with_the_same_advice(world: World) -> None:
    task = expired(world, "a kite [webhook lost] [slow 5000]")
    first = task.execution()
    redrive(task)
    world.run_for(10)
    assert task.execution()["status"] == "FAILED"
    assert task.execution()["error"] == first["error"]
    assert task.end()[0] == "expired"


def test_the_schedule_of_these_tests_is_the_templates_own(world: World) -> None:
    """A lost webhook is looked for when the model's typical time is over, not after seconds."""
    assert Template().parameters["FirstPollSeconds"]["Default"] == 0
    assert world.cloud.environment("WatchFunction")["FIRST_POLL_SECONDS"] == "0"
    assert world.cloud.environment("ApiFunction")["FIRST_POLL_SECONDS"] == "0"
    task = world.create("a kite [webhook lost]")
    world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert task.told()[1].startswith("69 ")
