"""The environment of each function, read once at start; a missing setting is named in one line."""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kie_gateway.core.errors.base import ConfigurationError


class RecordSettings(BaseModel):
    """What every function needs: the record and the raw archive."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_min_length=1)

    table_name: str
    bucket_name: str


class KieSettings(BaseModel):
    """
    How to reach Kie.ai.

    Attributes:
        callback_secret_arn: Of the secret behind callback tokens, which Kie.ai quotes.
    """

    kie_secret_arn: str
    kie_base_url: str
    callback_secret_arn: str


class SubmitQueueSettings(RecordSettings):
    """Where the submit queue is, and how many creations Kie.ai takes."""

    kie_creations_per_10_seconds: int


class PollSettings(RecordSettings, KieSettings):
    """
    How and when to ask Kie.ai, and where else.

    Attributes:
        guess_after_seconds: Age from which links are guessed; 0 for never.
        guess_base_url: Kie's file host.
        result_hosts: Where results may be fetched from.
    """

    first_poll_seconds: int
    poll_cap_seconds: int
    guess_after_seconds: int
    guess_base_url: str
    result_hosts: str


class RoadSettings(BaseModel):
    """How to hand work to the other functions."""

    store_queue_url: str
    watch_machine_arn: str


class StoreSettings(BaseModel):
    """What may be stored, and how long it is kept."""

    max_result_bytes: int
    asset_retention_days: int


class UploadSettings(BaseModel):
    """Where Kie.ai takes input files."""

    kie_upload_base_url: str


class ReservationSettings(BaseModel):
    """
    What is set aside for new tasks.

    Attributes:
        unknown_estimate_credits: For a task whose price nobody knows.
        release_after_seconds: How long credits stay reserved once nobody waits for a verdict.
    """

    unknown_estimate_credits: Decimal
    release_after_seconds: int


class PermalinkSettings(BaseModel):
    """
    How permalinks are made.

    Attributes:
        signing_secret_arn: Of the secret whose derived keys sign them, among other things.
        permalinks: Whether there are any.
    """

    signing_secret_arn: str
    permalinks: bool


class GroupSettings(ReservationSettings, PermalinkSettings):
    """How tasks are created with what is to follow them."""


class BatchSettings(SubmitQueueSettings, GroupSettings):
    """How batches are created."""


class SigningSettings(BaseModel):
    """
    What we sign with.

    Attributes:
        signing_secret_arn: Of the secret that a key is derived from for each purpose.
    """

    signing_secret_arn: str


class LivePublisherSettings(BaseModel):
    """
    Where live updates are published.

    Attributes:
        live_publish_url: Empty where there are none.
    """

    live_publish_url: str = Field(min_length=0)


class ApiFunctionSettings(
    BatchSettings, UploadSettings, PollSettings, RoadSettings, SigningSettings
):
    """
    Environment of ApiFunction.

    Attributes:
        live_http_host: Names the API in a browser's authorization; empty without live updates.
        live_realtime_url: Where browsers connect; as before.
        public_base_url: Empty unless the API is reached under another address than its own.
        allowed_origins: Whose pages may call with a key, separated by commas.
        files_domain: Of the CloudFront distribution; empty where S3 serves files itself.
        deadline_seconds: For tasks that do not bring their own.
        jwt_issuer: Whose tokens are taken; empty for none.
        requests_per_minute: Of an owner, for keys without a limit of their own; 0 for any number.
        tasks_at_once: How many an owner may have open, in the same way.
        new_owner_credits: What a new owner starts with; negative for no limit.
        webhook_hosts: `host:port` of receivers that may be private or speak plain http.
    """

    public_base_url: str = Field(min_length=0)
    allowed_origins: str = Field(min_length=0)
    files_domain: str = Field(min_length=0)
    files_key_id: str = Field(min_length=0)
    files_key_secret_arn: str = Field(min_length=0)
    deadline_seconds: int
    requests_per_minute: int
    tasks_at_once: int
    new_owner_credits: Decimal
    jwt_issuer: str = Field(min_length=0)
    jwt_audience: str = Field(min_length=0)
    jwt_owner_claim: str
    jwt_may_admin: bool
    thumbnail_function_name: str
    live_http_host: str = Field(min_length=0)
    live_realtime_url: str = Field(min_length=0)
    delivery_queue_url: str
    webhook_hosts: str = Field(min_length=0)

    @property
    def starting_credits(self) -> Decimal | None:
        """What a new owner starts with; None for no limit."""
        return self.new_owner_credits if self.new_owner_credits >= 0 else None


class SweepFunctionSettings(BatchSettings, PollSettings, RoadSettings):
    """Environment of SweepFunction."""


class ThumbnailFunctionSettings(BaseModel):
    """Environment of ThumbnailFunction."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_min_length=1)

    bucket_name: str


class RealtimeAuthorizerFunctionSettings(SigningSettings):
    """Environment of RealtimeAuthorizerFunction."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_min_length=1)


class CallbackFunctionSettings(RecordSettings, RoadSettings):
    """Environment of CallbackFunction."""

    kie_secret_arn: str
    callback_secret_arn: str
    result_hosts: str


class StoreFunctionSettings(StoreSettings, PollSettings, RoadSettings, GroupSettings):
    """Environment of StoreFunction."""


class WatchFunctionSettings(BatchSettings, UploadSettings, StoreSettings, PollSettings):
    """Environment of WatchFunction."""


class EventsFunctionSettings(PermalinkSettings, LivePublisherSettings):
    """
    Environment of EventsFunction.

    Attributes:
        low_credits: A balance below this is told to its owner; 0 tells nobody.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_min_length=1)

    table_name: str
    delivery_queue_url: str
    dead_letter_queue_url: str
    event_bus_name: str
    low_credits: Decimal


class DeliverFunctionSettings(BaseModel):
    """
    Environment of DeliverFunction.

    Attributes:
        webhook_hosts: `host:port` of receivers that may be private or speak plain http.
        webhook_retry_seconds: Pauses after the first try, the second, and so on, with commas.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_min_length=1)

    table_name: str
    delivery_queue_url: str
    signing_secret_arn: str
    webhook_hosts: str = Field(min_length=0)
    webhook_retry_seconds: str

    @property
    def schedule(self) -> Sequence[timedelta]:
        """The pauses between tries."""
        return [timedelta(seconds=float(one)) for one in self.webhook_retry_seconds.split(",")]


def load[S: BaseModel](model: type[S], environment: Mapping[str, str] | None = None) -> S:
    """
    Read a function's settings.

    Raises:
        ConfigurationError: Names every setting that is missing or unusable.
    """
    source = os.environ if environment is None else environment
    values = {name: source[name.upper()] for name in model.model_fields if name.upper() in source}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = ", ".join(_describe(fault["loc"][0], fault["type"]) for fault in error.errors())
        raise ConfigurationError(f"{model.__name__}: {wrong}") from None


def _describe(name: int | str, kind: str) -> str:
    return f"{str(name).upper()} is {'missing' if kind == 'missing' else f'unusable ({kind})'}"
