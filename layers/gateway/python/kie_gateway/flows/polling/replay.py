"""
Read again what Kie.ai once said: does this version draw the same conclusions?

The archive holds every webhook, and every answer that was a verdict or not understood, word for
word. Replaying it shows what a new version of the interpreter would have made of history, and can
bring home results that an earlier version missed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.files.bucket_keys import RAW, raw_prefix, task_of_raw
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.polling.report import Failed, Finished, Report
from kie_gateway.core.ports.files import RawArchive
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import WITHOUT_VERDICT, CompletedBy, Status, Task


@dataclass(frozen=True)
class Replayed:
    """
    One body, read again.

    Attributes:
        task: As it stands; None if there is no record of it any more.
        differs: Whether the body is a verdict and the record has another one, or none.
        settled: Whether the verdict was recorded now.
    """

    key: str
    task: Task | None
    report: Report
    differs: bool
    settled: bool = False


@dataclass(frozen=True)
class Replay:
    """
    Reads the archive again.

    Attributes:
        interpret: Reads a body as the family of the task does.
        follow: Starts an execution for a task that was settled; None changes nothing anywhere.
    """

    archive: RawArchive
    tasks: TaskStore
    interpret: Callable[[Task, bytes], Report]
    follow: Callable[[Task], object] | None
    now: Callable[[], datetime]

    def __call__(self, task_id: str | None = None) -> Iterator[Replayed]:
        """
        Read bodies, the oldest of a task first.

        Args:
            task_id: Of this task only.
        """
        for folder in RAW:
            for key in self.archive.keys(raw_prefix(folder, task_id)):
                task = self.tasks.get(task_of_raw(key))
                if task is not None:
                    yield self._read(key, task)

    def _read(self, key: str, task: Task) -> Replayed:
        report = self.interpret(task, self.archive.get_raw(key))
        read = Replayed(key, task, report, _differs(task, report))
        if self.follow is None or not read.differs or task.status not in WITHOUT_VERDICT:
            return read
        settled = self._settle(task, report)
        if settled is not None:
            self.follow(settled)
        return Replayed(key, settled or task, report, read.differs, settled is not None)

    def _settle(self, task: Task, report: Report) -> Task | None:
        """Record a result that was missed. Failures are left to Kie.ai's own word: ask it."""
        if not isinstance(report, Finished):
            return None
        moved = self.tasks.move(
            task,
            lambda current: verdict_moves.answer_finished(
                current, report, by=CompletedBy.REFRESH, now=self.now()
            ),
        )
        return moved.task if moved.changed else None


def _differs(task: Task, report: Report) -> bool:
    match report:
        case Finished():
            return task.status not in (Status.STORING, Status.SUCCEEDED, Status.CANCELED)
        case Failed():
            return task.status not in (Status.FAILED, Status.CANCELED)
        case _:
            return False
