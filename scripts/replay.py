"""
Read the archive of webhooks and answers again: `make replay STACK=kie-gateway`.

Prints every body that this version understands differently from what is on record. With `--apply`,
results that were missed are recorded and stored; failures are never recorded from the archive.
"""

import argparse

import boto3

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.polling.report import Failed, Finished, NotUnderstood, Report
from kie_gateway.flows.polling.replay import Replay
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie import wire
from kie_gateway.kie.families.registry import family
from kie_gateway.wiring.clock import utc_now
from scripts.stack import run, stack_outputs, usual_stack


def main() -> int:
    """Replay; exit code 1 if something differs and was not applied."""
    options = _options()
    outputs = stack_outputs(options.stack)
    tasks = TaskTable(boto3.client("dynamodb"), outputs["TableName"])
    bucket = OutputBucket(boto3.client("s3"), outputs["BucketName"])
    machine = WatchExecutions(boto3.client("stepfunctions"), outputs["WatchMachineArn"])

    replay = Replay(
        archive=bucket,
        tasks=tasks,
        interpret=lambda task, raw: family(task.family).interpret(wire.parse(raw)),
        named=lambda raw: next(wire.task_ids(wire.parse(raw)), None),
        follow=Watches(tasks, machine, utc_now).start_another if options.apply else None,
        now=utc_now,
    )
    read = differing = settled = 0
    for one in replay(options.task):
        read += 1
        settled += one.settled
        if one.differs and one.task is not None:
            differing += not one.settled
            done = "recorded now" if one.settled else f"on record: {one.task.status.value}"
            print(f"{one.key}\n  read now as {_words(one.report)}; {done}")
    print(f"{read} bodies read, {differing} differ, {settled} recorded")
    return 1 if differing else 0


def _words(report: Report) -> str:
    match report:
        case Finished():
            return f"finished with {len(report.sources)} results"
        case Failed():
            return f"failed: {report.failure.message}"
        case NotUnderstood():
            return f"not understood: {report.reason}"
        case _:
            return type(report).__name__


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="replay", description=__doc__.strip().splitlines()[0])
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    parser.add_argument("--task", help="only this task")
    parser.add_argument("--apply", action="store_true", help="record results that were missed")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
