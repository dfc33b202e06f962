"""What the routes call: use cases and collaborators, made by whoever composes the application."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from kie_gateway.core.callers.api_key import ApiKey, Caller
from kie_gateway.core.callers.origins import AllowedOrigins
from kie_gateway.core.events.delivery import Delivery
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.polling.model_times import Observed
from kie_gateway.core.ports.accounts import Accounts, Changed
from kie_gateway.core.ports.batches import Batches
from kie_gateway.core.ports.deliveries import Deliveries, Endpoints
from kie_gateway.core.ports.tasks import Page, TaskStore
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task
from kie_gateway.flows.credits.change_account import AccountChange
from kie_gateway.flows.events.manage_endpoints import EndpointUpdate, IssuedEndpoint, NewEndpoint
from kie_gateway.flows.events.retry_deliveries import Recovered
from kie_gateway.flows.files.list_outputs import OutputPage, OutputQuery
from kie_gateway.flows.groups.request_batch import BatchRequest, RequestedBatch
from kie_gateway.flows.inputs.create_upload import Upload
from kie_gateway.flows.live.issue_realtime_token import IssuedRealtimeToken
from kie_gateway.flows.manage_keys import Issued, NewKey
from kie_gateway.flows.tasks.create_task import Created
from kie_gateway.flows.tasks.import_task import Imported
from kie_gateway.flows.tasks.list_tasks import TaskQuery
from kie_gateway.flows.tasks.request_import import ImportRequest
from kie_gateway.flows.tasks.request_task import TaskRequest
from kie_gateway.flows.tasks.retry_task import Retry


class FileLinker(Protocol):
    """Makes links to files that open without a key."""

    def __call__(
        self,
        key: str,
        *,
        lifetime_seconds: int,
        download_name: str | None = None,
        is_head: bool = False,
    ) -> str:
        """Make a link to an object of the bucket; with `is_head`, one for HEAD instead of GET."""


class Permalinks(Protocol):
    """The permalinks of files."""

    def to(self, task: Task, output: Output, base_url: str) -> str | None:
        """Return the permalink of a file, None where they are switched off."""


class KeyList(Protocol):
    """The keys of callers."""

    def list_keys(
        self, owner: str | None, *, limit: int, after: str | None
    ) -> tuple[Sequence[ApiKey], str | None]:
        """List keys, oldest first; with the id to go on after, None at the end."""


class CancelTask(Protocol):
    """Cancels a task."""

    def __call__(self, task: Task, *, cascade: bool = False) -> Task:
        """Cancel a task, and with `cascade` all that belongs to it. Raises TaskSettledError."""


class DeleteTask(Protocol):
    """Deletes a task."""

    def __call__(self, task: Task, *, cascade: bool = False) -> None:
        """Delete a task, and with `cascade` all that belongs to it."""


class CreationSwitch(Protocol):
    """Stops new tasks, everywhere within 10 s, and lets them be created again."""

    def stop(self, reason: str, now: datetime) -> None:
        """Stop new tasks."""

    def resume(self) -> None:
        """Allow tasks to be created again."""


class Model(Protocol):
    """A model of the catalogue."""

    @property
    def id(self) -> str:
        """Kie.ai's id."""

    @property
    def title(self) -> str:
        """Its name for people."""

    @property
    def family(self) -> str:
        """Which API of Kie.ai it speaks."""

    @property
    def kind(self) -> str:
        """What it makes."""

    @property
    def tasks(self) -> Sequence[str]:
        """What it does; its main use comes first."""

    @property
    def status(self) -> str:
        """`current`, `unlisted` or `retired`."""

    @property
    def typical_seconds(self) -> float:
        """Median time of a task."""

    @property
    def typical_source(self) -> str:
        """Where that time comes from."""

    @property
    def confidence(self) -> str:
        """Where the facts come from."""

    @property
    def credits(self) -> Mapping[str, Any]:
        """`text` as Kie.ai writes the price, and `rule` to estimate with."""

    @property
    def aliases(self) -> Mapping[str, Any]:
        """Its other names."""

    @property
    def input(self) -> Mapping[str, Any]:
        """JSON Schema of its input."""

    @property
    def fill(self) -> Mapping[str, Any]:
        """Defaults of required fields."""

    @property
    def page_url(self) -> str | None:
        """Where Kie.ai describes it."""


class Catalogue(Protocol):
    """The catalogue of models."""

    def every(self) -> Sequence[Model]:
        """List all models, by id."""

    def find(self, model_id: str) -> Model | None:
        """Find a model by its id or another name of it."""

    def similar(self, model_id: str) -> Sequence[str]:
        """List models whose ids look alike."""


class Alternative(Protocol):
    """Another model for a recipe."""

    @property
    def model(self) -> str:
        """Kie.ai's id."""


class Recipe(Protocol):
    """A recipe of this deployment."""

    @property
    def name(self) -> str:
        """What callers name it by."""

    @property
    def version(self) -> int:
        """Which version of it this is."""

    @property
    def title(self) -> str:
        """Its name for people."""

    @property
    def description(self) -> str:
        """What it does."""

    @property
    def model(self) -> str:
        """The model that it is made for."""

    @property
    def fallback(self) -> Sequence[Alternative]:
        """Other models that do the same, in their order."""

    @property
    def params(self) -> Mapping[str, Any]:
        """JSON Schema of what a caller gives."""

    @property
    def example(self) -> Mapping[str, Any]:
        """Params that are complete."""


