"""What must be true of groups and batches once all has ended, whatever trouble there was."""

from collections import Counter

from kie_gateway.core.credits.reconciliation import differences
from kie_gateway.core.groups.child import ChildState, Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.task import Attention, Status, Task
from tests.faults.explorer import Tale
from tests.functional.test_unwatched import running

PRICE = 4


def check_always(tale: Tale) -> None:
    """Check everything that does not depend on the story."""
    tasks = tale.tasks()
    for task in tasks:
        check_task(tale, task)
        check_children(tale, task)
    check_batches(tale)
    check_credits(tale)


def is_lost(task: Task) -> bool:
    """Whether nobody can know whether it was created at Kie.ai."""
    return task.status is Status.EXPIRED and task.attention is Attention.SUBMISSION_UNKNOWN


def check_task(tale: Tale, task: Task) -> None:
    """It has ended, was made once, and nobody looks after it any more."""
    story = tale.story(task)
    sent = story.accepted_creations()
    assert task.status.is_settled, f"{task.task_id} is {task.status.value}"
    assert sent <= 1, f"{task.task_id} was created {sent} times"
    assert not task.is_swept, f"{task.task_id} is still swept"
    assert running(tale.world, story) == [], f"{task.task_id} is still followed"
    if task.status is Status.SUCCEEDED:
        assert (sent, len(task.outputs)) == (1, 1), task.task_id
        for output in task.outputs:
            assert tale.world.objects(output.key) == [output.key]


def check_children(tale: Tale, task: Task) -> None:
    """Its children are there as it says, and none for what came to nothing."""
    found = {one.task_id: one for one in tale.tasks()}
    for child in task.children:
        is_there = child.task_id in found
        assert not child.is_planned, f"{child.task_id} is still to come"
        assert is_there is (child.state is ChildState.CREATED), child.task_id
        if is_there and child.starts is Start.THEN:
            assert task.status is Status.SUCCEEDED, f"{child.task_id} follows a failure"
    if task.parent_id is not None:
        assert any(one.task_id == task.task_id for one in found[task.parent_id].children)


def check_batches(tale: Tale) -> None:
    """They are whole, and count what their tasks came to."""
    ledger = tale.ledger()
    for batch_id, batch in ledger.batches.items():
        if batch_id in tale.known:
            continue
        ids = [derived_task_id(batch_id, place) for place in range(batch.total)]
        there = [ledger.tasks[one] for one in ids if one in ledger.tasks]
        assert batch.sweep_at is None, f"{batch_id} is still swept"
        assert batch.is_whole, f"{batch_id} is not whole"
        assert len(there) == batch.created
        assert dict(batch.ended) == Counter(task.status for task in there)


def check_credits(tale: Tale) -> None:
    """The ledger adds up, nothing stays set aside, and what Kie.ai made is paid."""
    found = [one.words for one in differences(tale.ledger(), tale.world.agenda.now())]
    assert found == []
    _, reserved, _, open_tasks = tale.owner.figures()
    assert (reserved, open_tasks) == (0, 0)
    for task in tale.tasks():
        assert task.reservation is not None
        made = tale.story(task).accepted_creations()
        paid = 0 if is_lost(task) else PRICE * made
        assert task.reservation.charged == paid, f"{task.task_id}: {task.reservation}"
