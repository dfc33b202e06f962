"""
Every way in which Kie.ai misbehaves, and the story that a task's timeline tells of it.

One line for each moment: seconds since the creation, and what happened then. Nobody has waited for
them; the whole world shares a clock that jumps to the next moment at which something is due.
"""

import hashlib
from dataclasses import dataclass

import pytest

from tests.functional.story import Story
from tests.functional.world import World

DEADLINE_SECONDS = 3600


@dataclass(frozen=True)
class Road:
    """
    How a task goes.

    Attributes:
        dial: What is asked of the simulated Kie.ai.
        end: Status, `completed_by` and attention.
        creations: How many Kie.ai has accepted.
    """

    dial: str
    end: tuple[str, str | None, str | None]
    told: str
    creations: int = 1


BY_WEBHOOK = ("succeeded", "webhook", None)
BY_POLL = ("succeeded", "poll", None)

STORED = (
    Road(
        "",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook late 8]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        9.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook late 100]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 result_reported storing_started stored succeeded
        101.5 webhook_duplicate
        """,
    ),
    Road(
        "[webhook lost]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 result_reported storing_started stored succeeded
        """,
    ),
    # It comes before Kie.ai has answered the creation, and names the id.
    Road(
        "[webhook early]",
        BY_WEBHOOK,
        """
        0 created submission_started webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook x5]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted webhook_duplicate webhook_duplicate webhook_duplicate \
webhook_duplicate storing_started stored succeeded
        """,
    ),
    # A stranger's words leave no trace but in the log, or anybody could fill a timeline.
    Road(
        "[webhook forged]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook unreadable]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_unclear result_reported storing_started stored succeeded
        """,
    ),
    Road(
        "[slow 100]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        69 kie_asked
        100 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[slow 300] [webhook lost]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 kie_asked
        103 kie_asked
        144 kie_asked
        216 kie_asked
        324 result_reported storing_started stored succeeded
        """,
    ),
    Road(
        "[create 429]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_refused watch_started
        10 submission_started submitted
        11.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[create 429 x3]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_refused watch_started
        10 submission_started submission_refused
        10.515 submission_started submission_refused
        11.515 submission_started submitted
        13.015 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[create 455]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_refused watch_started
        65 submission_started submitted
        66.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    # No clear answer to the creation: never sent again, and its webhook brings the result.
    Road(
        "[create 500]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_unknown
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[create 500 code]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_unknown
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[create drop]",
        BY_WEBHOOK,
        """
        0 created submission_started submission_unknown
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[create slow 40] [slow 30]",
        BY_WEBHOOK,
        """
        0 created submission_started
        18.4 submission_unknown
        30 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook lost] [poll 500 x3]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 kie_asked
        103 kie_asked
        144 kie_asked
        216 result_reported storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook lost] [poll lag 80]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 kie_asked
        103 result_reported storing_started stored succeeded
        """,
    ),
    # In the first 90 s it is only not visible yet, and asked about again soon.
    Road(
        "[webhook lost] [poll null 75]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 kie_asked
        79 result_reported storing_started stored succeeded
        """,
    ),
    Road(
        "[file gone once]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted storing_started kie_asked stored succeeded
        """,
    ),
    Road(
        "[file slow 100]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted storing_started
        101.5 stored succeeded
        """,
    ),
    Road(
        "[result double]",
        BY_WEBHOOK,
        """
        0 created submission_started submitted
        1.5 webhook_accepted storing_started stored succeeded
        """,
    ),
    Road(
        "[webhook lost] [result double]",
        BY_POLL,
        """
        0 created submission_started submitted
        69 result_reported storing_started stored succeeded
        """,
    ),
)

FAILED = (
    # The body of a webhook is not signed, so that a failure is believed only when asked about.
    Road(
        "[fail]",
        ("failed", "webhook", None),
        """
        0 created submission_started submitted
        1.5 webhook_unclear failed
        """,
    ),
    Road(
        "[refuse]",
        ("failed", "webhook", None),
        """
        0 created submission_started submitted
        1.5 webhook_unclear failed
        """,
    ),
    Road(
        "[fail] [webhook lost]",
        ("failed", "poll", None),
        """
        0 created submission_started submitted
        69 failed
        """,
    ),
)

ASKED_UNTIL_THE_DEADLINE = """
        69 kie_asked
        103 kie_asked
        144 kie_asked
        216 kie_asked
        324 kie_asked
        486 kie_asked
        729 kie_asked
        1094 kie_asked
        1641 kie_asked
        2462 kie_asked
        3362 kie_asked
        3600 kie_asked expired
"""