class FilledRecipe(Protocol):
    """What a recipe makes of params."""

    @property
    def model(self) -> str:
        """Its model."""

    @property
    def input(self) -> Mapping[str, Any]:
        """The model's input."""

    @property
    def fallback(self) -> Sequence[tuple[str, Mapping[str, Any] | None]]:
        """Other models with their inputs; None for an input that is the first model's."""


class FillRecipe(Protocol):
    """Fills recipes."""

    def __call__(self, name: str, params: Mapping[str, Any]) -> tuple[FilledRecipe, RecipeVersion]:
        """Fill a recipe. Raises InvalidRequestError: there is none, or the params do not fit it."""


class RecipeBook(Protocol):
    """The recipes of this deployment."""

    def every(self) -> Sequence[Recipe]:
        """List all recipes, by name."""

    def find(self, name: str) -> Recipe | None:
        """Find a recipe by its name."""

    def similar(self, name: str) -> Sequence[str]:
        """List the names of recipes that look alike."""


@dataclass(frozen=True)
class LiveEndpoint:
    """
    Where browsers follow tasks.

    Attributes:
        url: Of the WebSocket.
        host: Names the API in a browser's authorization.
    """

    url: str
    host: str


@dataclass(frozen=True)
class WebhookUseCases:
    """
    What is done with webhooks.

    Attributes:
        check_url: Raises InvalidRequestError if an address is none that is delivered to.
        secret_of_tasks: Returns what signs the webhooks of an owner's tasks, until it is rotated.
        rotate_secret: Takes owner and id of the endpoint.
        retry_delivery: Takes owner and id of the delivery.
        recover_deliveries: Takes owner, id of the endpoint and since when.
    """

    endpoints: Endpoints
    deliveries: Deliveries
    check_url: Callable[[str], None]
    secret_of_tasks: Callable[[str], str | None]
    create_endpoint: Callable[[NewEndpoint], IssuedEndpoint]
    update_endpoint: Callable[[Endpoint, EndpointUpdate], Endpoint]
    rotate_secret: Callable[[str, str], IssuedEndpoint]
    delete_endpoint: Callable[[Endpoint], None]
    send_test_event: Callable[[Endpoint], Delivery]
    retry_delivery: Callable[[str, str], Delivery]
    recover_deliveries: Callable[[str, str, datetime], Recovered]


@dataclass(frozen=True)
class UseCases:
    """
    The use cases of the HTTP API.

    Attributes:
        public_base_url: Without a slash at the end; "" for the address that a request came to.
        allowed_origins: Whose pages may call with a key.
        tasks_at_once: How many an owner may have open, for keys that do not say; 0 for any number.
        deadline_seconds: For tasks that do not bring their own.
        authenticate: Finds the caller by headers with lower-case names. Raises UnauthorizedError.
        whole_input: Reads the whole input of a task whose record holds an excerpt, if it can.
        find_descendants: Reads what belongs to some tasks, by id, as far as it is created.
        refresh_task: Does at once what the watch would do later.
        await_task: Waits some seconds for a task to end, for as long as there is time to answer.
        find_linked_file: Finds the file that a permalink leads to, by the id of its task, its
            number there and the signature. Raises LinkedFileNotFoundError.
        make_thumbnail: Returns the key of the thumbnail of an output with at least such a width.
        create_upload: Takes owner, content type and size in bytes.
        observed: Reads the times of this deployment's own tasks of a model, None without enough.
        live_endpoint: None where this deployment has no live updates.
        issue_realtime_token: Takes owner, ids of tasks (None for all) and seconds.
        upstream_credits: Reads the balance at Kie.ai, None if it does not say.
    """

    now: Callable[[], datetime]
    public_base_url: str
    allowed_origins: AllowedOrigins
    tasks_at_once: int
    deadline_seconds: int
    authenticate: Callable[[Mapping[str, str]], Caller]
    tasks: TaskStore
    whole_input: Callable[[Task], Task]
    list_tasks: Callable[[TaskQuery], Page]
    find_descendants: Callable[[Sequence[Task]], Mapping[str, Task]]
    request_task: Callable[[TaskRequest], Created]
    retry_task: Callable[[Retry], Created]
    cancel_task: CancelTask
    refresh_task: Callable[[Task], Task]
    delete_task: DeleteTask
    await_task: Callable[[Task, int], Task]
    batches: Batches
    request_batch: Callable[[BatchRequest], RequestedBatch]
    cancel_batch: Callable[[Batch], Batch]
    request_import: Callable[[ImportRequest], Imported]
    list_outputs: Callable[[OutputQuery], OutputPage]
    link_file: FileLinker
    permalinks: Permalinks
    find_linked_file: Callable[[str, str, str], tuple[Task, Output]]
    make_thumbnail: Callable[[Output, int], str]
    create_upload: Callable[[str, str, int], Upload]
    catalogue: Catalogue
    recipes: RecipeBook
    fill_recipe: FillRecipe
    observed: Callable[[str], Observed | None]
    accounts: Accounts
    upstream_credits: Callable[[], Decimal | None]
    change_account: Callable[[AccountChange], Changed]
    keys: KeyList
    issue_key: Callable[[NewKey], Issued]
    rotate_key: Callable[[str], Issued]
    revoke_key: Callable[[str], ApiKey]
    creation_switch: CreationSwitch
    live_endpoint: LiveEndpoint | None
    issue_realtime_token: Callable[[str, Sequence[str] | None, int], IssuedRealtimeToken]
    webhooks: WebhookUseCases
