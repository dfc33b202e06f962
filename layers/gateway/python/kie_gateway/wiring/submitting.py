"""Parts that submit creations to Kie.ai."""

from collections.abc import Callable

import httpx
from ulid import ULID

from kie_gateway.aws.submit_queue_table import SubmitQueueTable
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import Rate
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.inputs.prepare_input import PrepareInput
from kie_gateway.flows.inputs.use_outputs import FindOutput
from kie_gateway.flows.polling.archive_answer import ArchiveAnswer
from kie_gateway.flows.submitting.record_submission import RecordSubmission
from kie_gateway.flows.submitting.submit_task import SubmitTask
from kie_gateway.kie.families.registry import family
from kie_gateway.kie.uploads import KieUploads
from kie_gateway.settings import SubmitQueueSettings, UploadSettings
from kie_gateway.wiring.polling import Polling
from kie_gateway.wiring.runtime import Runtime

# Kie.ai fetches inputs when it comes to the task, which may take a while. AWS ends such a link with
# the credentials that have signed it, those of the function's role, which AWS renews by a schedule
# that it does not document (repost.aws/knowledge-center/presigned-url-s3-bucket-expiration): links
# of Lambda were seen to last 12 hours at most, and so less when they are signed late.
_LINK_SECONDS = 6 * 3600


def make_submit_queue(settings: SubmitQueueSettings, runtime: Runtime) -> SubmitQueueTable:
    """Make the submit queue."""
    return SubmitQueueTable(
        runtime.clients.dynamodb,
        settings.table_name,
        Rate(settings.kie_creations_per_10_seconds),
        runtime.now,
        pause=runtime.sleep,
    )


def make_submit_task(
    settings: UploadSettings,
    runtime: Runtime,
    tasks: TaskStore,
    polling: Polling,
    submit_queue: SubmitQueue,
) -> SubmitTask:
    """Make what submits creations."""
    kie = polling.kie
    uploads = KieUploads(
        httpx.Client(base_url=settings.kie_upload_base_url),
        lambda: kie.keys().api_key,
        lambda: str(ULID()).lower(),
        time_left=runtime.time_left,
    )
    prepare = PrepareInput(
        tasks=tasks,
        whole=LargeInputs(runtime.bucket).whole,
        link_file=_linker(runtime),
        find_output=FindOutput(tasks),
        host=uploads,
        hosts_all_links=lambda name: family(name).hosts_inputs,
        now=runtime.now,
    )
    return SubmitTask(
        tasks=tasks,
        kie=kie.client,
        archive_answer=ArchiveAnswer(runtime.bucket, runtime.now),
        record=RecordSubmission(tasks, polling.policy),
        submit_queue=submit_queue,
        now=runtime.now,
        prepare=prepare,
        balance=kie.balance,
    )


def _linker(runtime: Runtime) -> Callable[[str], str]:
    return lambda key: runtime.bucket.presign(key, lifetime_seconds=_LINK_SECONDS)
