"""Keep callback tokens out of the record: Kie.ai may quote the URL it was given."""

from dataclasses import replace

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.report import Failed, NotUnderstood, NotVisible, Report
from kie_gateway.core.task import Task


def hide_token(words: str, task: Task, callback_secret: str) -> str:
    """Take a task's token out of words of Kie's."""
    return words.replace(callback_token(task.task_id, callback_secret), "[token]")


def hide_token_in_report[R: Report](report: R, task: Task, callback_secret: str) -> R:
    """Take a task's token out of the words of a report that end up on the timeline."""
    match report:
        case Failed(failure=failure):
            message = hide_token(failure.message, task, callback_secret)
            return replace(report, failure=replace(failure, message=message))
        case NotVisible(message):
            return replace(report, message=hide_token(message, task, callback_secret))
        case NotUnderstood(reason):
            return replace(report, reason=hide_token(reason, task, callback_secret))
        case _:
            return report
