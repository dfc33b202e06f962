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
        named: Reads which id of Kie's a body is about; None if it names none.
        follow: Starts an execution for a task that was settled; None changes nothing anywhere.
    """

    archive: RawArchive
    tasks: TaskStore
    interpret: Callable[[Task, bytes], Report]
    named: Callable[[bytes], str | None]
    follow: Callable[[Task], object] | None
    now: Callable[[], datetime]

    def __call__(self, task_id: str | None = None) -> Iterator[Replayed]:
        """
        Read bodies, the oldest of a task first; none that may be of an attempt that is over.

        Args:
            task_id: Of this task only.
        """
        for folder in RAW:
            for key in self.archive.keys(raw_prefix(folder, task_id)):
                task = self.tasks.get(task_of_raw(key))
                if task is None:
                    continue
                raw = self.archive.get_raw(key)
                if not self._may_be_earlier(task, raw):
                    yield self._read(key, task, raw)

    def _may_be_earlier(self, task: Task, raw: bytes) -> bool:
        """Whether a body tells of a model that was tried before the one at work, or perhaps."""
        if not task.was_created_before:
            return False
        named = self.named(raw)
        return named is None or task.earlier_attempt(named) is not None

    def _read(self, key: str, task: Task, raw: bytes) -> Replayed:
        report = self.interpret(task, raw)
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
