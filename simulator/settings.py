"""What can be chosen when the simulator is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """
    Choices that hold as long as the simulator runs.

    Attributes:
        port: 0 takes a free one.
        state: Folder that survives a restart; None keeps everything in memory.
        api_key: The only key that is accepted; None accepts every key.
        webhook_hmac_key: Signs webhooks; None sends them unsigned, as Kie.ai does without a key.
        base_url: What result links start with; None is our own address.
        seconds: How long a task takes unless a dial says otherwise.
        create_limit: Creations accepted within ten seconds; 0 accepts any number.
        key_limit: Creations accepted from one API key within an hour; 0 accepts any number.
        history_token: The session that opens the history pages.
        history_key: How an API key opens the page of 4o pictures: `any` (with and without
            `Bearer`, as users report), `bearer`, `bare` or `none`; the others want a session.
        credits: Balance of a new account.
        sends_webhooks: False keeps every webhook back, for where no receiver can be reached.
        webhook_timeout_seconds: How long the receiver of a webhook may take to answer.
        retry_pauses_seconds: Waits before a webhook is sent again; one retry each.

    """

    host: str = "127.0.0.1"
    port: int = 8001
    state: Path | None = None
    api_key: str | None = field(default=None, repr=False)
    webhook_hmac_key: str | None = field(default=None, repr=False)
    history_token: str = field(default="sim-history-token", repr=False)
    history_key: str = "any"
    base_url: str | None = None
    seconds: float = 1.5
    create_limit: int = 20
    key_limit: int = 0
    credits: float = 10_000.0
    sends_webhooks: bool = True
    webhook_timeout_seconds: float = 15.0
    retry_pauses_seconds: tuple[float, ...] = (3.0, 9.0, 27.0)