FOR_A_PERSON = (
    Road(
        "[create drop] [webhook lost]",
        ("expired", None, "submission_unknown"),
        f"""
        0 created submission_started submission_unknown
        {ASKED_UNTIL_THE_DEADLINE}
        """,
    ),
    Road(
        "[webhook lost] [poll 500]",
        ("expired", None, "stalled"),
        f"""
        0 created submission_started submitted
        {ASKED_UNTIL_THE_DEADLINE}
        """,
    ),
    Road(
        "[result null]",
        ("expired", None, "stalled"),
        f"""
        0 created submission_started submitted
        1.5 webhook_unclear kie_asked
        {ASKED_UNTIL_THE_DEADLINE}
        """,
    ),
    *(
        Road(
            dial,
            ("expired", "webhook", "storage_failed"),
            """
            0 created submission_started submitted
            1.5 webhook_accepted storing_started storing_failed
            6.5 storing_started storing_failed
            26.5 storing_started storing_failed
            107 storing_started storing_failed
            407 storing_started storing_failed
            1007 storing_started storing_failed
            2207 storing_started storing_failed
            3600 storing_started storing_failed expired
            """,
        )
        for dial in ("[file gone]", "[file empty]", "[file short]")
    ),
)


def walk(world: World, road: Road) -> Story:
    task = world.create(f"a kite {road.dial}", deadline_seconds=DEADLINE_SECONDS)
    world.run()
    assert task.told() == lines(road)
    assert task.end() == road.end
    assert task.accepted_creations() == road.creations
    return task


def lines(road: Road) -> list[str]:
    return [line.strip() for line in road.told.splitlines() if line.strip()]


def by_dial(road: Road) -> str:
    return road.dial or "behaves"


@pytest.mark.parametrize("road", STORED, ids=by_dial)
def test_road_ends_in_a_stored_file(world: World, road: Road) -> None:
    task = walk(world, road)
    [output], [content] = task.read()["outputs"], task.stored_files()
    digest = hashlib.sha256(content).hexdigest()
    assert (output["bytes"], output["sha256"]) == (len(content), digest)
    assert content.startswith(b"\x89PNG")
    assert task.last_execution()["status"] == "SUCCEEDED"


@pytest.mark.parametrize("road", FAILED, ids=by_dial)
def test_road_ends_as_kie_says(world: World, road: Road) -> None:
    task = walk(world, road)
    assert task.read()["outputs"] == []
    assert task.last_execution()["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("dial", "code", "category", "message"),
    [
        ("[fail]", "500", "upstream", "Internal Error"),
        ("[fail 400 the picture is odd]", "400", "input", "the picture is odd"),
        ("[refuse]", "400", "content_policy", "flagged"),
    ],
)
def test_failure_is_told_in_kies_words(
    world: World, dial: str, code: str, category: str, message: str
) -> None:
    task = world.create(f"a kite {dial}")
    world.run()
    error = task.read()["error"]
    assert (error["code"], error["category"]) == (code, category)
    assert message in error["message"]


def test_unknown_model_fails_at_once(world: World) -> None:
    task = world.create("a kite", model="nobody/knows-it")
    assert task.told() == ["0 created submission_started failed"]
    assert task.read()["error"]["category"] == "input"
    assert task.accepted_creations() == 0


@pytest.mark.parametrize("road", FOR_A_PERSON, ids=by_dial)
def test_road_ends_with_a_person(world: World, road: Road) -> None:
    task = walk(world, road)
    assert task.read()["outputs"] == []
    execution = task.last_execution()
    assert (execution["status"], execution["error"]) == ("FAILED", "TaskStalledError")


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 3])
def test_roads_taken_at_the_same_time_do_not_touch(world: World, every: int) -> None:
    # Slow files and answers would let everybody's time pass.
    roads = [road for road in (*STORED, *FAILED, *FOR_A_PERSON) if "slow 40" not in road.dial]
    roads = [road for road in roads if "file slow" not in road.dial]
    # A refused creation makes the others wait.
    roads = [road for road in roads if "create 429" not in road.dial][::every]
    tasks = [
        world.create(f"a kite {road.dial}", deadline_seconds=DEADLINE_SECONDS) for road in roads
    ]
    world.run()
    for road, task in zip(roads, tasks, strict=True):
        assert task.told() == lines(road)
    assert world.messages.take_dead_letters() == []
